"""What a risk engineer writes in features.yaml of entities that customers share, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from sentinel.model.columns import FIELDS, Column, Kind
from sentinel.model.document import ConfigError, Document, did_you_mean
from sentinel.model.entity import ID_FIELDS, EntityKind
from sentinel.model.events import Stream
from sentinel.model.response import Verdict

MAX_MEASURES = 64
SHORTEST_MS, LONGEST_MS = 60_000, 7 * 86_400_000
CUSTOMER_ID = "customer_id"


class Operation(StrEnum):
    """What a measure computes; the value is the key that declares it."""

    COUNT = "count"
    SUM = "sum"
    DISTINCT = "distinct"


class _Entry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    on: Stream
    count: bool | None = None
    sum: str | None = None
    distinct: str | None = None
    where: str | None = None
    verdict: Verdict | None = None
    window: str


class _Kinds(Struct, frozen=True):
    """One entry for each kind; the customer's are not read here."""

    device: dict[str, _Entry] = {}
    ip: dict[str, _Entry] = {}
    merchant: dict[str, _Entry] = {}
    counterparty: dict[str, _Entry] = {}
    product: dict[str, _Entry] = {}
    branch: dict[str, _Entry] = {}
    channel: dict[str, _Entry] = {}
    bank: dict[str, _Entry] = {}


class _File(Struct, frozen=True):
    features: _Kinds


@dataclass(frozen=True, slots=True)
class Measure:
    """One declared measure; ``field`` is what a sum adds up, None for the others.

    With a ``verdict`` it measures the transactions that were found to be so, when they were.
    """

    kind: EntityKind
    name: str
    operation: Operation
    stream: Stream
    field: str | None
    where: str | None
    verdict: Verdict | None
    window_ms: int

    @property
    def column(self) -> Column:
        """The column that conditions see; it is always there."""
        return Column(self.name, Kind.NUMBER, required=True)


@dataclass(frozen=True, slots=True)
class Measures:
    """All measures by kind, in the order of the file."""

    by_kind: Mapping[EntityKind, tuple[Measure, ...]]
    document: Document

    def columns(self, kind: EntityKind) -> dict[str, Column]:
        """The names that a rule ``by`` this kind may use."""
        return {measure.name: measure.column for measure in self.by_kind[kind]}


def declare(document: Document) -> Measures:
    """Read the shared entities' part of features.yaml; raises ConfigError."""
    file = document.convert(_File)
    by_kind = {}
    for kind in EntityKind:
        entries: dict[str, _Entry] = getattr(file.features, kind)
        if len(entries) > MAX_MEASURES:
            raise document.error(("features", kind), f"more than {MAX_MEASURES} measures")
        by_kind[kind] = tuple(
            _measure(document, kind, name, entry) for name, entry in entries.items()
        )
    return Measures(by_kind, document)


def _measure(document: Document, kind: EntityKind, name: str, entry: _Entry) -> Measure:
    path = ("features", kind, name)
    if not name.isidentifier():
        line, column = document.key_position(*path)
        raise ConfigError(document.path, line, column, f'"{name}" is not a plain name')
    given = [each for each in Operation if getattr(entry, each.value) not in (None, False)]
    if len(given) != 1:
        words = ", ".join(given) if given else "none"
        message = f"a measure computes one thing, here: {words}"
        raise document.error(path, message, "one of " + ", ".join(Operation))
    streams = ID_FIELDS[kind] or dict.fromkeys(Stream)
    if entry.on not in streams:
        message = f"a {entry.on} names no {kind}"
        raise document.error((*path, "on"), message, " or ".join(streams))
    if entry.distinct not in (None, CUSTOMER_ID):
        raise document.error((*path, "distinct"), f"distinct counts {CUSTOMER_ID} only")
    if entry.verdict is not None:
        _check_verdict(document, path, entry)
    if entry.sum is not None:
        _check_number(document, (*path, "sum"), entry.on, entry.sum)
    window_ms = document.duration_ms((*path, "window"), entry.window)
    if not SHORTEST_MS <= window_ms <= LONGEST_MS:
        raise document.error((*path, "window"), "a window of shared entities is 1m to 7d")
    return Measure(kind, name, given[0], entry.on, entry.sum, entry.where, entry.verdict, window_ms)


def _check_verdict(document: Document, path: tuple[str, ...], entry: _Entry) -> None:
    """Of a transaction that waits for its verdict only its amount is known."""
    if entry.on is not Stream.TRANSACTION:
        raise document.error((*path, "on"), "verdicts are measured on transactions")
    if entry.where is not None:
        raise document.error((*path, "where"), "a measure of verdicts takes no where")
    if entry.distinct is not None or entry.sum not in (None, "amount"):
        key = "distinct" if entry.distinct is not None else "sum"
        raise document.error((*path, key), "verdicts are counted, or their amount summed")


def _check_number(document: Document, path: tuple[str, ...], stream: Stream, name: str) -> None:
    column = FIELDS[stream].get(name)
    if column is None:
        message = f'{stream} has no field "{name}"'
        raise document.error(path, message, did_you_mean(name, FIELDS[stream]))
    if column.kind is not Kind.NUMBER:
        raise document.error(path, f"sum takes a number; {name} is a {column.kind}")
