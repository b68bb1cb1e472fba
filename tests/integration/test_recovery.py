"""Snapshots, published configurations and rebuilding, on a real Kafka."""

import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest
from tests.integration.stage import GIVEN_UP_SOON, PARTITIONS, Stage, lively, wait_for
from tests.integration.test_worker import assert_exact
from tests.zygote import run

from sentinel.settings import shipped_configs
from sentinel.shard import snapshot as form
from sentinel.shard.journal import StepRecord, decode
from sentinel.shard.snapshot import Manifest

pytestmark = pytest.mark.process
_OFTEN = GIVEN_UP_SOON | {"SENTINEL_SNAPSHOT_STEPS": "3"}


@pytest.fixture
def stage(kafka: str, prefix: str) -> Stage:
    """A corner of the broker for one test."""
    return Stage(kafka, prefix)


def _sentinel(stage: Stage, *arguments: object) -> subprocess.CompletedProcess[str]:
    names = ("brokers", "app_id", "topic_prefix")
    given = {f"SENTINEL_{name.upper()}": str(getattr(stage.settings, name)) for name in names}
    return run(*arguments, environment=given)


def _manifests(stage: Stage) -> list[Manifest]:
    found = stage.read(stage.topics.snapshots)
    return [form.decode(each.value()) for each in found if each.key().startswith(b"manifest")]


def _journal(stage: Stage) -> list[StepRecord]:
    return [decode(message.value()) for message in stage.read(stage.topics.journal)]


def test_a_killed_worker_starts_from_its_snapshot(stage: Stage) -> None:
    """After kill -9 only the steps since the newest snapshot are replayed, and all is exact."""
    records = lively(3_000, seed=21)
    worker = stage.worker(**_OFTEN)
    worker.wait_ready()
    for start in range(0, 2_000, 100):
        stage.feed(records[start : start + 100])
        wait_for(stage.everything_applied, "a part of the events applied")
    wait_for(lambda: len(_manifests(stage)) >= 2 * PARTITIONS, "snapshots")
    worker.end(signal.SIGKILL)
    steps = len(_journal(stage))
    stage.feed(records[2_000:])
    worker = stage.worker(**_OFTEN)
    worker.wait_ready()
    replayed = worker.counted("sentinel_replayed_steps_total")
    assert replayed <= 5 * PARTITIONS < steps
    wait_for(stage.everything_applied, "all events applied")
    assert worker.end(signal.SIGTERM) == 0
    assert_exact(stage)
    before = len(_manifests(stage))
    worker = stage.worker()
    worker.wait_ready()
    assert worker.counted("sentinel_replayed_steps_total") == 0  # SIGTERM left a snapshot
    assert worker.end(signal.SIGTERM) == 0
    assert len(_manifests(stage)) == before  # nothing was done, nothing is saved


def test_a_configuration_published_mid_stream(stage: Stage, tmp_path: Path) -> None:
    """In force at a step's boundary, journalled, and after kill -9 replayed as it was."""
    for file in shipped_configs().rglob("*.yaml"):
        target = tmp_path / file.relative_to(shipped_configs())
        target.parent.mkdir(exist_ok=True, parents=True)
        target.write_text(file.read_text("utf-8"), "utf-8")
    tiers = tmp_path / "tiers.yaml"
    tiers.write_text(tiers.read_text("utf-8") + "\n# another version\n", "utf-8")
    records = lively(4_000, seed=22)
    worker = stage.worker(**GIVEN_UP_SOON)
    worker.wait_ready()
    stage.feed(records[:1_500])
    wait_for(stage.everything_applied, "events under the first")
    published = _sentinel(stage, "publish", tmp_path)
    assert published.returncode == 0, published.stderr
    version = published.stdout.strip()

    def under(wanted: str) -> bool:
        return sum(record.config_version == wanted for record in _journal(stage)) >= PARTITIONS

    wait_for(partial(under, version), "both shards switched")
    stage.feed(records[1_500:3_000])
    wait_for(stage.everything_applied, "events under the second")
    worker.end(signal.SIGKILL)
    stage.feed(records[3_000:])
    worker = stage.worker()
    worker.wait_ready()
    assert worker.counted(f'sentinel_build_info{{config_version="{version}"') == 1
    wait_for(stage.everything_applied, "all events applied")
    assert worker.end(signal.SIGTERM) == 0
    assert len({record.config_version for record in _journal(stage)}) == 2
    assert_exact(stage)


def test_a_bad_configuration_is_refused(stage: Stage, tmp_path: Path) -> None:
    """Nothing is published, and the error says where it is wrong."""
    for name in ("engine.yaml", "features.yaml"):
        (tmp_path / name).write_text((shipped_configs() / name).read_text("utf-8"), "utf-8")
    refused = _sentinel(stage, "publish", tmp_path)
    assert refused.returncode == 1
    assert "detectors.yaml:1:1: the file is missing" in refused.stderr
    assert stage.configurations() == {}


def test_a_shard_that_cannot_recover_is_rebuilt(stage: Stage) -> None:
    """Without its inputs a worker ends with the command that helps, and that helps."""
    stage.feed(lively(1_000, seed=23))
    worker = stage.worker(**GIVEN_UP_SOON)
    worker.wait_ready()
    wait_for(stage.everything_applied, "all events applied")
    worker.end(signal.SIGKILL)
    stage.truncate(stage.topics.inputs.values())
    worker = stage.worker()
    assert worker.process.wait(90) == 1
    assert "no longer retained; run `sentinel recover --from-earliest`" in worker.log
    assert _sentinel(stage, "recover").returncode == 2
    rebuilt = _sentinel(stage, "recover", "--from-earliest")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert rebuilt.stdout.startswith("shard 0: ")
    stage.feed(lively(500, seed=24))
    worker = stage.worker()
    worker.wait_ready()
    wait_for(stage.everything_applied, "new events applied")
    assert worker.end(signal.SIGTERM) == 0
