"""``sentinel history erase`` and ``prune``: database and archive."""

from pathlib import Path

from tests.delivery.alerts import CUSTOMER, NOW, alert
from tests.unit.history.archive_events import LIMITS, chunk, read, transaction
from tests.zygote import run

from sentinel.history.archive import Archive
from sentinel.history.records import Read
from sentinel.history.store import Store


def _environment(folder: Path) -> dict[str, str]:
    """An alert of the customer, and three events of which two are of the customer."""
    url, archive = f"sqlite:///{folder}/history.db", Archive(folder / "archive", LIMITS)
    store = Store(url)
    store.accept(Read("alerts-0", 0, 1, [(0, alert())]))
    store.close()
    customers = (CUSTOMER, "C-other", CUSTOMER)
    values = [transaction(number, customer_id=each) for number, each in enumerate(customers)]
    archive.append(chunk(values, recorded_ms=[NOW] * 3))
    archive.flush()
    return {"SENTINEL_HISTORY": url, "SENTINEL_ARCHIVE": str(folder / "archive")}


def test_erase_removes_a_customer_from_both(tmp_path: Path) -> None:
    """Rows of each table and events are told; a second time there is nothing."""
    environment = _environment(tmp_path)
    done = run("history", "erase", CUSTOMER, "--yes", environment=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "events\t2\nalerts\t1\nreasons\t1\nrevisions\t1\n"
    assert [offset for _, offset, _ in read(tmp_path / "archive")] == [1]
    done = run("history", "erase", CUSTOMER, "--yes", environment=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing to delete\n")


def test_prune_retains_both(tmp_path: Path) -> None:
    """Events of days before are gone, whatever is still open in the database."""
    environment = _environment(tmp_path)
    done = run("history", "prune", "--keep", "1d", environment=environment)
    assert (done.returncode, done.stdout) == (0, "events\t3\n"), done.stderr
    assert read(tmp_path / "archive") == []


def test_without_an_archive_only_the_database_is_erased(tmp_path: Path) -> None:
    """No folder is made."""
    environment = _environment(tmp_path) | {"SENTINEL_ARCHIVE": "none"}
    done = run("history", "erase", CUSTOMER, "--yes", environment=environment)
    assert "events" not in done.stdout
    assert done.stdout.startswith("alerts\t1\n")
    environment["SENTINEL_ARCHIVE"] = str(tmp_path / "nosuch")
    done = run("history", "erase", CUSTOMER, "--yes", environment=environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert not (tmp_path / "nosuch").exists()
