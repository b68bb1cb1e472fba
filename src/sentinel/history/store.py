"""The SQL part of history: written once for each record, read by the desk and by commands."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Table, delete, select
from sqlalchemy.exc import DataError, IntegrityError

from sentinel.database import Database, UnstorableError, advance, first_missing
from sentinel.database.database import reason
from sentinel.history.records import Read, put
from sentinel.history.tables import (
    ACTIONS,
    ALERTS,
    OFFSETS,
    OUTCOMES,
    REASONS,
    RESPONSES,
    REVISIONS,
    SCHEMA,
)
from sentinel.model.entity import CUSTOMER

VARIABLE = "SENTINEL_HISTORY"
_AT_ONCE = 500  # alerts deleted in one transaction: a writer must not wait long


class Store:
    """History in a database; calls block, and raise DatabaseError."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, SCHEMA, VARIABLE)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def position(self, partition: str) -> int | None:
        """The first offset of ``partition`` that is not stored; None if nothing is."""
        with self.database.reading() as connection:
            return first_missing(connection, OFFSETS, partition)

    def accept(self, read: Read) -> None:
        """Store records that are not stored yet, and their offsets; raises UnstorableError.

        Whether there is a gap before them is the caller's question.
        """
        try:
            with self.database.writing() as connection:
                for offset, record in advance(connection, OFFSETS, read):
                    put(connection, f"{read.partition}@{offset}", record)
        except (IntegrityError, DataError) as error:
            raise UnstorableError(reason(error)) from error

    def prune(self, before_ms: int) -> Counter[str]:
        """Delete what ended before ``before_ms``, with all that belongs to it; counts rows."""
        return self._forget((ALERTS.c.over == 1, ALERTS.c.updated_ms < before_ms))

    def erase(self, customer_id: str) -> Counter[str]:
        """Delete every alert about a customer, with all that belongs to it; counts rows."""
        return self._forget((ALERTS.c.entity_kind == CUSTOMER, ALERTS.c.entity_id == customer_id))

    def _forget(self, wanted: Sequence[ColumnElement[bool]]) -> Counter[str]:
        """Delete alerts and what belongs to them, some at a time; counts rows by table."""
        deleted: Counter[str] = Counter()
        query = select(ALERTS.c.alert_id).where(*wanted).limit(_AT_ONCE)
        while True:
            with self.database.writing() as connection:
                ids = list(connection.scalars(query))
                for table in (OUTCOMES, RESPONSES, ACTIONS, REASONS, REVISIONS, ALERTS):
                    gone = connection.execute(delete(table).where(_of(table, ids)))
                    deleted[table.name] += gone.rowcount
            if len(ids) < _AT_ONCE:
                return +deleted


def _of(table: Table, alert_ids: Sequence[str]) -> ColumnElement[bool]:
    return table.c.alert_id.in_(alert_ids)
