"""The tests that stand inside rule files, run through the engine.

A test lists events and the expected result of the rule: ``none``, ``fires``, or
``{tier: red}``, the highest tier that its alerts reach.  It judges its rule alone: the
engine has the whole configuration but only that rule, so that a tier is the rule's own
doing.  Each test starts with an engine that has seen nothing.

An event is ``{on: login, at: 10m, repeat: 5, every: 1m, ...fields}``: ``at`` counts from
``START``, a Monday morning, and missing settings are filled in, so that a test shows only
what matters to it.  In the texts of a repeated event ``{n}`` is 1, 2, 3...; twenty
payees need one line.  Events are fed in the order of their times, in steps of ten seconds.

Risks of shared entities can be given beside the events:
``entity_risk: [{kind: ip, id: 10.0.0.1, risk: 90, at: 1m}]``; and what people find out afterwards:
``labels: [{event_id: "t{n}", verdict: confirmed, at: 2h, repeat: 5, every: 1m}]``, of events whose
``event_id`` the test gives.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from sentinel import complaints
from sentinel.engine import Configuration, Engine
from sentinel.model.alert import Alert, Tier
from sentinel.model.columns import FIELDS
from sentinel.model.document import ConfigError, Document, Path, did_you_mean
from sentinel.model.entity import EntityKind
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.network import network_of
from sentinel.model.response import Control, Response, ResponseKind, Verdict
from sentinel.model.rollup import EntityRisk
from sentinel.model.step import Chunk, Step
from sentinel.replay.loop import LoopBack, by_pane
from sentinel.replay.run import Processor

START = datetime.fromisoformat("2026-01-05T10:00:00+08:00")
START_MS = int(START.timestamp() * 1000)
MOST_REPEATS = 1000

_DEFAULTS: dict[Stream, dict[str, object]] = {
    Stream.TRANSACTION: {"kind": "transfer", "direction": "debit", "currency": "CNY"},
    Stream.LOGIN: {"kind": "login", "success": True},
    Stream.COMPLAINT: {"status": "received", "channel": "app"},
}


class _Reaches(Struct, frozen=True, forbid_unknown_fields=True):
    tier: Tier


class _EntityRisk(Struct, frozen=True, forbid_unknown_fields=True):
    """A shared entity that another rule finds risky."""

    kind: EntityKind
    id: str
    risk: int
    at: str = ""


class _Labels(Struct, frozen=True, forbid_unknown_fields=True):
    """What events of a customer's were found to be."""

    event_id: str
    verdict: Verdict
    at: str = ""
    repeat: Annotated[int, Meta(ge=1, le=MOST_REPEATS)] = 1
    every: str = ""
    customer_id: str = "C1"


