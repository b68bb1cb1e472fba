"""The key of a deployment: workers agree on one, and nobody changes it."""

import signal
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from tests.integration.stage import GIVEN_UP_SOON, Stage, WorkerProcess, lively, wait_for
from tests.integration.test_worker import assert_exact
from tests.ports import free_port
from tests.zygote import run

from sentinel.alerting.cloudevent import decode
from sentinel.kafka.configurations import write_key
from sentinel.model.entity import CUSTOMER

pytestmark = pytest.mark.process


def test_workers_that_start_at_once_agree_and_nobody_changes_the_key(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    """The first record counts, also after another came; a replay of files has the same ids."""
    stage = Stage(kafka, prefix)
    other = replace(stage.settings, web_port=free_port())
    workers = [stage.worker(**GIVEN_UP_SOON), WorkerProcess(other, GIVEN_UP_SOON)]
    records = lively(1_600, seed=41)  # of the last hour: none is late
    try:
        for worker in workers:
            worker.wait_ready()
        first = next(msg.value() for msg in stage.read(stage.topics.configs))
        write_key(stage.settings)
        stage.feed(records[:800])
        wait_for(stage.everything_applied, "the first half applied")
        for worker in workers:
            worker.end(signal.SIGKILL)
        workers = [stage.worker()]
        workers[0].wait_ready()
        stage.feed(records[800:])
        wait_for(stage.everything_applied, "all applied")
    finally:
        for worker in workers:
            worker.end(signal.SIGTERM)
    assert next(msg.value() for msg in stage.read(stage.topics.configs)) == first
    assert_exact(stage)
    events = tmp_path / "events.jsonl"
    lines = (b'{"stream":"%s",' % stream.value.encode() + value[1:] for stream, _, value in records)
    events.write_bytes(b"\n".join(lines))
    environment = {"SENTINEL_BROKERS": kafka, "SENTINEL_TOPIC_PREFIX": prefix}
    replayed = run("replay", events, "--quiet", "--as-deployed", environment=environment)
    assert replayed.returncode == 0, replayed.stderr
    plain = run("replay", events, "--quiet")
    live = _of_customers([msg.value() for msg in stage.read(stage.topics.alerts)])
    # Not all: live, the streams of the feed were appended in another order than that of events.
    assert len(_of_customers(replayed.stdout.encode().splitlines()) & live) > 5
    assert _of_customers(plain.stdout.encode().splitlines()).isdisjoint(live)


def _of_customers(values: list[bytes]) -> set[str]:
    alerts = [decode(value) for value in values]
    return {each.alert_id for each in alerts if each.entity.kind == CUSTOMER}


def test_a_replay_as_of_a_deployment_that_never_started_is_one_line(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    """Exit code 1, and what is missing."""
    stage, events = Stage(kafka, prefix), tmp_path / "logins.jsonl"
    events.write_bytes(msgspec.json.encode({"event_id": "E"}))
    environment = {"SENTINEL_BROKERS": kafka, "SENTINEL_TOPIC_PREFIX": prefix}
    done = run("replay", events, "--as-deployed", environment=environment)
    message = (
        f"sentinel: {stage.topics.configs} at {kafka} has no key: no worker has started there\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)
