"""The example consumers, in Python and in Node, see what a careful reader of the topic sees."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from signal import SIGTERM

import pytest
from tests.integration.stage import Stage, lively, wait_for

from sentinel.alerting.cloudevent import decode

pytestmark = pytest.mark.process
CONSUMERS = Path(__file__).parents[2] / "docs" / "contract" / "consumers"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Node consumer with its locked packages."""
    folder = tmp_path_factory.mktemp("node") / "consumer"
    shutil.copytree(CONSUMERS / "node", folder, ignore=shutil.ignore_patterns("node_modules"))
    command = ["npm", "ci", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True, timeout=180)
    return folder


def test_both_consumers_end_with_the_newest_revisions(
    kafka: str, prefix: str, node: Path, tmp_path: Path
) -> None:
    """Every alert once, each at its highest revision, nothing that was not committed."""
    stage = Stage(kafka, prefix)
    stage.feed(lively(3_000, seed=3))
    worker = stage.worker()
    wait_for(stage.everything_applied, "all events applied")
    assert worker.end(SIGTERM) == 0
    alerts = [decode(message.value()) for message in stage.read(stage.topics.alerts)]
    newest: dict[str, int] = {}
    for alert in alerts:
        newest[alert.alert_id] = max(alert.revision, newest.get(alert.alert_id, 0))
    assert len(alerts) > len(newest) > 10
    python = [sys.executable, str(CONSUMERS / "python" / "consume.py")]
    javascript = ["node", str(node / "consume.mjs")]
    arguments = (kafka, stage.topics.alerts)
    table, file = tmp_path / "alerts.db", tmp_path / "alerts.json"
    running = [
        subprocess.Popen([*python, *arguments, str(table)]),
        subprocess.Popen([*javascript, *arguments, str(file)]),
    ]
    try:
        wait_for(lambda: _table(table) == newest, "the Python consumer has read everything")
        wait_for(lambda: _map(file) == newest, "the Node consumer has read everything")
    finally:
        for process in running:
            process.kill()
            process.wait()


def _table(path: Path) -> dict[str, int]:
    """The Python consumer's revisions by alert; empty before it has made its table."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as table:
            return dict(table.execute("SELECT alert_id, revision FROM alerts").fetchall())
    except sqlite3.OperationalError:
        return {}


def _map(path: Path) -> dict[str, int]:
    """The Node consumer's; empty before it has written its file, and while it writes."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {alert["alert_id"]: alert["revision"] for alert in found}