class _Test(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    events: list[dict[str, Any]]
    expect: Literal["none", "fires"] | _Reaches
    entity_risk: list[_EntityRisk] = []
    labels: list[_Labels] = []


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test of one rule: its events as a step, and what they must lead to.

    ``expected`` is False for silence, True for any firing, or the tier to reach.
    """

    rule_id: str
    name: str
    step: Step
    expected: Tier | bool


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a test: how often the rule fired, and the highest tier it reached."""

    test: RuleTest
    fired: int
    tier: Tier | None
    alerts: list[Alert]

    @property
    def passed(self) -> bool:
        """Whether that is what the test expects."""
        if isinstance(self.test.expected, Tier):
            return self.tier is self.test.expected
        return bool(self.fired) is self.test.expected


def read_tests(documents: Sequence[Document]) -> list[RuleTest]:
    """Every test in the rule files, in their order; raises ConfigError.

    The files have passed ``rules.load``: only what stands in ``tests`` is checked here.
    """
    return [
        _read_test(document, ("rules", number, "tests", path), rule["id"])
        for document in documents
        for number, rule in enumerate(document.data.get("rules", []))
        for path in range(len(rule.get("tests", [])))
    ]


def run_alone(test: RuleTest, configuration: Configuration) -> Result:
    """Run a test against its rule alone, rollups looped back."""
    return run_test(test, LoopBack(Engine(configuration.narrowed([test.rule_id]))))


def run_test(test: RuleTest, engine: Processor) -> Result:
    """Feed a test to an engine that has only its rule and has seen nothing."""
    outcomes = [engine.process(step) for step in by_pane(test.step)]
    fired = sum(
        count
        for outcome in outcomes
        for (rule_id, _), count in outcome.counts.signals.items()
        if rule_id == test.rule_id
    )
    # A complaint's own alert is about its deadlines, whichever rules there are.
    alerts = [
        alert
        for outcome in outcomes
        for alert in outcome.emitted.alerts
        if alert.entity.kind != complaints.COMPLAINT
    ]
    tiers = [tier for tier in Tier if any(alert.tier is tier for alert in alerts)]
    return Result(test, fired, tiers[0] if tiers else None, alerts)


def _read_test(document: Document, path: Path, rule_id: str) -> RuleTest:
    spec = document.part(*path).convert(_Test)
    events = [
        expanded
        for number in range(len(spec.events))
        for expanded in _expanded(document, (*path, "events", number))
    ]
    events.sort(key=lambda event: event.at_ms)
    expected: Tier | bool = (
        spec.expect.tier if isinstance(spec.expect, _Reaches) else spec.expect == "fires"
    )
    step = _step(events)
    if spec.entity_risk:
        entries = [
            _entity_risk(document, (*path, "entity_risk", n), entry)
            for n, entry in enumerate(spec.entity_risk)
        ]
        entries.sort(key=lambda entry: entry[0])
        moments, values = [at_ms for at_ms, _ in entries], [value for _, value in entries]
        n = len(entries)
        step.chunks.append(
            Chunk(
                Control.ENTITY_RISK,
                "entity_risk",
                0,
                list(range(n)),
                moments,
                [None] * n,
                [*values],
            )
        )
    if spec.labels:
        responses = [
            label
            for number, entry in enumerate(spec.labels)
            for label in _labels(document, (*path, "labels", number), entry)
        ]
        step.chunks.append(_responses(responses))
    return RuleTest(rule_id, spec.name, step, expected)


def _labels(document: Document, path: Path, entry: _Labels) -> Iterator[Response]:
    """The responses that label events."""
    at_ms, every_ms = (
        _duration_ms(document, (*path, key), getattr(entry, key)) for key in ("at", "every")
    )
    for n in range(1, entry.repeat + 1):
        yield Response(
            response_id=f"r{path}{n}",
            event_time=START_MS + at_ms + (n - 1) * every_ms,
            key=entry.customer_id.replace("{n}", str(n)),
            kind=ResponseKind.LABEL,
            actor="test",
            event_id=entry.event_id.replace("{n}", str(n)),
            verdict=entry.verdict,
        )


def _responses(responses: list[Response]) -> Chunk:
    responses.sort(key=lambda each: int(each.event_time))  # type: ignore[arg-type]  # ms, as made
    n, moments = len(responses), [int(each.event_time) for each in responses]  # type: ignore[arg-type]
    values: list[bytes | None] = [msgspec.json.encode(each) for each in responses]
    return Chunk(Control.RESPONSE, "response", 0, list(range(n)), moments, [None] * n, values)


def _entity_risk(document: Document, path: Path, entry: _EntityRisk) -> tuple[int, bytes]:
    """When a shared entity becomes risky, and its record."""
    at_ms = START_MS + _duration_ms(document, (*path, "at"), entry.at)
    name = network_of(entry.id) if entry.kind is EntityKind.IP else entry.id
    record = {"kind": entry.kind, "id": name, "risk": entry.risk, "at": at_ms}
    try:
        msgspec.convert(record, EntityRisk)
    except msgspec.ValidationError as error:
        raise document.error(path, str(error).partition(" - at")[0]) from None
    return at_ms, msgspec.json.encode(record)


class _Timing(Struct, frozen=True):
    """The settings of a test's event beside its fields."""

    on: Stream
    at: str = ""
    repeat: Annotated[int, Meta(ge=1, le=MOST_REPEATS)] = 1
    every: str = ""


@dataclass(frozen=True, slots=True)
class _Event:
    stream: Stream
    at_ms: int
    fields: dict[str, object]


def _expanded(document: Document, path: Path) -> list[_Event]:
    """An event of a test, repeated as declared, with missing fields filled in."""
    part = document.part(*path)
    timing = part.convert(_Timing)
    at_ms, every_ms = (
        _duration_ms(document, (*path, key), getattr(timing, key)) for key in ("at", "every")
    )
    if timing.repeat > 1 and not every_ms:
        raise document.error((*path, "repeat"), "a repeated event needs every")
    given = {key: value for key, value in part.data.items() if key not in _Timing.__struct_fields__}
    known = FIELDS[timing.on].keys() - {"event_time"}
    for name in given:
        if name not in known:
            line, column = document.key_position(*path, name)
            message = f'a {timing.on} has no field "{name}"'
            raise ConfigError(document.path, line, column, message, did_you_mean(name, known))
    fields = {"customer_id": "C1", **_DEFAULTS.get(timing.on, {}), **given}
    events = []
    for n in range(1, timing.repeat + 1):
        moment = START_MS + at_ms + (n - 1) * every_ms
        numbered = {
            key: value.replace("{n}", str(n)) if isinstance(value, str) else value
            for key, value in fields.items()
        }
        events.append(_Event(timing.on, moment, numbered))
    _check(document, path, events[0])
    return events


def _check(document: Document, path: Path, event: _Event) -> None:
    """Refuse what ingest would refuse, at its path in the file."""
    try:
        msgspec.convert(_with_ids(event, 0), EVENT_TYPES[event.stream], strict=True)
    except msgspec.ValidationError as error:
        text, _, field = str(error).partition(" - at `$.")
        where = (*path, field.rstrip("`")) if field else path
        raise document.error(where, text[:1].lower() + text[1:]) from None


def _with_ids(event: _Event, number: int) -> dict[str, object]:
    ids = {"event_id": f"e{number}", "event_time": event.at_ms}
    if event.stream is Stream.COMPLAINT:
        ids["complaint_id"] = f"k{number}"
    return {**ids, **event.fields}


def _step(events: list[_Event]) -> Step:
    """One step, a chunk for each stream, recorded when they happened."""
    chunks = []
    for stream in Stream:
        mine = [(n, event) for n, event in enumerate(events, 1) if event.stream is stream]
        if mine:
            chunks.append(
                Chunk(
                    stream=stream,
                    topic=stream.value,
                    partition=0,
                    offsets=[n for n, _ in mine],
                    recorded_ms=[event.at_ms for _, event in mine],
                    keys=[None] * len(mine),
                    values=[msgspec.json.encode(_with_ids(event, n)) for n, event in mine],
                )
            )
    return Step(max((event.at_ms for event in events), default=START_MS), chunks)


def _duration_ms(document: Document, path: Path, text: str) -> int:
    return document.duration_ms(path, text) if text else 0
