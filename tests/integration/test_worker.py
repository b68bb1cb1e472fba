"""A worker on real Apache Kafka: nothing lost, nothing doubled, the engine's own alerts."""

import random
import signal
import sys
import time
from collections import Counter
from functools import partial

import msgspec
import pytest
from tests.faults.ledger import spoiled
from tests.faults.verifier import Verifier
from tests.integration.stage import GIVEN_UP_SOON, Stage, lively, wait_for
from typer.testing import CliRunner

from sentinel.alerting.cloudevent import ResponseResultEvent
from sentinel.alerting.cloudevent import decode as decode_alert
from sentinel.cli import app
from sentinel.kafka.response_client import ResponseClient, Silences
from sentinel.model.alert import Alert, Change, Resolution, Tier
from sentinel.model.events import Stream
from sentinel.model.response import Response, ResponseKind, ResponseResult, Silence, Verdict
from sentinel.model.response_outcome import ResponseOutcome
from sentinel.model.signal import Risk

pytestmark = pytest.mark.process


@pytest.fixture
def stage(kafka: str, prefix: str) -> Stage:
    """Topics of this test's own on the real broker."""
    return Stage(kafka, prefix)


def assert_exact(stage: Stage) -> list[bytes]:
    """The topics hold exactly the engine's alerts and requested actions, each once."""
    verifier = Verifier(stage)
    verdict = verifier.verdict()
    assert verdict.exact, str(verdict)
    assert verdict.counts["actions"]
    return verifier.alerts


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
    worker = stage.worker(**GIVEN_UP_SOON)
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
    bad = [spoiled(draw, good) for _ in range(10_000)]
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
    origins = {
        f"{message.topic()}-{message.partition()}-{message.offset()}".encode(): message
        for topic in stage.topics.inputs.values()
        for message in stage.read(topic)
    }
    assert len({letter.key() for letter in letters}) == len(letters)
    for letter in letters:
        source, headers = origins[letter.key()], dict(letter.headers())
        assert source.value() == letter.value()
        assert headers["key"] == source.key()
        assert headers["reason"] in {b"malformed", b"schema", b"empty", b"too_large", b"future"}
    assert_exact(stage)


def test_no_record_is_too_large_to_be_put_aside(stage: Stage) -> None:
    """However large value and key are, and however little the topic takes: the worker goes on."""
    good = lively(1_000, seed=31)
    stage.configure(stage.topics.inputs[Stream.LOGIN], "max.message.bytes", "8000000")
    large = [
        (Stream.LOGIN, "a", b"x" * 1_030_000),  # more than the limit
        (Stream.LOGIN, "b", b"{" * 999_990),  # less, and malformed
        (Stream.LOGIN, "k" * 900_000, b"{"),
        (Stream.LOGIN, "c", b"y" * 3_000_000),  # more than the topic takes
    ]
    worker = stage.worker()
    try:
        worker.wait_ready()
        stage.feed([*good[:500], *large, *good[500:]])
        wait_for(stage.everything_applied, "all records applied")
        sizes = sorted(len(each.value()) for each in stage.read(stage.topics.deadletter))
        assert sizes == [1, 999_990, 1_030_000, 2_031_616]
        stage.configure(stage.topics.deadletter, "max.message.bytes", "10000")
        last = random.Random(31).randbytes(50_000)  # what can be compressed would fit
        stage.feed([(Stream.LOGIN, "d", last)])
        wait_for(stage.everything_applied, "the last record applied")
        assert worker.get("/livez") == "ok\n"
    finally:
        assert worker.end(signal.SIGTERM) == 0
    (letter,) = (
        each
        for each in stage.read(stage.topics.deadletter)
        if dict(each.headers()).get("value_bytes") == b"50000"
    )
    assert 1_000 < len(letter.value()) < 10_000
    assert last.startswith(letter.value())
    assert_exact(stage)


