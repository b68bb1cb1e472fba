"""The SQL part of history: written once for each record, read by the desk and by commands."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Table, delete, select
from sqlalchemy.exc import DataError, IntegrityError

from sentinel.complaints import COMPLAINT
from sentinel.database import Database, UnstorableError, advance, first_missing
from sentinel.database.database import reason
from sentinel.history.dead_letters import forget_letters_of, forget_old_letters
from sentinel.history.records import Read, put
from sentinel.history.tables import (
    ACTIONS,
    ALERTS,
    COMPLAINT_STEPS,
    COMPLAINTS,
    OFFSETS,
    OUTCOMES,
    REASONS,
    RESPONSES,
    REVISIONS,
    SCHEMA,
)
from sentinel.model.entity import CUSTOMER

VARIABLE = "SENTINEL_HISTORY"
_AT_ONCE = 500  # alerts or complaints deleted in one transaction: a writer must not wait long
_OF_ALERTS = (OUTCOMES, RESPONSES, ACTIONS, REASONS, REVISIONS, ALERTS)
_OF_COMPLAINTS = (COMPLAINT_STEPS, COMPLAINTS)


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
        """Delete what ended before ``before_ms``, with all that belongs to it; counts rows.

        Dead letters are deleted by when they were written.
        """
        alerts, complaints = ALERTS.c, COMPLAINTS.c
        return (
            self._forget(_OF_ALERTS, alerts.over == 1, alerts.updated_ms < before_ms)
            + self._forget(_OF_COMPLAINTS, complaints.over == 1, complaints.since_ms < before_ms)
            + forget_old_letters(self.database, before_ms)
        )

    def erase(self, customer_id: str) -> Counter[str]:
        """Delete everything about a customer; counts rows.

        That is every alert about the customer or a complaint of theirs with all that belongs to
        it, every complaint, and every dead letter that names the customer.  Reads the values of all
        dead letters.
        """
        kind, about = ALERTS.c.entity_kind, ALERTS.c.entity_id
        mine = COMPLAINTS.c.customer_id == customer_id
        complaints = select(COMPLAINTS.c.complaint_id).where(mine)
        return (
            self._forget(_OF_ALERTS, kind == CUSTOMER, about == customer_id)
            + self._forget(_OF_ALERTS, kind == COMPLAINT, about.in_(complaints))
            + self._forget(_OF_COMPLAINTS, mine)
            + forget_letters_of(self.database, customer_id)
        )

    def _forget(self, tables: Sequence[Table], *wanted: ColumnElement[bool]) -> Counter[str]:
        """Delete rows of the last table, and what the others have of them; counts rows by table.

        Some at a time.
        """
        deleted: Counter[str] = Counter()
        (key,) = tables[-1].primary_key.columns
        query = select(key).where(*wanted).limit(_AT_ONCE)
        while True:
            with self.database.writing() as connection:
                ids = list(connection.scalars(query))
                for table in tables:
                    gone = connection.execute(delete(table).where(table.c[key.key].in_(ids)))
                    deleted[table.name] += gone.rowcount
            if len(ids) < _AT_ONCE:
                return +deleted
