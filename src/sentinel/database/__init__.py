"""SQL databases of the services beside the engine: SQLite by default, PostgreSQL by URL."""

from sentinel.database.database import Database, DatabaseError
from sentinel.database.offsets import (
    Read,
    UnstorableError,
    advance,
    first_missing,
    offsets_table,
)
from sentinel.database.retry import Retry
from sentinel.database.schema import Schema

__all__ = [
    "Database",
    "DatabaseError",
    "Read",
    "Retry",
    "Schema",
    "UnstorableError",
    "advance",
    "first_missing",
    "offsets_table",
]
