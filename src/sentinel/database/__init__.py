"""SQL databases of the services beside the engine: SQLite by default, PostgreSQL by URL."""

from sentinel.database.database import Database, DatabaseError
from sentinel.database.offsets import advance, last_offset, offsets_table
from sentinel.database.retry import Retry
from sentinel.database.schema import Schema

__all__ = [
    "Database",
    "DatabaseError",
    "Retry",
    "Schema",
    "advance",
    "last_offset",
    "offsets_table",
]
