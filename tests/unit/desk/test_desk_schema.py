"""The desk's tables: beside those of history, and as the steps make them."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from sentinel.database import Database
from sentinel.database.schema import head
from sentinel.desk.tables import META, SCHEMA
from sentinel.history.store import Store


def test_history_and_desk_share_a_database(tmp_path: Path) -> None:
    """Each makes its own tables, whoever is first, and finds them again."""
    url = f"sqlite:///{tmp_path}/history.db"
    for _ in range(2):
        Database(url, SCHEMA, "SENTINEL_HISTORY").close()
        Store(url).close()


def test_the_tables_are_those_of_the_last_step(tmp_path: Path) -> None:
    """What is declared is what is made."""
    url = f"sqlite:///{tmp_path}/history.db"
    Database(url, SCHEMA, "SENTINEL_HISTORY").close()
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": SCHEMA.versions.name}
        )
        assert compare_metadata(context, META) == []
    engine.dispose()
    assert head(SCHEMA) == SCHEMA.version
