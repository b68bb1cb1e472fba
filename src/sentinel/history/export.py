"""Complaints and dead letters of a span of time as JSON lines."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import select, tuple_

from sentinel.database import Database
from sentinel.history.tables import COMPLAINT_STEPS, COMPLAINTS, DEAD_LETTERS

_AT_ONCE = 500


def complaint_lines(database: Database, from_ms: int, to_ms: int) -> Iterator[bytes]:
    """The complaints opened from ``from_ms`` to before ``to_ms``, each with its ``steps``."""
    columns = [each for each in COMPLAINTS.c if each is not COMPLAINTS.c.data]
    last = ""
    while True:
        query = (
            select(*columns)
            .where(COMPLAINTS.c.opened_ms >= from_ms, COMPLAINTS.c.opened_ms < to_ms)
            .where(COMPLAINTS.c.complaint_id > last)
            .order_by(COMPLAINTS.c.complaint_id)
            .limit(_AT_ONCE)
        )
        with database.reading() as connection:
            found = connection.execute(query).all()
            ids = [row.complaint_id for row in found]
            steps = connection.execute(
                select(COMPLAINT_STEPS)
                .where(COMPLAINT_STEPS.c.complaint_id.in_(ids))
                .order_by(COMPLAINT_STEPS.c.number)
            ).all()
        by_id: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for step in steps:
            fields = dict(step._mapping)  # noqa: SLF001 - the public way to a row's names
            del fields["number"], fields["complaint_id"]
            by_id[step.complaint_id].append(fields)
        for row in found:
            yield _line({**row._mapping, "steps": by_id[row.complaint_id]})  # noqa: SLF001
        if len(found) < _AT_ONCE:
            return
        last = ids[-1]


def dead_letter_lines(database: Database, from_ms: int, to_ms: int) -> Iterator[bytes]:
    """The dead letters written from ``from_ms`` to before ``to_ms``; ``value`` is base64."""
    letters = DEAD_LETTERS.c
    key = tuple_(letters.topic, letters.partition, letters.offset)
    query = (
        select(DEAD_LETTERS)
        .where(letters.at_ms >= from_ms, letters.at_ms < to_ms)
        .order_by(letters.topic, letters.partition, letters.offset)
        .limit(_AT_ONCE)
    )
    wanted = query
    while True:
        with database.reading() as connection:
            found = connection.execute(wanted).all()
        for row in found:
            yield _line(dict(row._mapping))  # noqa: SLF001
        if len(found) < _AT_ONCE:
            return
        wanted = query.where(key > tuple(found[-1][:3]))


def _line(fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode(fields) + b"\n"
