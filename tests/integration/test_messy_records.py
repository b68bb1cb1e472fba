"""Messy records through a worker on real Apache Kafka: what was meant, or a dead letter."""

import json
import signal
import time
from collections import Counter
from random import Random
from typing import Any

import pytest
from tests.integration.stage import Stage, wait_for
from tests.messy.files import File, ours

from sentinel.alerting.cloudevent import decode as decode_alert
from sentinel.model.alert import Alert, Tier
from sentinel.model.events import Stream

pytestmark = pytest.mark.process
MINUTE_MS = 60_000


@pytest.fixture
def stage(kafka: str, prefix: str) -> Stage:
    """Topics of this test's own on the real broker; a record's time is its event's."""
    return Stage(kafka, prefix)


def _lines() -> tuple[list[bytes], File]:
    """Our own JSON, line by line, with wrong values and what is no JSON between."""
    draw = Random(5)
    while True:
        file = ours(draw, 3_000)
        if file.name.endswith(".jsonl"):
            lines = file.data.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:-1]
            return [line.removesuffix(b"\r") for line in lines], file


def _spray(end_ms: int) -> list[tuple[Stream, str, dict[str, Any]]]:
    """One address, in all its spellings, fails with forty customers' names."""
    spellings = ("203.0.113.9:{}", "::ffff:203.0.113.9", "[::ffff:cb00:7109]:{}", " 203.0.113.9")
    return [
        (
            Stream.LOGIN,
            f"S{who}",
            {
                "event_id": f"s{who}",
                "event_time": end_ms - 40 + who,
                "customer_id": f"S{who}",
                "kind": "login",
                "success": False,
                "ip": spellings[who % 4].format(50_000 + who),
            },
        )
        for who in range(40)
    ]


def _takeover(end_ms: int) -> list[tuple[Stream, str, dict[str, Any]]]:
    """A login from a new device and the transfer behind it share their id."""
    login = {"customer_id": "C1", "kind": "login", "success": True}
    transfer = {"customer_id": "C1", "kind": "transfer", "direction": "debit"}
    start_ms = end_ms - 30 * MINUTE_MS
    return [
        (Stream.LOGIN, "C1", {**login, "event_id": "1", "event_time": start_ms, "device_id": "d1"}),
        *(
            (
                Stream.TRANSACTION,
                "C1",
                {**transfer, "event_id": f"t{n}", "event_time": start_ms + n, "amount": "2.00E+2"},
            )
            for n in range(1, 8)
        ),
        (
            Stream.LOGIN,
            "C1",
            {**login, "event_id": "7", "event_time": end_ms - MINUTE_MS, "device_id": "d2"},
        ),
        (
            Stream.TRANSACTION,
            "C1",
            {**transfer, "event_id": "7", "event_time": end_ms, "amount": 9_000},
        ),
    ]


def test_what_comes_in_is_what_was_meant(stage: Stage) -> None:
    """Refused records are the dead letters, all others are events; spellings hide nobody."""
    lines, file = _lines()
    good = [*_takeover(now := int(time.time() * 1000)), *_spray(now)]
    stage.feed([(stream, who, json.dumps(event).encode()) for stream, who, event in good])
    worker = stage.worker()
    try:
        worker.wait_ready()
        wait_for(stage.everything_applied, "the good ones applied")
        stage.feed([(Stream.TRANSACTION, f"k{n}", line) for n, line in enumerate(lines)])
        wait_for(stage.everything_applied, "all records applied")
        events = worker.counted("sentinel_events_total{")
    finally:
        assert worker.end(signal.SIGTERM) == 0
    wrong = [line for line, meant in zip(lines, file.meanings, strict=True) if meant is None]
    letters = stage.read(stage.topics.deadletter)
    assert Counter(each.value() for each in letters) == Counter(wrong)
    assert events == len(good) + len(lines) - len(wrong)
    alerts: list[Alert] = [decode_alert(each.value()) for each in stage.read(stage.topics.alerts)]
    rules = {(a.entity.id, reason.rule_id, a.tier) for a in alerts for reason in a.reasons}
    assert ("C1", "ato.new-device-drain", Tier.RED) in rules
    assert any(who == "203.0.113.9" and "spraying" in rule for who, rule, _ in rules)
