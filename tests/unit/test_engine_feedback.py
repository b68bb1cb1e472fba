"""What people found, through the whole engine: answers in, tallies of rules out."""

import msgspec
from prometheus_client import CollectorRegistry
from tests.integration.stage import lively

from sentinel.engine import Engine, Outcome
from sentinel.metrics import Metrics
from sentinel.model.alert import Alert
from sentinel.model.events import Stream
from sentinel.model.response import Control, Response, ResponseKind, ResponseResult, Verdict
from sentinel.model.step import Chunk, Step
from sentinel.settings import read_configuration


def _lived() -> tuple[Engine, Alert]:
    """An engine of the shipped rules that has lived a while, and an alert that is open."""
    records = lively(1_500, seed=4, customers=8)
    chunks = []
    for stream in Stream:
        values: list[bytes | None] = [value for of, _, value in records if of is stream]
        nothing: list[bytes | None] = [None] * len(values)
        offsets = list(range(len(values)))
        chunks.append(Chunk(stream, f"t.{stream}", 0, offsets, [-1] * len(values), nothing, values))
    engine = Engine(read_configuration(None))
    alerts = {alert.alert_id: alert for alert in engine.process(Step(0, chunks)).emitted.alerts}
    return engine, next(each for each in alerts.values() if each.resolution is None)


def _say(engine: Engine, *responses: Response) -> Outcome:
    values: list[bytes | None] = [msgspec.json.encode(each) for each in responses]
    keys: list[bytes | None] = [each.key.encode() for each in responses]
    offsets = list(range(len(values)))
    times = [int(each.event_time) for each in responses]  # type: ignore[arg-type]
    chunk = Chunk(Control.RESPONSE, "t.responses", 0, offsets, times, keys, values)
    return engine.process(Step(max(times), [chunk]))


def _label(alert: Alert, event_id: str, verdict: Verdict) -> Response:
    return Response(
        response_id=f"R-{event_id}-{verdict}",
        event_time=alert.updated_at,
        key=alert.key,
        kind=ResponseKind.LABEL,
        actor="chargebacks",
        event_id=event_id,
        verdict=verdict,
    )


def test_a_disposition_is_a_verdict_on_each_event_behind_the_alert() -> None:
    """All rules of the alert have the events to their credit, and Prometheus is told."""
    engine, alert = _lived()
    disposition = Response(
        response_id="R1",
        event_time=alert.updated_at,
        key=alert.key,
        alert_id=alert.alert_id,
        kind=ResponseKind.DISPOSITION,
        actor="li.wei",
        verdict=Verdict.CONFIRMED,
    )
    _say(engine, disposition)
    gauges = engine.gauges()
    for reason in alert.reasons:
        assert gauges.verdicts[reason.rule_id, "live", "confirmed"] >= 1
    registry = CollectorRegistry()
    Metrics(registry).show(0, gauges)
    rule = alert.reasons[0].rule_id
    labels = {"shard": "0", "rule": rule, "mode": "live", "verdict": "confirmed"}
    told = registry.get_sample_value("sentinel_rule_verdicts", labels)
    assert told == gauges.verdicts[rule, "live", "confirmed"]


def test_a_label_needs_no_alert_and_the_newest_counts() -> None:
    """A chargeback, then its correction; a label on an event that is not held changes nothing."""
    engine, alert = _lived()
    event_id = alert.trigger.event_id
    outcome = _say(engine, _label(alert, event_id, Verdict.CONFIRMED))
    assert sum(engine.gauges().verdicts.values()) >= 1
    assert outcome.counts.responses == {(ResponseKind.LABEL, ResponseResult.APPLIED): 1}
    _say(engine, _label(alert, event_id, Verdict.FALSE_POSITIVE))
    corrected = engine.gauges().verdicts
    assert {verdict for (*_, verdict), count in corrected.items() if count} == {"false_positive"}
    unknown = _say(engine, _label(alert, "no such event", Verdict.CONFIRMED))
    assert unknown.counts.responses == {(ResponseKind.LABEL, ResponseResult.NOT_HELD): 1}
    assert engine.gauges().verdicts == corrected
