"""A worker on real Apache Kafka: nothing lost, nothing doubled, the engine's own alerts."""

import random
import signal
import time
from collections import Counter
from functools import partial

import msgspec
import pytest
from confluent_kafka import Message
from tests.integration.stage import Stage, lively, wait_for

from sentinel.alerting.cloudevent import decode as decode_alert
from sentinel.alerting.cloudevent import encode, encode_action
from sentinel.engine import Engine
from sentinel.model.alert import Alert, Change, Resolution, Tier
from sentinel.model.events import Stream
from sentinel.model.response import Response, ResponseKind, Silence, Verdict
from sentinel.model.signal import Risk
from sentinel.model.step import Step
from sentinel.stream.answers import Answers
from sentinel.stream.journal import StepRecord, decode
from sentinel.stream.records import from_librdkafka

pytestmark = pytest.mark.process


@pytest.fixture
def stage(kafka: str, prefix: str) -> Stage:
    """Topics of this test's own on the real broker."""
    return Stage(kafka, prefix)


def _journalled(stage: Stage) -> tuple[list[bytes], list[bytes]]:
    """What the pure engine says of the very steps that the journal records, by shard."""
    inputs: dict[tuple[str, int], list[Message]] = {}
    broadcasts = stage.topics.broadcasts.values()
    for topic in (*stage.topics.inputs.values(), *broadcasts):
        for message in stage.read(topic):
            inputs.setdefault((topic, message.partition()), []).append(message)
    streams = {topic: stream for stream, topic in stage.topics.inputs.items()}
    streams |= {topic: control for control, topic in stage.topics.broadcasts.items()}
    steps: dict[int, list[StepRecord]] = {}
    for message in stage.read(stage.topics.journal):
        steps.setdefault(message.partition(), []).append(decode(message.value()))
    configurations = stage.configurations()
    values, actions = [], []
    for shard, records in steps.items():
        assert [record.number for record in records] == list(range(len(records)))
        engine = Engine(configurations[records[0].config_version])
        for record in records:
            if record.config_version != engine.configuration.version:
                engine.reconfigure(configurations[record.config_version])
            chunks = [
                from_librdkafka(
                    streams[topic],
                    [
                        message
                        for message in inputs[topic, 0 if topic in broadcasts else shard]
                        if first <= message.offset() <= last
                    ],
                )
                for topic, (first, last) in record.ranges.items()
            ]
            outcome = engine.process(Step(record.now_ms, chunks))
            values += [encode(alert) for alert in outcome.alerts]
            actions += [encode_action(request) for request in outcome.action_requests]
    return values, actions


def assert_exact(stage: Stage) -> list[bytes]:
    """The topics hold exactly the engine's alerts and requested actions, each once."""
    said = [message.value() for message in stage.read(stage.topics.alerts)]
    alerts, actions = _journalled(stage)
    assert Counter(said) == Counter(alerts)
    requested = [message.value() for message in stage.read(stage.topics.actions)]
    assert Counter(requested) == Counter(actions)
    assert requested
    ids = [msgspec.json.decode(value)["id"] for value in said]
    assert len(set(ids)) == len(ids)
    tiered = [message.value() for tier in Tier for message in stage.read(stage.topics.tier(tier))]
    assert Counter(tiered) == Counter(said)
    return said


def test_committed_alerts_are_the_engines_own(stage: Stage) -> None:
    """Produced events become committed alerts, byte for byte what the pure engine says."""
    stage.feed(lively(3_000, seed=1))
    worker = stage.worker()
    try:
        worker.wait_ready()
        wait_for(stage.everything_applied, "all events applied")
    finally:
        code = worker.end(signal.SIGTERM)
    assert code == 0
    assert len(assert_exact(stage)) > 20


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_restart_in_the_middle_loses_and_doubles_nothing(
    stage: Stage, how: signal.Signals
) -> None:
    """Killed or stopped amid the events and started again: the uncrashed run's alerts."""
    records = lively(6_000, seed=2)
    stage.feed(records[:3_000])
    worker = stage.worker()
    worker.wait_ready()
    wait_for(lambda: worker.counted("sentinel_events_total{") > 0, "first events")
    stage.feed(records[3_000:4_500])
    code = worker.end(how)
    assert code == (0 if how is signal.SIGTERM else -signal.SIGKILL)
    stage.feed(records[4_500:])
    worker = stage.worker()
    try:
        worker.wait_ready()
        wait_for(stage.everything_applied, "all events applied")
    finally:
        worker.end(signal.SIGTERM)
    assert len(assert_exact(stage)) > 20


