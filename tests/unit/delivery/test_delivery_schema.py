"""The outbox' database of an older version, of a newer one, and of none."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from tests.delivery.alerts import NOW, alert
from tests.delivery.box import PLAN, read_of

from sentinel.database import DatabaseError
from sentinel.database.schema import head
from sentinel.delivery.outbox import Outbox
from sentinel.delivery.tables import META, SCHEMA

OLD = Path(__file__).parents[2] / "delivery" / "old_outboxes"


def _restored(folder: Path, name: str) -> str:
    """The database that a dump makes; its URL."""
    with sqlite3.connect(folder / "outbox.db") as connection:
        connection.executescript((OLD / name).read_text("utf-8"))
    connection.close()
    return f"sqlite:///{folder}/outbox.db"


def _differences(url: str) -> list[object]:
    engine = create_engine(url)
    with engine.connect() as connection:
        options = {"version_table": SCHEMA.versions.name}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), META)
    engine.dispose()
    return list(found)


def test_the_last_step_is_the_version_that_is_asked_for() -> None:
    """Whoever adds a step says so in the schema."""
    assert head(SCHEMA) == SCHEMA.version


def test_an_empty_database_has_all_tables(tmp_path: Path) -> None:
    """As the tables are declared, at the last version."""
    Outbox(f"sqlite:///{tmp_path}/outbox.db").close()
    assert _differences(f"sqlite:///{tmp_path}/outbox.db") == []


@pytest.mark.parametrize("name", sorted(each.name for each in OLD.glob("*.sql")))
def test_an_older_outbox_is_brought_up_to_date_and_goes_on(tmp_path: Path, name: str) -> None:
    """What was owed is sent, what was sent is not, and the offset is where it was."""
    url = _restored(tmp_path, name)
    outbox = Outbox(url)
    assert [page.content.alert_id for page in outbox.due("duty", NOW, 9)] == ["owed"]
    assert outbox.counts()["sent"] == 1
    assert outbox.position("alerts-0") == 2
    outbox.accept(read_of([alert("new")], 2), PLAN, NOW)
    assert {page.content.alert_id for page in outbox.due("duty", NOW, 9)} == {"owed", "new"}
    outbox.close()
    assert _differences(url) == []


def test_a_step_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    """SQLite commits each statement: the tables may be there, and the version not."""
    url = f"sqlite:///{tmp_path}/outbox.db"
    Outbox(url).close()
    with sqlite3.connect(tmp_path / "outbox.db") as connection:
        connection.execute("UPDATE sentinel_outbox_version SET version_num = '0001'")
        connection.execute("DROP TABLE late_alerts")
    connection.close()
    Outbox(url).close()
    assert _differences(url) == []


def test_the_outbox_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """One line says which version it has."""
    url = f"sqlite:///{tmp_path}/outbox.db"
    Outbox(url).close()
    with sqlite3.connect(tmp_path / "outbox.db") as connection:
        connection.execute("UPDATE sentinel_outbox_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DatabaseError, match="newer version: 9999, not 0003"):
        Outbox(url)
