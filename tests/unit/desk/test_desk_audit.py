"""The audit log: lines that are added, and a chain in which a changed one is found."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from sentinel.database import Database
from sentinel.desk.audit import (
    LONGEST_DETAIL,
    MOST_LINES,
    Action,
    AuditLog,
    Broken,
    Entry,
    Head,
    Problem,
)
from sentinel.desk.tables import AUDIT, SCHEMA

NOW = 1_795_000_000_000


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An empty database of the desk."""
    return Database(f"sqlite:///{tmp_path}/desk.db", SCHEMA, "SENTINEL_HISTORY")


def _looks(database: Database, count: int = 3) -> AuditLog:
    log = AuditLog(database)
    for number in range(count):
        log.append(Entry(NOW + number, "li.wei", Action.LOOK, "customer", f"C-{number}", "a1"))
    return log


def _execute(database: Database, statement: Any) -> None:
    with database.writing() as connection:
        connection.execute(statement)


def test_lines_are_numbered_and_read_back(database: Database) -> None:
    """From 1, in the order in which they were added, by actor or subject if asked."""
    log = AuditLog(database)
    assert log.head() == Head(0, "0" * 64)
    assert log.append(Entry(NOW, "li.wei", Action.LOOK, "customer", "C-1")) == 1
    assert log.append(Entry(NOW, "wang.fang", Action.UNMASK, "customer", "C-1", "回访")) == 2
    assert log.append(Entry(NOW, "li.wei", Action.SEARCH, detail="device D-9")) == 3
    assert [line.number for line in log.lines(0, 99)] == [1, 2, 3]
    assert [line.number for line in log.lines(1, 1)] == [2]
    assert [line.number for line in log.lines(0, 99, actor="li.wei")] == [1, 3]
    assert [line.detail for line in log.lines(0, 9, subject="C-1")] == ["", "回访"]
    assert log.verify([(0, "0" * 64), log.head()]) is None


def test_the_hash_is_what_the_docstring_says(database: Database) -> None:
    """An auditor checks the chain with any language: here without the code's own."""
    log = _looks(database, 2)
    first, second = log.lines(0, 9)
    line = (
        '{"action":"look","actor":"li.wei","at_ms":1795000000001,"detail":"a1",'
        '"number":2,"subject":"C-1","subject_kind":"customer"}'
    )
    hashed = hashlib.blake2b((first.hash + line).encode(), digest_size=32).hexdigest()
    assert second.hash == hashed == log.head().hash
    assert json.loads(line)["subject"] == second.subject


@pytest.mark.parametrize("column", ["at_ms", "actor", "action", "subject_kind", "subject"])
def test_a_changed_value_is_found_in_every_column(database: Database, column: str) -> None:
    """Also one that nobody could have written."""
    log = _looks(database)
    _execute(database, update(AUDIT).where(AUDIT.c.number == 2).values({column: 7}))
    assert log.verify() == Broken(2, Problem.CHANGED)


def test_a_line_whose_hash_was_made_anew_is_found_at_the_next(database: Database) -> None:
    """The next line does not fit any more."""
    log = _looks(database)
    other = _looks(Database("sqlite://", SCHEMA, "SENTINEL_HISTORY"), 1)
    other.append(Entry(NOW, "li.wei", Action.LOOK, "customer", "C-9"))
    forged = other.lines(1, 1)[0]._asdict()
    _execute(database, update(AUDIT).where(AUDIT.c.number == 2).values(forged))
    assert log.verify() == Broken(3, Problem.CHANGED)


def test_deleted_last_lines_are_found_by_a_known_head_only(database: Database) -> None:
    """The docstring says so: what is left is a whole chain."""
    log = _looks(database)
    head = log.head()
    _execute(database, delete(AUDIT).where(AUDIT.c.number == 3))
    assert log.verify() is None
    assert log.verify([head]) == Broken(3, Problem.MISSING)


