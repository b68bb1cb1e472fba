"""Allocates what features need of a layout: words of the row, conditions, records of tables."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sentinel.features.kernels.conditions import ALL_BITS, ALWAYS, NEVER, RING_BITS
from sentinel.features.kind import Feature, Table
from sentinel.model.document import ConfigError, Document
from sentinel.model.events import Stream

STREAMS = tuple(Stream)


@dataclass(frozen=True, slots=True)
class Condition:
    """When a feature counts an event: its ``where`` holds and its fields are present."""

    stream: Stream
    where: str | None
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a row that mean the same wherever ``meaning`` is the same: ``words`` from ``at``."""

    meaning: Hashable
    at: int
    words: int


class Builder:
    """The layout of the demanded ``outputs`` while it grows.

    ``demand`` has a bit for each stream whose rules or detectors read a feature, by its name;
    ``history`` is how many events each stream's ring holds.
    """

    def __init__(
        self,
        outputs: Sequence[Feature],
        demand: Mapping[Stream, frozenset[str]],
        history: Mapping[Stream, int],
        document: Document,
    ) -> None:
        self.outputs, self.history = outputs, history
        self.bits: dict[Condition, int] = {}
        self.values: list[str] = []
        self.ids: list[str] = []
        self.width = 1  # the first word is the overflow row
        self.overflow_width = 1  # the first word links free rows
        self.pieces: list[Piece] = []
        self.overflow_pieces: list[Piece] = []
        self.measuring: list[Feature] = []
        self.shared: dict[Hashable, int] = {}  # indices of records that several features use
        self.ring_fields: dict[Stream, list[str]] = {}
        self._demand, self._document = demand, document
        self._next_bit = {stream: {True: 0, False: RING_BITS} for stream in Stream}
        self._records: dict[str, list[dict[str, int | Sequence[int]]]] = defaultdict(list)

    def words(self, count: int, meaning: Hashable = None) -> int:
        """Allocate words of the row; returns the index of the first."""
        at, self.width = self.width, self.width + count
        if meaning is not None:
            self.pieces.append(Piece(meaning, at, count))
        return at

    def overflow_words(self, count: int, meaning: Hashable) -> int:
        """Allocate words of the overflow row; returns the index of the first."""
        at, self.overflow_width = self.overflow_width, self.overflow_width + count
        self.overflow_pieces.append(Piece(meaning, at, count))
        return at

    def bit(self, feature: Feature, stream: Stream, *, in_ring: bool = False) -> int:
        """The bit of the condition on which a feature counts an event of ``stream``.

        A bit ``in_ring`` is stored with the events of the ring.
        """
        condition = Condition(stream, feature.where, feature.fields)
        if condition.where is None and not condition.fields and not in_ring:
            return ALWAYS
        known = self.bits.get(condition)
        if known is not None and (known < RING_BITS or not in_ring):
            return known
        bit = self._next_bit[stream][in_ring]
        if bit == (RING_BITS if in_ring else ALL_BITS):
            raise self.error(
                feature,
                f"too many different conditions on {stream}",
                f"windows and calendars share {RING_BITS}, other features {ALL_BITS - RING_BITS}",
            )
        self._next_bit[stream][in_ring] += 1
        self.bits[condition] = bit
        return bit

    def stream_bits(self, feature: Feature) -> list[int]:
        """The bit of a feature's condition on each stream, NEVER where it counts no events."""
        return [
            self.bit(feature, stream) if stream in feature.streams else NEVER for stream in STREAMS
        ]

    def value(self, name: str) -> int:
        """The row of a number field in the kernel's matrix of values."""
        return index_of(name, self.values)

    def id(self, name: str) -> int:
        """The row of a text field in the kernel's matrix of hashes."""
        return index_of(name, self.ids)

    def out(self, feature: Feature) -> dict[str, int]:
        """The columns ``out``, row of the result, and ``demand``, a bit for each stream."""
        demand = sum(
            1 << index
            for index, stream in enumerate(STREAMS)
            if feature.name in self._demand.get(stream, frozenset())
        )
        return {"out": self.outputs.index(feature), "demand": demand}

    def normal(self, feature: Feature) -> int:
        """The row of the result for a feature's normal; these rows follow all outputs."""
        self.measuring.append(feature)
        return len(self.outputs) + len(self.measuring) - 1

    def add(self, table: str, **record: int | Sequence[int]) -> int:
        """Append a record to a table; returns its index."""
        self._records[table].append(record)
        return len(self._records[table]) - 1

    def table(self, name: str, dtype: np.dtype[np.void]) -> Table:
        """A table's records in the order in which they were added."""
        names = dtype.names or ()
        records = [tuple(record[each] for each in names) for record in self._records[name]]
        return np.array(records, dtype)

    def error(self, feature: Feature, message: str, hint: str = "") -> ConfigError:
        """What is wrong with a feature that cannot be laid out."""
        return self._document.error(("features", "customer", feature.name), message, hint)


def index_of(name: str, names: list[str]) -> int:
    """The index of ``name``, which is appended if it is new."""
    if name not in names:
        names.append(name)
    return names.index(name)
