"""What a risk engineer writes in features.yaml, checked."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from msgspec import Struct

from sentinel.model.columns import FIELDS, Column, Kind
from sentinel.model.document import ConfigError, Document, did_you_mean
from sentinel.model.duration import parse_duration
from sentinel.model.events import Stream

MAX_FEATURES = 256
MAX_HISTORY = 256
MAX_KEEP = 64


class Operation(StrEnum):
    """What a feature computes; the value is the key that declares it."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MAX = "max"
    MIN = "min"
    DISTINCT = "distinct"
    FIRST_SEEN = "first_seen"
    ZSCORE = "zscore"
    VELOCITY = "velocity"
    SINCE_LAST = "since_last"
    HOUR_RARITY = "hour_rarity"


AGGREGATES = (Operation.COUNT, Operation.SUM, Operation.MEAN, Operation.MAX, Operation.MIN)
_MANY_STREAMS = (Operation.VELOCITY, Operation.SINCE_LAST, Operation.HOUR_RARITY)
_SPAN = {
    Operation.DISTINCT: "window",
    Operation.FIRST_SEEN: "memory",
    Operation.ZSCORE: "halflife",
}
_TAKES = {
    Operation.DISTINCT: Kind.STRING,
    Operation.FIRST_SEEN: Kind.STRING,
}
_KEEP_BY_DEFAULT = 8


class _Entry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    on: Stream | list[Stream]
    count: bool | None = None
    sum: str | None = None
    mean: str | None = None
    max: str | None = None
    min: str | None = None
    distinct: str | None = None
    first_seen: str | None = None
    zscore: str | None = None
    velocity: list[str] | None = None
    since_last: bool | None = None
    hour_rarity: bool | None = None
    where: str | None = None
    window: str | None = None
    calendar: str | None = None
    memory: str | None = None
    halflife: str | None = None
    keep: int | None = None


