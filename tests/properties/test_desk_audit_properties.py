"""Whatever is done to the lines of the audit log behind its back, ``verify`` finds it."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from sentinel.database import Database
from sentinel.desk.audit import Action, AuditLog, Entry, Head, Problem
from sentinel.desk.tables import AUDIT, SCHEMA

_DATABASE = Database("sqlite://", SCHEMA, "SENTINEL_HISTORY")
_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_ENTRIES = st.lists(
    st.builds(
        Entry,
        at_ms=st.integers(0, 2**53),
        actor=_TEXT,
        action=st.sampled_from(Action),
        subject_kind=_TEXT,
        subject=_TEXT,
        detail=_TEXT,
    ),
    min_size=2,
    max_size=8,
)
_COLUMNS = ("at_ms", "actor", "action", "subject_kind", "subject", "detail", "hash")
Rows = list[dict[str, Any]]


def _written(entries: list[Entry]) -> tuple[AuditLog, Head, Rows]:
    """A log with these lines: its head and its rows."""
    with _DATABASE.writing() as connection:
        connection.execute(delete(AUDIT))
    log = AuditLog(_DATABASE)
    for entry in entries:
        log.append(entry)
    with _DATABASE.reading() as connection:
        rows = connection.execute(select(AUDIT).order_by(AUDIT.c.number)).mappings()
        return log, log.head(), [dict(row) for row in rows]


def _put(rows: Rows) -> None:
    with _DATABASE.writing() as connection:
        connection.execute(delete(AUDIT))
        if rows:
            connection.execute(insert(AUDIT), rows)


def _numbered(rows: Rows) -> Rows:
    """The same lines with numbers without a gap."""
    return [row | {"number": number} for number, row in enumerate(rows, 1)]


def _same(rows: Rows) -> Rows:
    return rows


@given(_ENTRIES)
def test_a_log_that_nobody_touched_is_whole(entries: list[Entry]) -> None:
    """With every head that it ever had."""
    log, head, rows = _written(entries)
    assert head.number == len(entries)
    assert log.verify((row["number"], row["hash"]) for row in rows) is None


@given(_ENTRIES, st.data())
def test_a_changed_value_is_found_where_it_is(entries: list[Entry], data: st.DataObject) -> None:
    """In any column, without a known head."""
    log, _, rows = _written(entries)
    index = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(_COLUMNS))
    values = st.integers(0, 2**53) if column == "at_ms" else _TEXT
    old = rows[index][column]
    rows[index][column] = data.draw(values.filter(lambda new: new != old))
    _put(rows)
    broken = log.verify()
    assert broken is not None
    assert (broken.number, broken.problem) == (index + 1, Problem.CHANGED)


@given(_ENTRIES, st.data(), st.sampled_from([_same, _numbered]))
def test_a_missing_line_is_found(
    entries: list[Entry], data: st.DataObject, renumber: Callable[[Rows], Rows]
) -> None:
    """Whether the others keep their numbers or not; the last one by a known head."""
    log, head, rows = _written(entries)
    index = data.draw(st.integers(0, len(rows) - 1))
    del rows[index]
    _put(renumber(rows))
    broken = log.verify([head])
    assert broken is not None
    assert broken.number == index + 1
    if index < len(rows):
        assert log.verify() == broken


@given(_ENTRIES, st.data())
def test_an_added_line_is_found(entries: list[Entry], data: st.DataObject) -> None:
    """Anywhere, a copy of one that was written."""
    log, _, rows = _written(entries)
    index = data.draw(st.integers(0, len(rows)))
    rows.insert(index, data.draw(st.sampled_from(rows)))
    _put(_numbered(rows))
    broken = log.verify()
    assert broken is not None
    assert abs(broken.number - index - 1) <= 1


@given(_ENTRIES, st.data())
def test_two_lines_that_changed_their_numbers_are_found(
    entries: list[Entry], data: st.DataObject
) -> None:
    """At the first of them."""
    log, _, rows = _written(entries)
    pairs = st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True)
    first, second = sorted(data.draw(pairs))
    rows[first], rows[second] = rows[second], rows[first]
    _put(_numbered(rows))
    broken = log.verify()
    assert broken is not None
    assert broken.number == first + 1
