"""Shared entities on real Apache Kafka: two shards' customers, one owner, one alert."""

import signal
import time
import urllib.request
from itertools import count

import msgspec
import pytest
from tests.integration.stage import GIVEN_UP_SOON, Stage, wait_for
from tests.integration.test_worker import assert_exact
from tests.ports import free_port

from sentinel.alerting.cloudevent import decode
from sentinel.model.alert import Alert, AlertState
from sentinel.model.events import Login, Stream
from sentinel.model.rollup import EntityRisk

pytestmark = pytest.mark.process
ADDRESS = "203.0.113.7"


@pytest.fixture
def stage(kafka: str, prefix: str) -> Stage:
    """Topics of this test's own on the real broker."""
    return Stage(kafka, prefix)


def _logins(
    first: int, last: int, start_ms: int, *, success: bool
) -> list[tuple[Stream, str, bytes]]:
    """One login a second from one address, each of another customer."""
    records = []
    for number in range(first, last):
        login = Login(
            event_id=f"l{number}",
            event_time=start_ms + number * 1_000,
            customer_id=f"C{number}",
            kind="login",
            success=success,
            ip=ADDRESS,
        )
        records.append((Stream.LOGIN, login.customer_id, msgspec.json.encode(login)))
    return records


def _alerts(stage: Stage, kind: str, rule: str) -> list[Alert]:
    alerts = [decode(message.value()) for message in stage.read(stage.topics.alerts)]
    return [
        alert
        for alert in alerts
        if alert.entity.kind == kind and rule in {reason.rule_id for reason in alert.reasons}
    ]


def _risky_from(stage: Stage) -> list[int]:
    """From which append times on the entity risks count."""
    values = [
        msgspec.json.decode(message.value()) for message in stage.read(stage.topics.entity_risk)
    ]
    return [value["at"] for value in values if "at" in value]


def _assert_one_alert(stage: Stage) -> None:
    """Of the address there is one alert, each revision once, written to its owner's key."""
    found = _alerts(stage, "ip", "shared.credential-stuffing")
    assert len({alert.alert_id for alert in found}) == 1
    revisions = sorted(alert.revision for alert in found)
    assert len(set(revisions)) == len(revisions)
    assert {alert.key for alert in found} == {f"ip:{ADDRESS}"}
    assert {alert.entity.id for alert in found} == {ADDRESS}


def test_failures_of_many_customers_are_one_alert_and_make_the_address_hot(stage: Stage) -> None:
    """Both shards' failed logins meet at the owner; a login from there then alerts its customer."""
    start_ms = int(time.time() * 1000) - 120_000
    worker = stage.worker()
    try:
        worker.wait_ready()
        stage.feed(_logins(0, 80, start_ms, success=False))
        wait_for(lambda: bool(stage.read(stage.topics.entity_risk)), "the address is risky")
        wait_for(stage.everything_applied, "all applied")
        wait_for(lambda: time.time_ns() // 10**6 >= max(_risky_from(stage)), "it counts")
        stage.feed(_logins(80, 90, start_ms, success=True))
        rule = "shared.login-from-hot-address"
        wait_for(lambda: bool(_alerts(stage, "customer", rule)), "the customer's alert")
        wait_for(stage.everything_applied, "all applied")
    finally:
        assert worker.end(signal.SIGTERM) == 0
    _assert_one_alert(stage)
    (alert, *_) = _alerts(stage, "customer", "shared.login-from-hot-address")
    assert any("ip.risk" in clause.values for each in alert.reasons for clause in each.clauses)
    told = [
        msgspec.json.decode(message.value()) for message in stage.read(stage.topics.entity_risk)
    ]
    entries = [msgspec.convert(each, EntityRisk) for each in told if "at" in each]
    assert {(entry.kind.value, entry.id) for entry in entries} == {("ip", ADDRESS)}
    assert_exact(stage)


@pytest.mark.parametrize("failpoint", ["in_transaction:5", "after_commit:3"])
def test_a_kill_in_the_middle_loses_and_doubles_nothing(stage: Stage, failpoint: str) -> None:
    """Rollups of aborted or repeated steps do not count: one alert, the journalled steps' own."""
    start_ms = int(time.time() * 1000) - 120_000
    worker = stage.worker(SENTINEL_FAILPOINT=failpoint, **GIVEN_UP_SOON)
    worker.wait_ready()
    numbers = count()

    def fed_to_death() -> bool:
        number = next(numbers)
        stage.feed(_logins(number, number + 1, start_ms, success=False))
        return worker.process.code is not None

    wait_for(fed_to_death, "the worker fails")
    number = next(numbers)
    stage.feed(_logins(number, number + 80, start_ms, success=False))
    worker = stage.worker()
    try:
        worker.wait_ready()
        wait_for(stage.everything_applied, "all applied")
    finally:
        worker.end(signal.SIGTERM)
    _assert_one_alert(stage)
    found = _alerts(stage, "ip", "shared.credential-stuffing")
    assert max(found, key=lambda alert: alert.revision).state is AlertState.FIRING
    assert_exact(stage)


def test_a_second_worker_takes_a_shard_over(stage: Stage) -> None:
    """Customers and owners move amid the attack: one alert, the journalled steps' own."""
    start_ms = int(time.time() * 1000) - 120_000
    first = stage.worker()
    first.wait_ready()
    stage.feed(_logins(0, 30, start_ms, success=False))
    wait_for(stage.everything_applied, "the first failures applied")
    port = free_port()
    second = stage.worker(SENTINEL_WEB_PORT=str(port))
    try:
        stage.feed(_logins(30, 60, start_ms, success=False))
        wait_for(lambda: _shards_of(port) == 1, "a shard each")
        stage.feed(_logins(60, 100, start_ms, success=False))
        wait_for(stage.everything_applied, "all applied")
    finally:
        second.end(signal.SIGTERM)
        first.end(signal.SIGTERM)
    _assert_one_alert(stage)
    assert_exact(stage)


def _shards_of(port: int) -> int:
    """How many shards a worker has recovered, by its own page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return 0
    return sum(line.startswith("sentinel_recovering{") and line.endswith(" 0.0") for line in lines)
