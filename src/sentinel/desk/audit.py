"""The audit log: who did what to whom, in lines that are added and never changed.

The lines are a hash chain.  The hash of a line is BLAKE2b with 256 bits, as 64 hexadecimal
digits, over the previous line's hash (these digits; zeros before the first line) and the line as
canonical JSON in UTF-8: an object with the keys ``action``, ``actor``, ``at_ms``, ``detail``,
``number``, ``subject`` and ``subject_kind`` in this order, without spaces, in which only what JSON
does not allow otherwise is escaped.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, insert, select

from sentinel.database import Database
from sentinel.desk.tables import AUDIT, wait_for_turn

MOST_LINES = 1_000
"""Lines that one call of :meth:`AuditLog.lines` returns at most."""
LONGEST_DETAIL = 2_000
"""Characters of a detail that are kept; the rest is cut."""
_LONGEST = {"actor": 64, "subject_kind": 32, "subject": 160}
_START = "0" * 64
_NOT_SHOWN = ("Cc", "Cs")  # control characters, half of a pair


@unique
class Action(StrEnum):
    """What somebody did at the desk, or to an account of it."""

    LOGIN = "login"
    LOGIN_REFUSED = "login_refused"
    LOGOUT = "logout"
    LOOK = "look"
    UNMASK = "unmask"
    SEARCH = "search"
    EXPORT = "export"
    ANSWER = "answer"
    WITHDRAW = "withdraw"
    SNOOZE = "snooze"
    APPROVE = "approve"
    REFUSE = "refuse"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an action


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be logged; ``subject`` is an id of the kind ``subject_kind``.

    ``actor`` is a user's name, or ``os:`` and the login name of who used the command line.  Of
    ``detail`` LONGEST_DETAIL characters are kept.  Characters that a line or a database cannot
    hold are replaced.  Raises ValueError if an id is too long: a cut id would name somebody else.
    """

    at_ms: int
    actor: str
    action: Action
    subject_kind: str = ""
    subject: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        for name, most in _LONGEST.items():
            value = _printable(getattr(self, name))
            if len(value) > most:
                raise ValueError(f"{name} has more than {most} characters")
            object.__setattr__(self, name, value)
        detail = _printable(self.detail[: LONGEST_DETAIL + 1])
        if len(detail) > LONGEST_DETAIL:
            detail = detail[: LONGEST_DETAIL - 1] + "…"
        object.__setattr__(self, "detail", detail)


class Line(NamedTuple):
    """A line as it is in the database: an entry with its number from 1 and its hash.

    Nothing is checked: an action that is none stands here as it was found.
    """

    number: int
    at_ms: int
    actor: str
    action: str
    subject_kind: str
    subject: str
    detail: str
    hash: str


class Head(NamedTuple):
    """The number of a line and its hash; of an empty log 0 and zeros."""

    number: int
    hash: str