def test_answers_and_silences_take_effect_and_survive_a_restart(stage: Stage) -> None:
    """Acknowledged, judged and silenced over Kafka; after kill -9 the rest goes on exactly."""
    stage.feed(lively(2_000, seed=8))
    worker = stage.worker(**GIVEN_UP_SOON)
    wait_for(stage.everything_applied, "all events applied")
    newest = {alert.alert_id: alert for alert in _alerts(stage)}
    first, second = [alert for alert in newest.values() if alert.resolution is None][:2]
    now_ms = time.time_ns() // 1_000_000
    with ResponseClient(stage.settings) as client:
        assert client.alert(first.alert_id, now_ms - 3_600_000) == first
        for alert, kind in ((first, ResponseKind.ACKNOWLEDGE), (second, ResponseKind.DISPOSITION)):
            client.respond(
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
        label = Response(
            response_id="R-label",
            event_time=now_ms,
            key=second.key,
            kind=ResponseKind.LABEL,
            actor="chargebacks",
            event_id=second.trigger.event_id,
            verdict=Verdict.FALSE_POSITIVE,
        )
        client.respond(label)
        silence = Silence(
            silence_id="S1",
            matchers=('risk="operational"',),
            starts_at=now_ms,
            ends_at=now_ms + 3_600_000,
            created_by="li.wei",
            comment="test",
        )
        client.silence(silence, "li.wei", 0.0)
        assert client.silences() == Silences([silence], 0)
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
    _check_outcomes(stage, by_id[second.alert_id], label)
    opened = [alert for alert in by_id.values() if alert.risk is Risk.OPERATIONAL]
    for alert in opened:  # one person's silence is not of red
        assert bool(alert.suppressed) is (alert.tier is not Tier.RED) or alert.resolution


def test_the_command_line_says_what_the_engine_made_of_an_answer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acknowledged, ended with a verdict, and after that there is nothing to answer."""
    stage.feed(lively(1_000, seed=10))
    worker = stage.worker()
    wait_for(stage.everything_applied, "all events applied")
    firing = next(each for each in reversed(_alerts(stage)) if each.resolution is None).alert_id
    monkeypatch.setenv("SENTINEL_BROKERS", stage.broker)
    monkeypatch.setenv("SENTINEL_TOPIC_PREFIX", stage.prefix)
    monkeypatch.setattr(sys.modules["sentinel.cli.ack"], "_WAIT_S", 60.0)

    def ran(*options: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["ack", firing, "--by", "li.wei", *options])
        return done.exit_code, (done.stdout + done.stderr).strip().splitlines()[-1]

    try:
        assert ran() == (0, "applied: acknowledged by li.wei")
        assert ran() == (0, "nothing changes: li.wei has acknowledged it")
        assert ran("--verdict", "confirmed") == (0, "applied: the alert is over, confirmed")
        code, line = ran("--verdict", "confirmed")
        assert code == 1
        assert line.endswith(f"alert {firing} is over: confirmed")
    finally:
        worker.end(signal.SIGTERM)


def _alerts(stage: Stage) -> list[Alert]:
    return [decode_alert(message.value()) for message in stage.read(stage.topics.alerts)]


def _check_outcomes(stage: Stage, resolved: Alert, label: Response) -> None:
    """An outcome for each of three responses, of which one resolved an alert and one is a label."""
    outcomes = {each.response_id: each for each in _outcomes(stage)}
    assert len(outcomes) == len(_outcomes(stage)) == 3
    assert {each.result for each in outcomes.values()} == {ResponseResult.APPLIED}
    assert outcomes[f"R-{resolved.alert_id}"].revision == resolved.revision
    assert outcomes[label.response_id].event_id == label.event_id


def _outcomes(stage: Stage) -> list[ResponseOutcome]:
    """What became of the responses, each under its key."""
    messages = stage.read(stage.topics.response_results)
    events = [msgspec.json.decode(each.value(), type=ResponseResultEvent) for each in messages]
    keys = [each.data.key.encode() for each in events]
    assert [message.key() for message in messages] == keys
    return [each.data for each in events]


def _changes(stage: Stage) -> set[Change]:
    return {alert.change for alert in _alerts(stage)}