def test_ten_thousand_bad_messages_between_good_ones(stage: Stage) -> None:
    """Every bad record is in the dead letter, whole; every good one processed; worker alive."""
    draw = random.Random(3)
    good = lively(2_000, seed=3)
    bad = [_bad(draw, good) for _ in range(10_000)]
    mixed = [*good, *((stream, f"k{number}", value) for number, (stream, value) in enumerate(bad))]
    draw.shuffle(mixed)
    worker = stage.worker()
    try:
        worker.wait_ready()
        stage.feed(mixed)
        wait_for(stage.everything_applied, "all records applied")
        accepted = worker.counted("sentinel_events_total{")
        assert worker.get("/livez") == "ok\n"
    finally:
        assert worker.end(signal.SIGTERM) == 0
    assert accepted == len(good)
    letters = stage.read(stage.topics.deadletter)
    assert Counter(letter.value() or b"" for letter in letters) == Counter(
        value for _, value in bad
    )
    places = {
        f"{message.topic()}-{message.partition()}-{message.offset()}".encode(): message
        for topic in stage.topics.inputs.values()
        for message in stage.read(topic)
    }
    assert len({letter.key() for letter in letters}) == len(letters)
    for letter in letters:
        source, headers = places[letter.key()], dict(letter.headers())
        assert source.value() == letter.value()
        assert headers["key"] == source.key()
        assert headers["reason"] in {b"malformed", b"schema", b"empty", b"too_large", b"future"}
    assert_exact(stage)


def _bad(draw: random.Random, good: list[tuple[Stream, str, bytes]]) -> tuple[Stream, bytes]:
    """Random bytes, or a good event broken in one of many ways; never an event."""
    stream, _, value = draw.choice(good)
    fields = msgspec.json.decode(value)
    kind = draw.randrange(9)
    if kind == 0:
        return stream, draw.randbytes(draw.randrange(1, 300))
    if kind == 1:
        return stream, value[: draw.randrange(1, len(value) - 1)]
    if kind == 2:
        del fields[draw.choice(["event_id", "event_time", "customer_id", "kind"])]
    elif kind == 3:
        fields[draw.choice(list(fields))] = draw.choice([[], {}, {"a": [1]}])
    elif kind == 4:
        fields["event_time"] = draw.choice(
            [2**63, -1, "yesterday", 4_000_000_000_000, True, 10**30]
        )
    elif kind == 5:
        return stream, b'{"x":' * draw.randrange(2, 5_000)
    elif kind == 6:
        return stream, draw.choice([b"NaN", b"[]", b"null", b"", b"{}", b"123", b'"text"'])
    elif kind == 7:
        fields["customer_id"] = draw.choice(["", "x" * 500, 5, None])
    else:
        return stream, value.replace(b'"event_id"', b'"event_id', 1)
    return stream, msgspec.json.encode(fields)


def test_answers_and_silences_take_effect_and_survive_a_restart(stage: Stage) -> None:
    """Acknowledged, judged and silenced over Kafka; after kill -9 the rest goes on exactly."""
    stage.feed(lively(2_000, seed=8))
    worker = stage.worker()
    wait_for(stage.everything_applied, "all events applied")
    newest = {alert.alert_id: alert for alert in _alerts(stage)}
    first, second = [alert for alert in newest.values() if alert.resolution is None][:2]
    now_ms = time.time_ns() // 1_000_000
    with Answers(stage.settings) as answers:
        assert answers.alert(first.alert_id) == first
        for alert, kind in ((first, ResponseKind.ACKNOWLEDGE), (second, ResponseKind.DISPOSITION)):
            answers.respond(
                Response(
                    response_id=f"R-{alert.alert_id}",
                    event_time=now_ms,
                    key=alert.key,
                    alert_id=alert.alert_id,
                    kind=kind,
                    actor="li.wei",
                    verdict=Verdict.CONFIRMED,
                )
            )
        silence = Silence(
            silence_id="S1",
            matchers=('risk="operational"',),
            starts_at=now_ms,
            ends_at=now_ms + 3_600_000,
            created_by="li.wei",
            comment="test",
        )
        answers.silence(silence)
        assert answers.silences() == [silence]
    changes = partial(_changes, stage)
    wait_for(
        lambda: {Change.ACKNOWLEDGED, Change.RESOLVED, Change.SUPPRESSED} <= changes(),
        "what was answered is said",
    )
    worker.end(signal.SIGKILL)
    stage.feed(lively(2_000, seed=9))
    worker = stage.worker()
    wait_for(stage.everything_applied, "all events applied")
    assert worker.end(signal.SIGTERM) == 0
    assert_exact(stage)
    by_id = {alert.alert_id: alert for alert in _alerts(stage)}
    assert by_id[second.alert_id].resolution is Resolution.CONFIRMED
    opened = [alert for alert in by_id.values() if alert.risk is Risk.OPERATIONAL]
    assert all(alert.suppressed or alert.resolution for alert in opened)


def _alerts(stage: Stage) -> list[Alert]:
    return [decode_alert(message.value()) for message in stage.read(stage.topics.alerts)]


def _changes(stage: Stage) -> set[Change]:
    return {alert.change for alert in _alerts(stage)}
