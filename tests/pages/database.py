"""The pager's database, and what can befall it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import Pool
from tests.delivery.postgres import Postgres

from sentinel.delivery.outbox import Outbox

_NO_LIMIT = 1 << 30


class Database:
    """SQLite in a file of ``folder``; all that it refuses, SQLite itself refuses.

    Or a database of its own on ``postgres``.
    """

    def __init__(self, folder: Path, postgres: Postgres | None = None) -> None:
        self._file, self._postgres = folder / "outbox.db", postgres
        self._url = f"sqlite:///{self._file}"
        self._locker: sqlite3.Connection | None = None
        self._pragmas = ""
        if postgres is not None:
            name = folder.name.replace("-", "_")
            engine = create_engine(postgres.url, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text(f'CREATE DATABASE "{name}"'))
            engine.dispose()
            self._url = make_url(postgres.url).set(database=name).render_as_string()

    def open(self) -> Outbox:
        """What the pager opens."""
        return Outbox(self._url)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While this lasts, what befalls the database befalls the pager's connections."""
        event.listen(Pool, "checkout", self._on_checkout)
        try:
            yield
        finally:
            event.remove(Pool, "checkout", self._on_checkout)
            self.mend()

    def _on_checkout(self, connection: Any, *_: object) -> None:
        if self._postgres is None:
            # Virtual time stands still while SQLite waits for a lock: it is told at once.
            connection.executescript(f"PRAGMA busy_timeout=0; {self._pragmas}")

    def lock(self) -> None:
        """Another process writes, and does not end."""
        self._locker = sqlite3.connect(self._file, isolation_level=None)
        self._locker.execute("BEGIN IMMEDIATE")

    def fill(self) -> None:
        """The disk is full: not one page more."""
        connection = sqlite3.connect(self._file)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.close()
        self._pragmas = f"PRAGMA max_page_count={pages};"

    def protect(self) -> None:
        """The file is read-only."""
        self._pragmas = "PRAGMA query_only=1;"

    def age(self) -> None:
        """The file is as a version before this one left it."""
        connection = sqlite3.connect(self._file)
        connection.executescript("DROP INDEX pages_waiting; DROP TABLE sentinel_outbox_version;")
        connection.close()

    def stop(self) -> None:
        """The server is stopped."""
        assert self._postgres is not None
        self._postgres.stop()

    def start(self) -> None:
        """The server is started again."""
        assert self._postgres is not None
        self._postgres.start()

    def mend(self) -> None:
        """All is well again with the file."""
        self._pragmas = f"PRAGMA query_only=0; PRAGMA max_page_count={_NO_LIMIT};"
        if self._locker is not None:
            self._locker.rollback()
            self._locker.close()
            self._locker = None

    def left(self) -> dict[str, int]:
        """The pages in it, by state."""
        outbox = self.open()
        try:
            return outbox.counts()
        finally:
            outbox.close()
