"""Peer: the same features, rules and trees, event by event in plain Python with river.

The work is the engine's own: every event is decoded and validated (msgspec, the same
structs), the demanded features are stepped, river's half-space trees score and learn the
same scaled inputs, a sorted list of the last scores gives the tail probability, every
rule's condition is evaluated as compiled Python, and signals go through the same fusion,
which is plain Python in both.  What the peer is spared: bounds on memory, late events,
dead letters, currencies, and the evidence of the rules that fired.  Python's garbage
collector is off while it runs, which makes it half as fast again: it leaves no cycles.
"""

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from river.anomaly import HalfSpaceTrees

from benchmarks.events import Record
from benchmarks.peer_conditions import Condition, compile_condition
from benchmarks.peer_features import Moment, State, Value, new_state
from benchmarks.peer_rules import PeerRules
from sentinel import alerting
from sentinel.detect.declare import Declaration, declare
from sentinel.detect.ranges import Range
from sentinel.detect.trees import TreesEntry
from sentinel.engine import Configuration
from sentinel.features import Feature
from sentinel.model.alert import Alert
from sentinel.model.columns import FIELDS, Column, Kind
from sentinel.model.document import parse
from sentinel.model.events import EVENT_TYPES, Event, Stream
from sentinel.model.signal import Signal

_REMEMBERED_SCORES = 10_000
_UNKNOWN = 0.5  # of a truth, as a number

Inputs = Callable[[Event], Any]


class RiverPeer:
    """One event at a time; :meth:`process` returns the values, signals and alerts of it."""

    def __init__(self, files: Mapping[str, str]) -> None:
        plan = Plan(files)
        self.names, self.outputs, self.rules = plan.names, plan.outputs, plan.declared_rules
        self._decoders = {
            stream: msgspec.json.Decoder(kind) for stream, kind in EVENT_TYPES.items()
        }
        self._customers: dict[str, list[State]] = {}
        self._features = plan.features
        self._wheres, self._feeds = plan.wheres, plan.feeds
        self._detectors = plan.detectors
        self._rules = plan.rules
        zone = ZoneInfo(parse(files["engine.yaml"], "engine.yaml").data["timezone"])
        self._now = Moment(zone)
        self._alerting = alerting.load(
            parse(files["tiers.yaml"], "tiers.yaml"),
            parse(files["suppression.yaml"], "suppression.yaml"),
            zone,
        )
        self._alerting.begin("peer")

    def process(self, record: Record) -> tuple[list[Value], list[Signal], list[Alert]]:
        """Take in one record."""
        stream = record.stream
        event = self._decoders[stream].decode(record.value)
        states = self._customers.get(event.customer_id)
        if states is None:
            states = [new_state(feature) for feature in self._features]
            self._customers[event.customer_id] = states
        now = self._now
        assert isinstance(event.event_time, int)
        now.move(event.event_time)
        values: list[Value] = [None] * len(self.names)
        holds = [where(event, values) for where in self._wheres[stream]]
        for at, where, read in self._feeds[stream]:
            values[at] = states[at].step(now, read(event) if where < 0 or holds[where] else None)
        for detector in self._detectors[stream]:
            detector.score(event, values)
        signals = self._rules.evaluate(stream, event, values)
        if not signals:
            return values, signals, []
        self._alerting.advance(event.event_time)
        self._alerting.process(signals)
        return values, signals, self._alerting.drain().alerts