def test_a_chain_that_was_made_anew_is_found_by_a_known_head_only(database: Database) -> None:
    """Each line fits the one before it, but not what was known."""
    log = _looks(database)
    early, head = Head(1, log.lines(0, 1)[0].hash), log.head()
    _execute(database, delete(AUDIT).where(AUDIT.c.number > 1))
    log.append(Entry(NOW, "li.wei", Action.LOOK, "customer", "C-8"))
    log.append(Entry(NOW, "li.wei", Action.LOOK, "customer", "C-9"))
    assert log.verify([early]) is None
    assert log.verify([early, head]) == Broken(3, Problem.OTHER_HEAD)
    assert log.verify([(0, "1" * 64)]) == Broken(0, Problem.OTHER_HEAD)


def test_a_line_that_was_added_is_told_from_a_changed_one(database: Database) -> None:
    """Later lines have moved by one number; or it stands before the first."""
    log = _looks(database)
    for number in (3, 2):
        moved = update(AUDIT).where(AUDIT.c.number == number).values(number=number + 1)
        _execute(database, moved)
    row = log.lines(0, 1)[0]._asdict() | {"number": 2}
    _execute(database, insert(AUDIT).values(row))
    assert log.verify() == Broken(2, Problem.ADDED)
    _execute(database, insert(AUDIT).values(row | {"number": -4}))
    assert log.verify() == Broken(-4, Problem.ADDED)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem.CHANGED, "line 7 is not what was written, or the one before it is not"),
        (Problem.MISSING, "line 7 is missing"),
        (Problem.ADDED, "line 7 was added between lines that were written"),
        (Problem.OTHER_HEAD, "line 7 does not have the hash of the head that is known"),
    ],
)
def test_each_problem_has_a_sentence(problem: Problem, text: str) -> None:
    """With the number of the line."""
    assert str(Broken(7, problem)) == text


def test_two_programs_append_in_turns(database: Database, tmp_path: Path) -> None:
    """Each line has the next number, and the chain is whole."""
    other = Database(f"sqlite:///{tmp_path}/desk.db", SCHEMA, "SENTINEL_HISTORY")
    with ThreadPoolExecutor(8) as pool:
        done = [
            pool.submit(AuditLog(each).append, Entry(NOW, name, Action.LOOK))
            for _ in range(20)
            for each, name in ((database, "a"), (other, "b"))
        ]
        assert sorted(each.result(60) for each in done) == list(range(1, 41))
    assert AuditLog(database).verify() is None
    other.close()


def test_a_long_log_is_read_in_parts(database: Database) -> None:
    """Lines beyond one part are verified too, and one call returns no more than a part."""
    log = _looks(database, MOST_LINES + 2)
    assert len(log.lines(0, 10 * MOST_LINES)) == MOST_LINES
    assert log.verify() is None
    _execute(database, update(AUDIT).where(AUDIT.c.number == MOST_LINES + 1).values(detail=""))
    assert log.verify() == Broken(MOST_LINES + 1, Problem.CHANGED)


def test_a_detail_is_cut_and_stays_on_one_line(database: Database) -> None:
    """So that it neither fills the database nor writes to a terminal."""
    log = AuditLog(database)
    log.append(Entry(NOW, "li.wei", Action.ANSWER, detail="x" * (LONGEST_DETAIL + 1)))
    log.append(Entry(NOW, "li.wei", Action.ANSWER, detail="a\nb\0\ud800\x1b[2J"))
    long, odd = log.lines(0, 9)
    assert (len(long.detail), long.detail[-2:]) == (LONGEST_DETAIL, "x…")
    assert odd.detail == "a b���[2J"
    assert log.verify() is None


def test_an_id_is_never_cut() -> None:
    """A cut one would name another customer."""
    with pytest.raises(ValueError, match="subject has more than 160 characters"):
        Entry(NOW, "li.wei", Action.LOOK, "customer", "C" * 161)
