"""From declarations to tables: which words of the row each demanded feature has.

Only what somebody asks for is laid out, so a configuration with one rule costs the
memory and time of one rule.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentinel.features.declare import AGGREGATES, Declarations, Feature, Operation
from sentinel.features.kernels import calendar, motion, normal, recents, rhythm, rings
from sentinel.features.kernels.advance import Tables
from sentinel.features.kernels.conditions import ALWAYS, NEVER
from sentinel.features.local_time import DAY, MONTH, WEEK
from sentinel.model.document import ConfigError
from sentinel.model.events import Stream

_STREAMS = tuple(Stream)
_RING_BITS, _ALL_BITS = rings.STAMP_SHIFT, 62
_OPERATIONS = {
    Operation.COUNT: rings.COUNT,
    Operation.SUM: rings.SUM,
    Operation.MEAN: rings.MEAN,
    Operation.MAX: rings.MAX,
    Operation.MIN: rings.MIN,
}
_UNITS = {"day": DAY, "week": WEEK, "month": MONTH}


@dataclass(frozen=True, slots=True)
class Condition:
    """When a feature takes an event in: its ``where`` holds and its fields are there."""

    stream: Stream
    where: str | None
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a row that mean the same wherever ``meaning`` is the same: ``words`` from ``at``."""

    meaning: Hashable
    at: int
    words: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The tables of the kernels and what feeds them.

    ``bits`` gives each condition its bit; ``values`` and ``ids`` name the rows of the
    kernel's value and id matrices; ``outputs`` names the rows of its result, which the normals of
    the ``measuring`` follow.  ``pieces`` are the parts of a row but for the rings,
    ``busy_pieces`` those of a busy row.
    """

    tables: Tables
    bits: dict[Condition, int]
    values: tuple[str, ...]
    ids: tuple[str, ...]
    outputs: tuple[Feature, ...]
    measuring: tuple[Feature, ...]
    width: int
    busy_width: int
    pieces: tuple[Piece, ...]
    busy_pieces: tuple[Piece, ...]
    uses_local_time: bool


class _Builder:
    def __init__(self, declarations: Declarations, demand: Mapping[Stream, frozenset[str]]) -> None:
        self.declarations = declarations
        self.outputs = [
            feature
            for feature in declarations.features
            if any(feature.name in names for names in demand.values())
        ]
        self.demand = {
            feature.name: sum(
                1 << place
                for place, stream in enumerate(_STREAMS)
                if feature.name in demand.get(stream, frozenset())
            )
            for feature in self.outputs
        }
        self.bits: dict[Condition, int] = {}
        self.next_bit = {stream: {True: 0, False: _RING_BITS} for stream in Stream}
        self.values: list[str] = []
        self.ids: list[str] = []
        self.width = 1  # the first word is the busy slot
        self.busy_width = 1  # the first word links free rows
        self.pieces: list[Piece] = []
        self.busy_pieces: list[Piece] = []
        self.rows: dict[str, list[list[int]]] = defaultdict(list)
        self.ring_fields: dict[Stream, list[str]] = {}

    def take(self, words: int, meaning: Hashable = None) -> int:
        at, self.width = self.width, self.width + words
        if meaning is not None:
            self.pieces.append(Piece(meaning, at, words))
        return at

    def take_busy(self, words: int, meaning: Hashable) -> int:
        at, self.busy_width = self.busy_width, self.busy_width + words
        self.busy_pieces.append(Piece(meaning, at, words))
        return at

    def bit(self, stream: Stream, feature: Feature, *, in_ring: bool = False) -> int:
        condition = Condition(stream, feature.where, feature.fields)
        if condition.where is None and not condition.fields and not in_ring:
            return ALWAYS
        known = self.bits.get(condition)
        if known is not None and (known < _RING_BITS or not in_ring):
            return known
        bit = self.next_bit[stream][in_ring]
        if bit == (_RING_BITS if in_ring else _ALL_BITS):
            raise self._too_many(feature, stream)
        self.next_bit[stream][in_ring] += 1
        self.bits[condition] = bit
        return bit

    def _too_many(self, feature: Feature, stream: Stream) -> ConfigError:
        place = ("features", "customer", feature.name)
        return self.declarations.document.error(
            place,
            f"too many different conditions on {stream}",
            f"windows and calendars share {_RING_BITS}, other features {_ALL_BITS - _RING_BITS}",
        )

    def stream_bits(self, feature: Feature) -> list[int]:
        return [
            self.bit(stream, feature) if stream in feature.streams else NEVER for stream in _STREAMS
        ]

    def value(self, name: str) -> int:
        return _place(self.values, name)

    def add(self, table: str, *row: int) -> None:
        self.rows[table].append(list(row))

    def table(self, name: str, columns: int) -> NDArray[np.int64]:
        return np.array(self.rows[name], np.int64).reshape(-1, columns)

    def out(self, feature: Feature) -> tuple[int, int]:
        return self.outputs.index(feature), self.demand[feature.name]

    def tables(self) -> Tables:
        return Tables(
            rings=self.table("rings", rings.RING_COLUMN + rings.MAX_VALUES),
            windows=self.table("windows", 9),
            calendars=self.table("calendars", 9),
            sets=self.table("sets", 6),
            first_seen=self.table("first_seen", 4),
            distinct=self.table("distinct", 4),
            zscores=self.table("zscores", 8),
            since=self.table("since", 6),
            velocities=self.table("velocities", 8),
            rarities=self.table("rarities", 6),
        )

    def layout(self) -> Layout:
        return Layout(
            tables=self.tables(),
            bits=self.bits,
            values=tuple(self.values),
            ids=tuple(self.ids),
            outputs=tuple(self.outputs),
            measuring=tuple(each for each in self.outputs if each.operation is Operation.ZSCORE),
            width=self.width,
            busy_width=self.busy_width,
            pieces=tuple(self.pieces),
            busy_pieces=tuple(self.busy_pieces),
            uses_local_time=bool(self.rows["calendars"] or self.rows["rarities"]),
        )


def _place(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


def lay_out(declarations: Declarations, demand: Mapping[Stream, frozenset[str]]) -> Layout:
    """The layout of the demanded features; raises ConfigError where a table overflows."""
    build = _Builder(declarations, demand)
    _windows(build)
    gaps = _gaps(build)
    sets: dict[Hashable, int] = {}
    for feature in build.outputs:
        match feature.operation:
            case Operation.DISTINCT | Operation.FIRST_SEEN:
                _recent_values(build, sets, gaps, feature)
            case Operation.ZSCORE:
                _zscore(build, feature)
            case Operation.SINCE_LAST:
                _across_streams(build, "since", feature, motion.SINCE_WORDS)
            case Operation.VELOCITY:
                coordinates = [build.value(name) for name in feature.fields]
                _across_streams(build, "velocities", feature, motion.VELOCITY_WORDS, *coordinates)
            case Operation.HOUR_RARITY:
                _across_streams(build, "rarities", feature, rhythm.WORDS)
            case _ if feature.calendar is not None:
                _calendar(build, feature, _UNITS[feature.calendar])
    return build.layout()


def _windows(build: _Builder) -> None:
    """Rings and their windows: one series per condition, its windows shortest first."""
    for place, stream in enumerate(_STREAMS):
        aggregates = [
            feature
            for feature in build.outputs
            if feature.operation in AGGREGATES and feature.streams[0] is stream
        ]
        if not aggregates:
            build.add("rings", *([-1] * (rings.RING_COLUMN + rings.MAX_VALUES)))
            continue
        windows = [feature for feature in aggregates if feature.calendar is None]
        fields = build.ring_fields[stream] = _fields(build, aggregates)
        capacity = build.declarations.history[stream]
        at = build.take(rings.HEAD_WORDS + capacity * (1 + len(fields)))
        columns = [build.value(name) for name in fields] + [-1] * (rings.MAX_VALUES - len(fields))
        build.add("rings", at, capacity, len(fields), *columns)
        for series in _series(windows):
            for feature in series:
                value = fields.index(feature.fields[0]) if feature.fields else -1
                panes_at = build.take_busy(rings.PANE_WORDS, feature.meaning)
                out, demand = build.out(feature)
                build.add(
                    "windows",
                    place,
                    build.bit(stream, feature, in_ring=True),
                    value,
                    _OPERATIONS[feature.operation],
                    feature.span_ms,
                    panes_at,
                    out,
                    len(build.bits) * len(_STREAMS) + place,
                    demand,
                )


def _fields(build: _Builder, aggregates: Sequence[Feature]) -> list[str]:
    fields: list[str] = []
    for feature in aggregates:
        for name in feature.fields:
            _place(fields, name)
        if len(fields) > rings.MAX_VALUES:
            place = ("features", "customer", feature.name)
            raise build.declarations.document.error(
                place, f"aggregates on {feature.streams[0]} use more than {rings.MAX_VALUES} fields"
            )
    return fields


def _series(windows: Sequence[Feature]) -> list[list[Feature]]:
    """Features that take the same events and value, each list by window."""
    groups: dict[tuple[str | None, tuple[str, ...]], list[Feature]] = {}
    for feature in windows:
        groups.setdefault((feature.where, feature.fields), []).append(feature)
    return [sorted(group, key=lambda feature: feature.span_ms) for group in groups.values()]


def _calendar(build: _Builder, feature: Feature, unit: int) -> None:
    """An aggregate since the beginning of the local day, week or month."""
    stream = feature.streams[0]
    build.add(
        "calendars",
        _STREAMS.index(stream),
        build.bit(stream, feature, in_ring=True),
        build.value(feature.fields[0]) if feature.fields else -1,
        _OPERATIONS[feature.operation],
        unit,
        build.take(calendar.WORDS, feature.meaning),
        *build.out(feature),
        build.ring_fields[stream].index(feature.fields[0]) if feature.fields else -1,
    )


def _zscore(build: _Builder, feature: Feature) -> None:
    """A value against the customer's own normal, whose output follows those of all features."""
    stream = feature.streams[0]
    build.add(
        "zscores",
        _STREAMS.index(stream),
        build.bit(stream, feature),
        build.value(feature.fields[0]),
        build.take(normal.WORDS, feature.meaning),
        feature.span_ms,
        *build.out(feature),
        len(build.outputs) + len(build.rows["zscores"]),
    )