class Plan:
    """What is computed on each stream, from the parsed configuration.

    ``names`` are the features and detector outputs in the order of the value list, ``index``
    where each stands.  ``wheres[stream]`` are the distinct conditions of features,
    ``feeds[stream]`` says for each feature its place, its condition's (-1: none) and what
    it reads off the event.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        configuration = Configuration.parse(files)
        stages = configuration.build()
        demand = {
            stream: stages.rules.demand.get(stream, frozenset())
            | stages.detectors.demand.get(stream, frozenset())
            for stream in Stream
        }
        wanted = frozenset[str]().union(*demand.values())
        declared = configuration.declarations.features
        self.features = [feature for feature in declared if feature.name in wanted]
        columns = {feature.name: feature.column for feature in declared}
        schema = {stream: {**fields, **columns} for stream, fields in FIELDS.items()}
        trees = [
            each
            for each in declare(parse(files["detectors.yaml"], "detectors.yaml"), schema)
            if wanted & {column.name for column in each.outputs}
        ]
        outputs = {column.name: column for each in trees for column in each.outputs}
        self.outputs = tuple(outputs)
        self.names = [*(feature.name for feature in self.features), *outputs]
        self.index = {name: at for at, name in enumerate(self.names)}
        schema = {stream: {**each, **outputs} for stream, each in schema.items()}
        self.declared_rules = stages.rules.rules
        rates = configuration.bounds.ingest.rates
        self.rules = PeerRules(self.declared_rules, schema, self.index, configuration.lists, rates)
        self.wheres: dict[Stream, list[Condition]] = {}
        self.feeds: dict[Stream, list[tuple[int, int, Inputs]]] = {}
        for stream in Stream:
            here = [each for each in self.features if stream in each.streams]
            texts = sorted({text for each in here for text in (each.after, each.where) if text})
            self.wheres[stream] = [compile_condition(text, FIELDS[stream], {}) for text in texts]
            # What came in first: of such a feature the outgoing amounts are negative.
            self.feeds[stream] = [
                (self.index[each.name], texts.index(each.after), _reader(each.fields))
                for each in here
                if each.after
            ]
            self.feeds[stream] += [
                (
                    self.index[each.name],
                    texts.index(each.where) if each.where and each in here else -1,
                    _read(each) if each in here else _nothing,
                )
                for each in self.features
                if each in here or each.name in demand[stream]
            ]
        self.detectors: dict[Stream, list[Trees]] = {
            stream: [
                Trees(each, schema[stream], self.index) for each in trees if each.entry.on is stream
            ]
            for stream in Stream
        }


def _nothing(_event: Event) -> None:
    return None


def _always(_event: Event) -> bool:
    return True


def _read(feature: Feature) -> Inputs:
    read = _reader(feature.fields)
    return (lambda event: -read(event)) if feature.after else read


def _reader(fields: Sequence[str]) -> Inputs:
    """What a feature takes off an event, None if it is not there."""
    if not fields:
        return _always
    if fields == ("amount",):  # a number or decimal text
        return lambda event: float(event.amount)  # type: ignore[union-attr]
    if len(fields) == 1:
        return attrgetter(fields[0])
    read = attrgetter(*fields)

    def all_or_nothing(event: Event) -> tuple[float, ...] | None:
        values: tuple[float, ...] = read(event)
        return None if None in values else values

    return all_or_nothing


class Trees:
    """river's half-space trees with the declared parameters, and the rank of each score."""

    def __init__(
        self, declaration: Declaration, columns: Mapping[str, Column], index: Mapping[str, int]
    ) -> None:
        entry = declaration.entry
        assert isinstance(entry, TreesEntry)
        self._model: Any = HalfSpaceTrees(
            n_trees=entry.n_trees, height=entry.height, window_size=entry.window, seed=entry.seed
        )
        self._inputs = [
            # river grows its trees over the sorted names: numbers keep the order declared
            (
                f"{number:02d}",
                index.get(name, -1),
                attrgetter(name),
                _UNKNOWN if columns[name].kind is Kind.TRUTH else None,
                _scale(within),
            )
            for number, (name, within) in enumerate(declaration.ranges.items())
        ]
        self._window, self._warm_up = entry.window, entry.calibration.warm_up
        self._seen = 0
        self._score_at, self._p_at = (index[column.name] for column in declaration.outputs)
        self._sorted: list[float] = []
        self._latest: deque[float] = deque()

    def score(self, event: Event, values: list[Value]) -> None:
        """Write the score and its p-value into ``values``, then learn."""
        x = {}
        for key, at, read, missing, scale in self._inputs:
            value = values[at] if at >= 0 else read(event)
            if value is None:
                value = missing
            if value is not None:
                x[key] = scale(value)
        if not self._seen:  # river grows its trees over the features of the first event
            x = {key: x.get(key, 0.0) for key, *_ in self._inputs}
        if self._seen >= self._window:
            score = self._model.score_one(x)
            values[self._score_at], values[self._p_at] = score, self._rank(score)
        self._model.learn_one(x)
        self._seen += 1

    def _rank(self, score: float) -> float | None:
        scores, n = self._sorted, len(self._sorted)
        p = (n - bisect_left(scores, score) + 1) / (n + 1) if n >= self._warm_up else None
        insort(scores, score)
        self._latest.append(score)
        if n == _REMEMBERED_SCORES:
            del scores[bisect_left(scores, self._latest.popleft())]
        return p


def _scale(within: Range) -> Callable[[float], float]:
    """Where in the range a value lies, 0 to 1."""
    if not within.log:
        low, width = within.low, within.high - within.low
        return lambda value: min(1.0, max(0.0, (value - low) / width))
    low = math.copysign(math.log1p(abs(within.low)), within.low)
    width = math.copysign(math.log1p(abs(within.high)), within.high) - low

    def on_logarithm(value: float) -> float:
        at = math.copysign(math.log1p(abs(value)), value)
        return min(1.0, max(0.0, (at - low) / width))

    return on_logarithm