@unique
class Problem(StrEnum):
    """What is wrong with the chain."""

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    OTHER_HEAD = "other_head"  # a known head does not stand in the chain


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line at which the chain is broken."""

    number: int
    problem: Problem

    def __str__(self) -> str:
        match self.problem:
            case Problem.CHANGED:
                return f"line {self.number} is not what was written, or the one before it is not"
            case Problem.MISSING:
                return f"line {self.number} is missing"
            case Problem.ADDED:
                return f"line {self.number} was added between lines that were written"
            case Problem.OTHER_HEAD:
                return f"line {self.number} does not have the hash of the head that is known"


_COLUMNS = [AUDIT.c[name] for name in Line._fields]


class AuditLog:
    """The audit log in a database; calls block, and raise DatabaseError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, entry: Entry) -> int:
        """Add a line, one process at a time; its number, once it is committed."""
        with self._database.writing() as connection:
            wait_for_turn(connection)
            return append(connection, entry)

    def head(self) -> Head:
        """The last line's number and hash, to be kept where nobody can change them."""
        with self._database.reading() as connection:
            return _head(connection)

    def verify(self, known_heads: Iterable[tuple[int, str]] = ()) -> Broken | None:
        """The first line that is changed, missing or added; None if the chain is whole.

        A line that follows a changed one whose hash was made anew does not fit, and is found in
        its stead.  Whoever can write to the database can delete the last lines, or make a whole
        new chain from some line on; neither can be seen in the chain itself.  Only a head that
        was known before (``known_heads``: number and hash) finds that: it is missing, or its
        line has another hash.
        """
        known: dict[int, set[str]] = {}
        for number, value in known_heads:
            known.setdefault(number, set()).add(value)
        before = _START
        count = 0
        if broken := _other_head(known, 0, before):
            return broken
        for line in self._all():
            if line.number < 1:
                return Broken(line.number, Problem.ADDED)
            count += 1
            if line.number != count:
                return Broken(count, Problem.MISSING)
            if _hash(before, line) != line.hash:
                return Broken(count, self._misfit(before, count))
            if broken := _other_head(known, count, line.hash):
                return broken
            before = line.hash
        beyond = min((number for number in known if number > count), default=None)
        return None if beyond is None else Broken(count + 1, Problem.MISSING)

    def lines(
        self, after: int, most: int, *, actor: str | None = None, subject: str | None = None
    ) -> list[Line]:
        """Up to ``most`` lines with numbers above ``after``, MOST_LINES at the most."""
        wanted = [AUDIT.c.number > after]
        if actor is not None:
            wanted.append(AUDIT.c.actor == actor)
        if subject is not None:
            wanted.append(AUDIT.c.subject == subject)
        return self._read(wanted, min(most, MOST_LINES))

    def _all(self) -> Iterator[Line]:
        """Every line in the order of the numbers, some at a time."""
        wanted: list[ColumnElement[bool]] = []
        while lines := self._read(wanted, MOST_LINES):
            yield from lines
            wanted = [AUDIT.c.number > lines[-1].number]

    def _read(self, wanted: list[ColumnElement[bool]], most: int) -> list[Line]:
        query = select(*_COLUMNS).where(*wanted).order_by(AUDIT.c.number).limit(most)
        with self._database.reading() as connection:
            return [Line._make(row) for row in connection.execute(query)]

    def _misfit(self, before: str, number: int) -> Problem:
        """Whether a line that does not fit was put before the one that had its number."""
        following = self.lines(number, 1)
        if following:
            line = following[0]._replace(number=number)
            if _hash(before, line) == line.hash:
                return Problem.ADDED
        return Problem.CHANGED


def append(connection: Connection, entry: Entry) -> int:
    """Add a line in a transaction that has waited for its turn (``wait_for_turn``); its number."""
    head = _head(connection)
    line = Line(
        head.number + 1,
        entry.at_ms,
        entry.actor,
        entry.action.value,
        entry.subject_kind,
        entry.subject,
        entry.detail,
        hash="",
    )
    hashed = _hash(head.hash, line)
    connection.execute(insert(AUDIT).values(line._replace(hash=hashed)._asdict()))
    return line.number


def _head(connection: Connection) -> Head:
    query = select(AUDIT.c.number, AUDIT.c.hash).order_by(AUDIT.c.number.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return Head(0, _START) if row is None else Head(*row)


def _hash(before: str, line: Line) -> str:
    """What the hash of a line must be.  Somebody may have put any value into any column."""
    values = line._asdict()
    del values["hash"]
    text = json.dumps(
        values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=repr
    )
    return hashlib.blake2b(f"{before}{text}".encode(), digest_size=32).hexdigest()


def _other_head(known: Mapping[int, set[str]], number: int, value: str) -> Broken | None:
    """Whether one of the heads that are known for a line is not its hash."""
    fits = known.get(number, set()) <= {value}
    return None if fits else Broken(number, Problem.OTHER_HEAD)


def _printable(text: str) -> str:
    """A text without what PostgreSQL, UTF-8 or a terminal cannot show: it stays on one line."""
    if text.isprintable():
        return text
    spaced = re.sub(r"\s", " ", text)
    return "".join(
        "\ufffd" if unicodedata.category(each) in _NOT_SHOWN else each for each in spaced
    )
