"""The outbox' tables in a database: made there, or brought up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, insert, inspect, select, text

from sentinel.delivery.tables import META, VERSIONS

VERSION = "0003"
"""The last step of ``migrations``."""
_MIGRATIONS = Path(__file__).parent / "migrations"
# Pagers that start at once on one PostgreSQL take turns; the number is that of this lock.
_LOCK = "SELECT pg_advisory_xact_lock(7236834)"


class SchemaError(Exception):
    """The database is not one that this version can use."""


def bring_up_to_date(engine: Engine) -> None:
    """Make the tables in an empty database, change those that an older version made.

    Raises SchemaError for those of a newer version, and what the database raises.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(_LOCK))
        tables = inspect(connection).get_table_names()
        if META.tables.keys().isdisjoint(tables):
            META.create_all(connection)
            connection.execute(insert(VERSIONS).values(version_num=VERSION))
            return
        found = (connection.scalar(select(VERSIONS)) if VERSIONS.name in tables else None) or ""
        if found > VERSION:
            raise SchemaError(f"its tables are of a newer version: {found}, not {VERSION}")
        if found < VERSION:
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
