"""A program's tables in a database: made there, or brought up to date."""

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, MetaData, String, Table, insert, inspect, select, text

_ENVIRONMENT = Path(__file__).parent / "steps"
_LOCK = text("SELECT pg_advisory_xact_lock(:number)")


class SchemaError(Exception):
    """The database is not one that this version can use."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one program, and the steps that bring older ones up to date.

    ``version`` is the last of Alembic's steps in the folder ``steps``; ``versions`` is its table
    of the step at which the tables are, under a name that no other program uses.  ``lock`` is the
    number of PostgreSQL's advisory lock with which programs that start at once take turns.
    """

    tables: MetaData
    versions: Table
    version: str
    steps: Path
    lock: int


def versions_table(name: str, tables: MetaData) -> Table:
    """Alembic's table of the step at which a program's tables are."""
    return Table(name, tables, Column("version_num", String(32), primary_key=True))


def bring_up_to_date(engine: Engine, schema: Schema) -> None:
    """Make the tables in an empty database, change those that an older version made.

    Raises SchemaError for those of a newer version, and what the database raises.
    """
    with engine.begin() as connection:
        # Programs that start at once take turns.
        if engine.dialect.name == "postgresql":
            connection.execute(_LOCK, {"number": schema.lock})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        tables, versions = inspect(connection).get_table_names(), schema.versions
        if schema.tables.tables.keys().isdisjoint(tables):
            schema.tables.create_all(connection)
            connection.execute(insert(versions).values(version_num=schema.version))
            return
        found = (connection.scalar(select(versions)) if versions.name in tables else None) or ""
        if found > schema.version:
            raise SchemaError(f"its tables are of a newer version: {found}, not {schema.version}")
        if found < schema.version:
            config = _config(schema)
            config.attributes["connection"] = connection
            config.attributes["version_table"] = versions.name
            command.upgrade(config, "head")


def head(schema: Schema) -> str | None:
    """The last of the steps that there are."""
    return ScriptDirectory.from_config(_config(schema)).get_current_head()


def _config(schema: Schema) -> Config:
    config = Config()
    options = {
        "script_location": str(_ENVIRONMENT),
        "version_locations": str(schema.steps),
        "path_separator": "newline",
    }
    for name, value in options.items():
        config.set_main_option(name, value.replace("%", "%%"))
    return config
