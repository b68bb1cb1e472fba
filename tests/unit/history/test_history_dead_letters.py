"""Dead letters in history: once, no more of a value than a limit, and nothing of who is erased."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from tests.zygote import run

from sentinel.history.dead_letters import (
    KEPT_BYTES,
    DeadLetterRecord,
    RepairRecord,
    read_dead_letter,
)
from sentinel.history.records import Read
from sentinel.history.store import Store
from sentinel.history.tables import DEAD_LETTERS
from sentinel.kafka.letters import VALUE_BYTES, letter_record, marker_headers
from sentinel.kafka.records import Fetched
from sentinel.model.step import DeadLetter, DeadLetterReason

AT = 1_767_236_400_000  # 2026-01-01T11:00 in Shanghai


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty history."""
    return Store(f"sqlite:///{tmp_path}/history.db")


def _fetched(key: bytes | None, value: bytes | None, headers: Mapping[str, bytes]) -> Fetched:
    return Fetched("t.deadletter", 1, 5, 6, [5], [AT], [key], [value], [list(headers.items())])


def _letter(
    value: bytes | None, offset: int = 7, key: bytes | None = b"C1", detail: str = "no kind"
) -> DeadLetterRecord | RepairRecord:
    """A letter as the worker writes it and history reads it."""
    letter = DeadLetter("t.logins", 0, offset, key, value, DeadLetterReason.SCHEMA, detail)
    return read_dead_letter(_fetched(*letter_record(letter, VALUE_BYTES)), 0)


def _accept(store: Store, *records: DeadLetterRecord | RepairRecord, start: int = 0) -> None:
    numbered = list(enumerate(records, start))
    store.accept(Read("t.deadletter-1", start, start + len(records), numbered))


def _rows(store: Store) -> list[Any]:
    query = select(DEAD_LETTERS).order_by(DEAD_LETTERS.c.offset)
    with store.database.reading() as connection:
        return list(connection.execute(query))


def test_a_letter_is_stored_once_with_where_it_was_and_why(store: Store) -> None:
    """Read again at its offset or written again by the worker."""
    for start in (0, 0, 1):
        _accept(store, _letter(b"{}"), start=start)
    (row,) = _rows(store)
    assert (row.topic, row.partition, row.offset) == ("t.logins", 0, 7)
    assert (row.reason, row.detail, row.at_ms) == ("schema", "no kind", AT)
    assert (row.key, row.value, row.value_bytes) == ("C1", b"{}", 2)
    assert (row.repaired_ms, row.repaired_by) == (None, None)


@pytest.mark.parametrize(
    ("size", "is_cut"), [(KEPT_BYTES, False), (KEPT_BYTES + 1, True), (VALUE_BYTES + 1, True)]
)
def test_of_a_large_value_the_start_is_stored(store: Store, size: int, is_cut: bool) -> None:
    """Whether history cuts it or the worker has done so before; its length is that of the whole."""
    letter = _letter(b"x" * size)
    assert isinstance(letter, DeadLetterRecord)
    assert letter.is_cut is is_cut
    _accept(store, letter)
    (row,) = _rows(store)
    assert (len(row.value), row.value_bytes) == (min(size, KEPT_BYTES), size)


def test_a_record_without_value_or_key_is_a_letter_too(store: Store) -> None:
    """A tombstone has neither bytes nor a length."""
    letter = _letter(None, key=None)
    assert isinstance(letter, DeadLetterRecord)
    assert not letter.is_cut
    _accept(store, letter)
    (row,) = _rows(store)
    assert (row.key, row.value, row.value_bytes) == (None, None, None)


def test_a_letter_that_was_sent_again_names_who_did_so(store: Store) -> None:
    """The first marker counts; one of a letter that is not known changes nothing."""
    for by in ("li.wei", "zhang.min"):
        marker = read_dead_letter(_fetched(b"t.logins-0-7", None, marker_headers(by)), 0)
        _accept(store, _letter(b"{}"), marker, start=len(by))
    other = read_dead_letter(_fetched(b"t.logins-0-8", None, marker_headers("li.wei")), 0)
    _accept(store, other, start=20)
    (row,) = _rows(store)
    assert (row.repaired_ms, row.repaired_by) == (AT, "li.wei")


@pytest.mark.parametrize(
    ("key", "headers"),
    [(None, {"reason": b"schema"}), (b"t.logins-0-7", {}), (b"x", {"repaired": b"li.wei"})],
)
def test_what_is_no_letter_is_refused(key: bytes | None, headers: dict[str, bytes]) -> None:
    """The service counts it as unreadable."""
    with pytest.raises(ValueError, match="no dead letter"):
        read_dead_letter(_fetched(key, b"{}", headers), 0)


def test_text_that_no_database_has_is_stored_without_it(store: Store) -> None:
    """PostgreSQL refuses texts with a NUL."""
    _accept(store, _letter(b"\x00", key=b"C\x001"))
    (row,) = _rows(store)
    assert (row.key, row.value) == ("C1", b"\x00")


def test_old_letters_are_pruned(store: Store) -> None:
    """However many there are, by when they were written."""
    _accept(store, *(_letter(b"{}", offset) for offset in range(1_100)))
    assert store.prune(AT) == {}
    assert store.prune(AT + 1) == {"history_dead_letters": 1_100}
    assert _rows(store) == []


def test_letters_that_name_a_customer_are_erased(store: Store) -> None:
    """By the record's key, or as a word in its value; who has a longer id stays."""
    values = [
        (b"{", b"C1"),
        (b'{"customer_id": "C1", ', None),
        (b"C1", b"X"),
        (b'{"customer_id": "C12"}', b"C12"),
        (b'{"customer_id": "AC1"}', None),
        (b'{"customer_id": "C1-7"}', None),
        (None, None),
    ]
    fillers = [_letter(b"{}", 1_000 + number, b"C9") for number in range(600)]
    _accept(store, *(_letter(v, n, k) for n, (v, k) in enumerate(values)), *fillers)
    _accept(store, _letter(None, 900, None, "of C1"), start=1_000)
    assert store.erase("C1") == {"history_dead_letters": 4}
    assert [row.offset for row in _rows(store)][:4] == [3, 4, 5, 6]
    assert store.erase("C9") == {"history_dead_letters": 600}


def test_letters_are_exported(tmp_path: Path) -> None:
    """Those written in the span, a line each; bytes are base64."""
    store = Store(f"sqlite:///{tmp_path}/history.db")
    _accept(store, *(_letter(b"\xff", offset) for offset in range(600)))
    store.close()
    file = tmp_path / "letters.jsonl"
    environment = {"SENTINEL_HISTORY": f"sqlite:///{tmp_path}/history.db"}
    where = ("history", "export", "--to", file, "--records", "dead-letters", "--history")
    done = run(*where, "2026-01-01..2026-01-02", environment=environment)
    assert (done.returncode, done.stderr) == (0, "600 dead letters\n")
    lines = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    assert [each["offset"] for each in lines] == list(range(600))
    assert (lines[0]["value"], lines[0]["reason"]) == ("/w==", "schema")
    done = run(*where, "2026-01-02..2026-01-03", environment=environment)
    assert (done.returncode, done.stderr) == (0, "0 dead letters\n")
