"""Trades and enrolments through an engine, run by test_model_streams with those two streams."""

import json
import sys

from sentinel.contract.asyncapi import asyncapi
from sentinel.contract.schemas import event_schema
from sentinel.engine import Configuration, Engine
from sentinel.engine.warm_up import warm_up
from sentinel.kafka.topics import Topics
from sentinel.model.alert import Alert
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step
from sentinel.replay.loop import LoopBack
from sentinel.settings import read_configuration

_START_MS = 1_767_571_200_000
_FEATURES = """
features:
  customer:
    trades_1h: {on: trade, count: true, where: 'side == "buy" && amount > 5', window: 1h}
    seen: {on: [trade, enrolment], since_last: true}
  device:
    enrolments_1h: {on: enrolment, count: true, window: 1h}
"""
_RULES = """
rules:
  - id: many-trades
    title: {en: Many trades, zh: 交易频繁}
    risk: market
    severity: 90
    owner: tests
    on: trade
    when: trades_1h >= 3 && seen >= 0
  - id: many-enrolments
    title: {en: Many enrolments, zh: 设备注册频繁}
    risk: operational
    severity: 90
    owner: tests
    by: device
    when: enrolments_1h >= 3
"""


def _chunk(stream: Stream, **fields: object) -> Chunk:
    times = [_START_MS + n * 60_000 for n in range(3)]
    values: list[bytes | None] = [
        json.dumps({"event_id": f"e{at}", "event_time": at, "customer_id": "C1", **fields}).encode()
        for at in times
    ]
    return Chunk(stream, stream.value, 0, [0, 1, 2], times, [b"C1"] * 3, values)


def _configuration() -> Configuration:
    files = read_configuration(None).files
    kept = {name: text for name, text in files.items() if not name.startswith("rules/")}
    mine = {
        "features.yaml": _FEATURES,
        "detectors.yaml": "detectors: []",
        "rules/more.yaml": _RULES,
    }
    return Configuration.parse(kept | mine)


def main() -> None:
    """Write as JSON what follows from the new streams, and the alerts of their events."""
    trade, enrolment = Stream("trade"), Stream("enrolment")
    inputs = Topics("p").inputs
    configuration = _configuration()
    warm_up(configuration)
    chunks = [_chunk(trade, side="buy", amount=10), _chunk(enrolment, device_id="d1")]
    outcome = LoopBack(Engine(configuration)).process(Step(_START_MS + 600_000, chunks))
    found = {
        "topics": [inputs[trade], inputs[enrolment]],
        "channel": list(asyncapi()["channels"]["trades"]["messages"]),
        "required": event_schema(trade)["required"],
        "alerts": sorted(_summary(alert) for alert in outcome.emitted.alerts),
    }
    sys.stdout.write(json.dumps(found))


def _summary(alert: Alert) -> list[object]:
    (reason,), (clause, *_) = alert.reasons, alert.reasons[0].clauses
    return [
        reason.rule_id,
        f"{alert.entity.kind}:{alert.entity.id}",
        alert.trigger.stream,
        clause.values,
    ]


main()
