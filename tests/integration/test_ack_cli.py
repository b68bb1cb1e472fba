"""``sentinel ack``: how far back it looks for its alert, and what became of the answer."""

import sys
import time
from typing import Any

import pytest
from confluent_kafka import Producer
from tests.delivery.alerts import alert
from tests.integration.stage import Stage
from typer.testing import CliRunner

from sentinel.alerting.cloudevent import encode
from sentinel.cli import app
from sentinel.kafka.response_client import ResponseClient, ResponseError
from sentinel.model.alert import AlertState, Resolution
from sentinel.model.response import Response, ResponseKind, Verdict

DAY_MS = 86_400_000


def test_an_alert_is_found_among_the_revisions_since_a_time(kafka: str, prefix: str) -> None:
    """Its newest revision; what is older is not read, and the error names the time."""
    stage = Stage(kafka, prefix)
    now_ms = time.time_ns() // 1_000_000
    producer = Producer({"bootstrap.servers": stage.broker})
    old, young = alert(alert_id="a-old"), alert(alert_id="a-young")
    for each, days in ((old, 9), (young, 8), (alert(alert_id="a-young", revision=2), 1)):
        at_ms = now_ms - days * DAY_MS
        producer.produce(stage.topics.alerts, encode(each), "k", partition=0, timestamp=at_ms)
    assert producer.flush(30) == 0
    with ResponseClient(stage.settings) as client:
        assert client.alert("a-young", now_ms - 7 * DAY_MS).revision == 2
        assert client.alert("a-old", now_ms - 30 * DAY_MS) == old
        with pytest.raises(ResponseError, match=r"has no alert a-old since 20.* UTC"):
            client.alert("a-old", now_ms - 7 * DAY_MS)
        with pytest.raises(ResponseError, match="has no alert a-young since"):
            client.alert("a-young", now_ms)


@pytest.mark.parametrize(
    ("verdict", "after", "found"),
    [
        (None, {"state": AlertState.ACKNOWLEDGED, "acknowledged_by": "li.wei"}, True),
        (None, {"state": AlertState.RESOLVED, "resolution": Resolution.QUIET}, True),
        (
            Verdict.CONFIRMED,
            {"state": AlertState.RESOLVED, "resolution": Resolution.CONFIRMED},
            True,
        ),
        (Verdict.CONFIRMED, {"state": AlertState.ACKNOWLEDGED, "acknowledged_by": "x"}, False),
        (None, {"score": 91.0}, False),
    ],
)
def test_the_outcome_is_the_revision_that_has_the_answer(
    kafka: str, prefix: str, verdict: Verdict | None, after: dict[str, Any], *, found: bool
) -> None:
    """Acknowledged or over; a revision for another reason is not it, and the wait is bounded."""
    stage = Stage(kafka, prefix)
    known, newer = alert(), alert(revision=2, **after)
    producer = Producer({"bootstrap.servers": stage.broker})
    for each in (known, newer):
        producer.produce(stage.topics.alerts, encode(each), "k", partition=0)
    assert producer.flush(30) == 0
    sent = Response(
        response_id="R1",
        event_time=time.time_ns() // 1_000_000,
        key=known.key,
        alert_id=known.alert_id,
        kind=ResponseKind.DISPOSITION if verdict else ResponseKind.ACKNOWLEDGE,
        actor="li.wei",
        verdict=verdict,
    )
    with ResponseClient(stage.settings) as client:
        assert client.outcome(sent, known, wait_s=1.0) == (newer if found else None)


def test_an_engine_that_has_not_answered_is_told(
    kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is sent, exit code 0; what the engine makes of it is not known yet."""
    stage = Stage(kafka, prefix)
    producer = Producer({"bootstrap.servers": stage.broker})
    producer.produce(stage.topics.alerts, encode(alert()), "k", partition=0)
    assert producer.flush(30) == 0
    monkeypatch.setenv("SENTINEL_BROKERS", stage.broker)
    monkeypatch.setenv("SENTINEL_TOPIC_PREFIX", stage.prefix)
    monkeypatch.setattr(sys.modules["sentinel.cli.ack"], "_WAIT_S", 1.0)
    done = CliRunner().invoke(app, ["ack", "a1", "--by", "li.wei"])
    assert done.exit_code == 0
    assert done.stdout == (
        "acknowledge sent for red alert a1: Account drained\n"
        "the engine has not answered within 1 s\n"
    )
    assert len(stage.read(stage.topics.responses)) == 1
    long = CliRunner().invoke(app, ["ack", "a1", "--note", "x" * 2_001])
    assert (long.exit_code, len(stage.read(stage.topics.responses))) == (1, 1)