class _Features(Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's features; those of shared entities are read by ``sentinel.entities``."""

    customer: dict[str, _Entry]
    device: dict[str, Any] = {}
    ip: dict[str, Any] = {}
    merchant: dict[str, Any] = {}
    counterparty: dict[str, Any] = {}
    product: dict[str, Any] = {}
    branch: dict[str, Any] = {}
    channel: dict[str, Any] = {}
    bank: dict[str, Any] = {}


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    features: _Features
    history: dict[Stream, int] = {}


@dataclass(frozen=True, slots=True)
class Feature:
    """One declared feature; ``span_ms`` is its window, memory or half-life."""

    name: str
    operation: Operation
    streams: tuple[Stream, ...]
    fields: tuple[str, ...]
    where: str | None
    span_ms: int
    calendar: str | None
    keep: int

    @property
    def meaning(self) -> "Feature":
        """All but the name: features of one meaning have one state."""
        return replace(self, name="")

    @property
    def column(self) -> Column:
        """The column that conditions see."""
        unit = {Operation.SINCE_LAST: "s", Operation.VELOCITY: "km/h"}.get(self.operation, "")
        kind = Kind.TRUTH if self.operation is Operation.FIRST_SEEN else Kind.NUMBER
        sure = self.operation in (Operation.COUNT, Operation.SUM) and self.calendar is None
        measures = self.fields[0] if self.operation is Operation.ZSCORE else ""
        return Column(self.name, kind, required=sure, unit=unit, measures=measures)


@dataclass(frozen=True, slots=True)
class Declarations:
    """All features of the customer, and how many events each stream's ring holds."""

    features: tuple[Feature, ...]
    history: dict[Stream, int]
    document: Document

    def place(self, feature: Feature, key: str) -> tuple[str, ...]:
        """Where in the document a key of a feature stands."""
        return ("features", "customer", feature.name, key)


def declare(document: Document) -> Declarations:
    """Read features.yaml; raises ConfigError."""
    file = document.convert(_File)
    history = {stream: file.history.get(stream, 32) for stream in Stream}
    for stream, events in history.items():
        if not 1 <= events <= MAX_HISTORY:
            raise document.error(("history", stream), f"history is 1 to {MAX_HISTORY} events")
    entries = file.features.customer
    if len(entries) > MAX_FEATURES:
        raise document.error(("features", "customer"), f"more than {MAX_FEATURES} features")
    features = tuple(_feature(document, name, entry) for name, entry in entries.items())
    return Declarations(features, history, document)


def _feature(document: Document, name: str, entry: _Entry) -> Feature:
    place = ("features", "customer", name)
    if not name.isidentifier() or any(name in fields for fields in FIELDS.values()):
        line, column = document.key_position(*place)
        raise ConfigError(
            document.path, line, column, f'"{name}" is a field of an event or not a plain name'
        )
    given = [each for each in Operation if getattr(entry, each.value) not in (None, False)]
    if len(given) != 1:
        words = ", ".join(given) if given else "none"
        raise document.error(
            place, f"a feature computes one thing, here: {words}", "one of " + ", ".join(Operation)
        )
    operation = given[0]
    streams = tuple(entry.on) if isinstance(entry.on, list) else (entry.on,)
    if not streams or (len(streams) > 1 and operation not in _MANY_STREAMS):
        raise document.error((*place, "on"), f"{operation} is computed on one stream")
    fields = _fields(document, place, operation, streams, entry)
    if operation in AGGREGATES and (entry.window is None) == (entry.calendar is None):
        raise document.error(place, f"{operation} needs a window or a calendar period")
    if entry.calendar not in (None, "day", "week", "month"):
        raise document.error(
            (*place, "calendar"),
            f'no calendar period "{entry.calendar}"',
            did_you_mean(entry.calendar, ["day", "week", "month"]) or "day, week or month",
        )
    keep = _KEEP_BY_DEFAULT if entry.keep is None else entry.keep
    if not 1 <= keep <= MAX_KEEP:
        raise document.error((*place, "keep"), f"keep is 1 to {MAX_KEEP} values")
    allowed = _allowed(operation)
    for key in ("window", "calendar", "memory", "halflife", "keep"):
        if getattr(entry, key) is not None and key not in allowed:
            raise document.error((*place, key), f"{operation} takes no {key}")
    return Feature(
        name,
        operation,
        streams,
        fields,
        entry.where,
        _span_ms(document, place, operation, entry),
        entry.calendar,
        keep,
    )


def _allowed(operation: Operation) -> set[str]:
    if operation in AGGREGATES:
        return {"window", "calendar"}
    keys = {_SPAN[operation]} if operation in _SPAN else set()
    return keys | {"keep"} if operation in _TAKES else keys


def _fields(
    document: Document,
    place: tuple[str, ...],
    operation: Operation,
    streams: tuple[Stream, ...],
    entry: _Entry,
) -> tuple[str, ...]:
    value = getattr(entry, operation.value)
    if value is True:
        return ()
    names = tuple(value) if isinstance(value, list) else (value,)
    where = (*place, operation.value)
    if operation is Operation.VELOCITY and len(names) != 2:
        raise document.error(where, "velocity takes [latitude, longitude]")
    wanted = _TAKES.get(operation, Kind.NUMBER)
    for stream in streams:
        for name in names:
            column = FIELDS[stream].get(name)
            if column is None:
                raise document.error(
                    where, f'{stream} has no field "{name}"', did_you_mean(name, FIELDS[stream])
                )
            if column.kind is not wanted:
                raise document.error(
                    where, f"{operation} takes a {wanted} field; {name} is a {column.kind}"
                )
    return names


def _span_ms(
    document: Document, place: tuple[str, ...], operation: Operation, entry: _Entry
) -> int:
    if entry.calendar is not None:
        return 0
    key = "window" if operation in AGGREGATES else _SPAN.get(operation)
    if key is None:
        return 0
    text = getattr(entry, key)
    if text is None:
        raise document.error(place, f"{operation} needs a {key}", f"{key}: 7d")
    try:
        return parse_duration(text)
    except ValueError as error:
        raise document.error((*place, key), str(error)) from None
