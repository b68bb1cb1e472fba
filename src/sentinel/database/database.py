"""One SQL database of a program: its connections, and its errors in one line."""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from sentinel.database.schema import Schema, SchemaError, bring_up_to_date

# The caller logs a lost connection in one line; SQLAlchemy's traceback is not wanted, too.
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


_LOCKED_MS = 10_000


class DatabaseError(Exception):
    """The database cannot be used now; the message has the cause, without the password."""


class Database:
    """The database at ``url`` with the tables of ``schema``; calls block.

    ``variable`` is the setting that a message names if the database cannot be opened.  Raises
    DatabaseError, then and in every use.
    """

    def __init__(self, url: str, schema: Schema, variable: str) -> None:
        try:
            self._engine: Engine = create_engine(url, pool_pre_ping=True)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _make_durable)
            bring_up_to_date(self._engine, schema)
            # SQLite has one writer; who waits for it in line, and not by its clock, has its turn.
            self._turn = threading.Lock()
        except (SQLAlchemyError, SchemaError, ImportError, ValueError) as error:
            raise DatabaseError(f"{variable}: {reason(error)}") from None

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @property
    def dialect(self) -> str:
        """Which database it is: ``sqlite``, ``postgresql``."""
        return self._engine.dialect.name

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; what will not pass by itself is raised as it is."""
        try:
            with self._turn, self._engine.begin() as connection:
                yield connection
        except (IntegrityError, DataError):
            raise
        except SQLAlchemyError as error:
            raise DatabaseError(reason(error)) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees what is committed."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise DatabaseError(reason(error)) from error


def reason(error: Exception) -> str:
    """The database's own words: SQLAlchemy's hold the statement and its values."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]


def _make_durable(connection: Any, _: object) -> None:
    """What has been committed survives the machine; readers do not wait for writers."""
    for pragma in (f"busy_timeout={_LOCKED_MS}", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    # Of programs that start at once on a new file one makes it WAL; SQLite does not let the others
    # wait for that, whatever the timeout.
    until = time.monotonic() + _LOCKED_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
