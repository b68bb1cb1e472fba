"""Dead letters in SQL: where the record was, why it was refused, and the start of its value."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    select,
    tuple_,
    update,
)

from sentinel.database import Database
from sentinel.history.tables import DEAD_LETTERS
from sentinel.kafka.letters import is_marker, read_headers, read_key, read_letter, repairer
from sentinel.kafka.records import Fetched
from sentinel.model.letter import Letter, RecordPosition, Repair

KEPT_BYTES = 4_096
"""So much of a value is kept: enough to see what is wrong, while Kafka has the whole for a week."""
_AT_ONCE = 500  # letters deleted in one transaction: a writer must not wait long
_KEY = (DEAD_LETTERS.c.topic, DEAD_LETTERS.c.partition, DEAD_LETTERS.c.offset)
_ID = tuple_(*_KEY)
_LONGEST_KEY, _LONGEST_NAME, _LONGEST_REASON = 160, 64, 32
_NO_NUL = str.maketrans("", "", "\x00")  # PostgreSQL has no text with it


@dataclass(frozen=True, slots=True)
class DeadLetterRecord:
    """A dead letter with the key of its record and the first KEPT_BYTES of the value."""

    letter: Letter
    key: str | None
    value: bytes | None

    @property
    def is_cut(self) -> bool:
        """Whether the record has more bytes than are kept."""
        return len(self.value or b"") < (self.letter.value_bytes or 0)


@dataclass(frozen=True, slots=True)
class RepairRecord:
    """The marker of a dead letter that was sent again."""

    position: RecordPosition
    repair: Repair


def read_dead_letter(fetched: Fetched, row: int) -> DeadLetterRecord | RepairRecord:
    """The record in a row of the dead letter topic; raises ValueError if it is neither."""
    key, value, at_ms = fetched.keys[row], fetched.values[row], fetched.recorded_ms[row]
    headers = read_headers(fetched.headers[row] if fetched.headers is not None else None)
    position = read_key(key)
    if position is not None and is_marker(headers):
        return RepairRecord(position, Repair(at_ms, repairer(headers)))
    spot = fetched.partition, fetched.offsets[row]
    letter = read_letter(key, value, headers, spot, at_ms)
    if letter is None:
        raise ValueError("no dead letter")
    own = headers.get("key")
    return DeadLetterRecord(
        letter,
        None if own is None else own.decode("utf-8", "replace"),
        None if value is None else value[:KEPT_BYTES],
    )


def dead_letter_row(record: DeadLetterRecord) -> dict[str, object]:
    """The columns of a dead letter."""
    letter = record.letter
    return {
        "topic": letter.position.topic,
        "partition": letter.position.partition,
        "offset": letter.position.offset,
        "reason": letter.reason[:_LONGEST_REASON].translate(_NO_NUL),
        "detail": letter.detail.translate(_NO_NUL),
        "at_ms": letter.at_ms,
        "key": record.key and record.key[:_LONGEST_KEY].translate(_NO_NUL),
        "value": record.value,
        "value_bytes": letter.value_bytes,
    }


def put_repair(connection: Connection, record: RepairRecord) -> None:
    """Note that a dead letter was sent again; the first time counts."""
    repair = record.repair
    connection.execute(
        update(DEAD_LETTERS)
        .where(_at(record.position), DEAD_LETTERS.c.repaired_ms.is_(None))
        .values(repaired_ms=repair.at_ms, repaired_by=repair.by[:_LONGEST_NAME].translate(_NO_NUL))
    )


def forget_old_letters(database: Database, before_ms: int) -> Counter[str]:
    """Delete what was written before a time, some at a time; counts rows by table."""
    deleted: Counter[str] = Counter()
    query = select(*_KEY).where(DEAD_LETTERS.c.at_ms < before_ms).limit(_AT_ONCE)
    while True:
        with database.writing() as connection:
            found: list[Any] = list(connection.execute(query))
            deleted += _delete(connection, found)
        if len(found) < _AT_ONCE:
            return deleted


def forget_letters_of(database: Database, customer_id: str) -> Counter[str]:
    """Delete what names a customer in key, value or detail; counts rows by table.

    Reads all letters.
    """
    deleted: Counter[str] = Counter()
    query = (
        select(*_KEY, DEAD_LETTERS.c.key, DEAD_LETTERS.c.value, DEAD_LETTERS.c.detail)
        .order_by(*_KEY)
        .limit(_AT_ONCE)
    )
    wanted = query
    while True:
        with database.writing() as connection:
            found: list[Any] = list(connection.execute(wanted))
            mine = [row for row in found if _names(row, customer_id)]
            deleted += _delete(connection, mine)
        if len(found) < _AT_ONCE:
            return deleted
        wanted = query.where(tuple(found[-1][:3]) < _ID)


def _delete(connection: Connection, rows: Sequence[Any]) -> Counter[str]:
    ids = [tuple(row[:3]) for row in rows]
    gone = connection.execute(delete(DEAD_LETTERS).where(_ID.in_(ids))) if ids else None
    return Counter({DEAD_LETTERS.name: gone.rowcount} if gone is not None else {})


def _names(row: Any, customer_id: str) -> bool:
    """Whether a letter's key is a customer's id, or value or detail has it as a word of its own."""
    word = re.escape(customer_id.encode())
    within = rb"(?<![\w-])" + word + rb"(?![\w-])"
    texts = (row.value or b"", row.detail.encode())
    return row.key == customer_id or any(re.search(within, each) for each in texts)


def _at(position: RecordPosition) -> ColumnElement[bool]:
    return and_(
        DEAD_LETTERS.c.topic == position.topic,
        DEAD_LETTERS.c.partition == position.partition,
        DEAD_LETTERS.c.offset == position.offset,
    )
