"""What the examples of docs/extending.md do, run by test_docs_extending on sources with them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from tests.delivery.alerts import alert

from sentinel.engine import Configuration, Emitted, Engine, Outcome
from sentinel.kafka.masking import Mask, Masking
from sentinel.kafka.topics import Topics
from sentinel.metrics import Metrics
from sentinel.model.alert import Resolution, Tier
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step
from sentinel.replay.loop import LoopBack
from sentinel.settings import Settings, read_configuration
from sentinel.shard.journal import StepRecord
from sentinel.shard.sink import Sink

START_MS = 1_767_571_200_000
FEATURES = """
features:
  customer:
    spent: {on: transaction, total: amount, where: 'direction == "debit"'}
"""
RULES = """
rules:
  - id: a.total
    title: {en: Total, zh: 累计}
    risk: credit
    severity: 90
    owner: tests
    on: transaction
    when: spent > 20
  - id: a.repeat
    title: {en: Repeat, zh: 重复}
    risk: operational
    severity: 90
    owner: tests
    repeat: {on: login, when: 'operating_system == "unknown"', times: 3, within: 10m}
  - id: a.trade
    title: {en: Trade, zh: 交易}
    risk: market
    severity: 90
    owner: tests
    on: trade
    when: side == "buy" && amount > 5
"""
EVENTS = {
    "transaction": {"kind": "card", "direction": "debit", "amount": 10},
    "login": {"kind": "login", "success": True, "operating_system": "unknown"},
    "trade": {"side": "buy", "amount": 10},
}


@cache
def _configuration() -> Configuration:
    files = read_configuration(None).files
    kept = {name: text for name, text in files.items() if not name.startswith("rules/")}
    mine = {
        "features.yaml": FEATURES,
        "detectors.yaml": "detectors: []",
        "rules/examples.yaml": RULES,
    }
    return Configuration.parse(kept | mine)


def _process(engine: Engine, stream: str, number: int) -> Outcome:
    """Process an event that happens ``number`` minutes after the start."""
    at_ms = START_MS + number * 60_000
    event = {"event_id": f"e{number}", "event_time": at_ms, "customer_id": "C1", **EVENTS[stream]}
    # The scanner leaves a record with an escape: interpreted, its 8-bit sums would overflow.
    value = json.dumps(event).replace("C1", "\\u00431").encode()
    chunk = Chunk(Stream(stream), stream, 0, [number], [at_ms], [b"C1"], [value])
    return LoopBack(engine).process(Step(at_ms, [chunk]))


def _fired(outcome: Outcome) -> list[str]:
    return [rule_id for rule_id, _ in outcome.counts.signals]


def test_a_feature_kind() -> None:
    """The rule reads the sum over all debits: the third makes 30."""
    engine = Engine(_configuration())
    fired = [_fired(_process(engine, "transaction", number)) for number in range(3)]
    assert fired == [[], [], ["a.total"]]


def test_a_rule_kind_and_an_event_field() -> None:
    """Three logins with the field's value fire; a restored engine goes on from two."""
    engine, restored = Engine(_configuration()), Engine(_configuration())
    assert [_fired(_process(engine, "login", number)) for number in range(2)] == [[], []]
    restored.restore(engine.snapshot())
    for each in (engine, restored):
        outcome = _process(each, "login", 2)
        (revision,) = outcome.emitted.alerts
        assert [len(reason.clauses) for reason in revision.reasons] == [3]
        assert _fired(_process(each, "login", 3)) == []


def test_a_rule_kind_is_checked() -> None:
    """A second kind in one rule is refused."""
    files = dict(_configuration().files)
    files["rules/examples.yaml"] = RULES.replace("    repeat:", "    when: success\n    repeat:")
    with pytest.raises(Exception, match='needs either "when" or "sequence" or "repeat"'):
        Configuration.parse(files)


def test_an_input_stream_and_a_counter() -> None:
    """A trade fires its rule; the counter of risks is exported."""
    outcome = _process(Engine(_configuration()), "trade", 0)
    assert _fired(outcome) == ["a.trade"]
    registry = CollectorRegistry()
    Metrics(registry).observe_step(outcome, 0.1)
    found = {
        risk: registry.get_sample_value("sentinel_signal_risks_total", {"risk": risk})
        for risk in ("market", "legal")
    }
    assert found == {"market": 1, "legal": 0}


def test_a_stage() -> None:
    """Its state is saved, restored and carried to another configuration."""
    engine, restored = Engine(_configuration()), Engine(_configuration())
    _process(engine, "login", 0)
    saved = engine.snapshot()
    assert msgspec.msgpack.decode(saved["tally.state"]) == [["login", 1]]
    restored.restore(saved)
    restored.reconfigure(_configuration().narrowed(["a.trade"]))
    assert restored.snapshot()["tally.state"] == saved["tally.state"]


class _Producer:
    """Notes what a sink writes."""

    def __init__(self) -> None:
        self.written: list[str] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open and commit."""
        yield

    def send(self, topic: str, *_: object, offsets: list[int] | None = None, **__: object) -> None:
        """Note the topic."""
        self.written.append(topic)
        if offsets is not None:
            offsets.append(0)


def test_an_output_topic() -> None:
    """It is among the topics that are created, and a resolved alert is written to it."""
    topics, settings = Topics("sentinel"), Settings()
    assert topics.resolved in topics.all()  # type: ignore[attr-defined]
    assert topics.resolved not in topics.inside()  # type: ignore[attr-defined]
    sink = Sink(settings, 0, Masking(Mask(), Mask(), Mask(), Mask(), b""), None)
    producer = sink._producer = _Producer()  # type: ignore[assignment]
    ended = msgspec.structs.replace(alert("a1", tier=Tier.RED), resolution=Resolution.QUIET)
    sink.write(Emitted(alerts=[ended]), StepRecord(0, 1, 1, {}, "v"))
    assert producer.written == [
        topics.alerts,
        topics.tier(Tier.RED),
        topics.resolved,  # type: ignore[attr-defined]
        topics.journal,
    ]