def _across_streams(build: _Builder, table: str, feature: Feature, words: int, *more: int) -> None:
    """A feature that events of several streams advance, with a bit for each stream."""
    bits = build.stream_bits(feature)
    build.add(table, *bits, build.take(words, feature.meaning), *build.out(feature), *more)


def _gaps(build: _Builder) -> dict[tuple[Condition, int], int]:
    """For each set of recent values the shortest time that somebody looks back."""
    gaps: dict[tuple[Condition, int], int] = {}
    for feature in build.outputs:
        if feature.operation in (Operation.DISTINCT, Operation.FIRST_SEEN):
            key = (Condition(feature.streams[0], feature.where, feature.fields), feature.keep)
            gaps[key] = min(gaps.get(key, feature.span_ms), feature.span_ms)
    return gaps


def _recent_values(
    build: _Builder,
    sets: dict[Hashable, int],
    gaps: Mapping[tuple[Condition, int], int],
    feature: Feature,
) -> None:
    """A question to a set of recent values: how many there are, or whether this one is new."""
    table = "distinct" if feature.operation is Operation.DISTINCT else "first_seen"
    place = _recent_set(build, sets, gaps, feature)
    build.add(table, place, feature.span_ms, *build.out(feature))


def _recent_set(
    build: _Builder,
    sets: dict[Hashable, int],
    gaps: Mapping[tuple[Condition, int], int],
    feature: Feature,
) -> int:
    """The set of recent values that a feature asks; features with equal wishes share it."""
    stream = feature.streams[0]
    wish = (Condition(stream, feature.where, feature.fields), feature.keep)
    key = (wish, gaps[wish])
    if key not in sets:
        sets[key] = len(sets)
        build.add(
            "sets",
            _STREAMS.index(stream),
            build.bit(stream, feature),
            _place(build.ids, feature.fields[0]),
            build.take(recents.WORDS * feature.keep, key),
            feature.keep,
            gaps[wish],
        )
    return sets[key]
