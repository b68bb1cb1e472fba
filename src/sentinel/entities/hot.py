"""Hot entities: the owner says which, and every shard's customer rules can ask how hot.

An entry counts in full for two minutes of event time after its moment, then fades evenly to
nothing in two more; while its rule goes on firing it is said again every half minute.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import Batch, Column, Kind
from sentinel.model.entity import ID_FIELDS, EntityKind
from sentinel.model.events import Stream
from sentinel.model.ids import hash_text
from sentinel.model.rollup import HotEntry
from sentinel.model.step import Chunk, Limit, RollupDrop

FULL_MS, GONE_MS = 120_000, 240_000
REPEAT_MS = 30_000
MOST = 65_536
_DECODER = msgspec.json.Decoder(HotEntry)

RISKS: Mapping[Stream, Mapping[str, EntityKind]] = {
    stream: {f"{kind}.risk": kind for kind in EntityKind if stream in ID_FIELDS[kind]}
    for stream in Stream
}
"""The columns that say how hot an event's entities are, by stream."""


def risk_columns(stream: Stream) -> dict[str, Column]:
    """The columns of :data:`RISKS` on a stream: 0 to 100, unknown where nothing is hot."""
    return {name: Column(name, Kind.NUMBER) for name in RISKS[stream]}


class Heat:
    """What an owner has said is hot, so that it does not say it at every row."""

    def __init__(self) -> None:
        self._said: OrderedDict[tuple[EntityKind, str], tuple[int, int]] = OrderedDict()
        self._limits: Counter[Limit] = Counter()

    def note(self, entry: HotEntry) -> bool:
        """Whether the entry has to be said: it is new, hotter, or was said a while ago."""
        key, at_ms = (entry.kind, entry.id), _ms(entry)
        risk, said_ms = self._said.get(key, (0, 0))
        if entry.risk <= risk and at_ms < said_ms + REPEAT_MS:
            return False
        self._said[key] = (entry.risk, at_ms)
        self._said.move_to_end(key)
        if len(self._said) > MOST:
            self._said.popitem(last=False)
            self._limits[Limit.HOT_ENTITIES] += 1
        return True

    def take_limits(self) -> Counter[Limit]:
        """What was forgotten for want of room since the last call."""
        limits, self._limits = self._limits, Counter()
        return limits

    def snapshot(self) -> bytes:
        """All that was said, longest ago first; equal state gives equal bytes."""
        return msgspec.msgpack.encode([(*key, *said) for key, said in self._said.items()])

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""
        entries = msgspec.msgpack.decode(data, type=list[tuple[EntityKind, str, int, int]])
        self._said = OrderedDict(((kind, id_), (risk, at_ms)) for kind, id_, risk, at_ms in entries)


class HotList:
    """The entities that are hot, of which a shard has been told; at most MOST."""

    def __init__(self, demand: Mapping[Stream, frozenset[str]]) -> None:
        self._demand = {
            stream: {name: kind for name, kind in RISKS[stream].items() if name in names}
            for stream, names in demand.items()
        }
        self._entries: OrderedDict[tuple[EntityKind, int], tuple[int, int]] = OrderedDict()
        self._tables: dict[EntityKind, tuple[NDArray[np.uint64], NDArray[np.float64]]] = {}
        self._drops: Counter[RollupDrop] = Counter()
        self._limits: Counter[Limit] = Counter()

    @property
    def field_demand(self) -> dict[Stream, frozenset[str]]:
        """The event fields that are read, by stream."""
        return {
            stream: frozenset(ID_FIELDS[kind][stream] for kind in columns.values())
            for stream, columns in self._demand.items()
        }

    def take(self, chunks: Sequence[Chunk]) -> None:
        """Take in what owners said, in the order of their records."""
        for chunk in chunks:
            for value in chunk.values:
                try:
                    entry = _DECODER.decode(value or b"")
                    self._note(entry)
                except (msgspec.DecodeError, UnicodeError):
                    self._drops[RollupDrop.MALFORMED] += 1

    def add_to(self, batch: Batch) -> None:
        """Give a batch its demanded columns: float64, NaN where an entity is not hot."""
        for stream, rows in batch.rows.items():
            for name, kind in self._demand[stream].items():
                hashes = rows.columns[ID_FIELDS[kind][stream]]
                rows.columns[name] = self._risk(
                    kind, hashes.view(np.uint64), rows.columns["event_time"].view(np.int64)
                )

    def take_counts(self) -> tuple[Counter[RollupDrop], Counter[Limit]]:
        """What was dropped and forgotten since the last call."""
        counts = self._drops, self._limits
        self._drops, self._limits = Counter(), Counter()
        return counts

    def __len__(self) -> int:
        """How many entities are held."""
        return len(self._entries)

    def _note(self, entry: HotEntry) -> None:
        key, at_ms = (entry.kind, hash_text(entry.id)), _ms(entry)
        if at_ms < self._entries.get(key, (0, 0))[1]:
            return
        self._entries[key] = (entry.risk, at_ms)
        self._entries.move_to_end(key)
        while self._oldest_ms() < at_ms - GONE_MS:
            self._entries.popitem(last=False)
        if len(self._entries) > MOST:
            self._entries.popitem(last=False)
            self._limits[Limit.HOT_ENTITIES] += 1
        self._tables.clear()

    def _oldest_ms(self) -> int:
        return next(iter(self._entries.values()))[1]

    def _risk(
        self, kind: EntityKind, hashes: NDArray[np.uint64], times: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        known, said = self._table(kind)
        risk = np.full(len(hashes), np.nan)
        if not len(known):
            return risk
        place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        hot = np.flatnonzero(known[place] == hashes)
        full, at_ms = said[place[hot]].T
        left = (GONE_MS - (times[hot] - at_ms)) / (GONE_MS - FULL_MS)
        risk[hot] = np.where(left > 0, full * np.minimum(left, 1.0), np.nan)
        return risk

    def _table(self, kind: EntityKind) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
        """The kind's hashes, ascending, and float64[n, 2], risk and moment of each."""
        if kind not in self._tables:
            mine = sorted((h, said) for (k, h), said in self._entries.items() if k is kind)
            self._tables[kind] = (
                np.array([h for h, _ in mine], np.uint64),
                np.array([said for _, said in mine], np.float64).reshape(-1, 2),
            )
        return self._tables[kind]

    def snapshot(self) -> bytes:
        """All entries, noted longest ago first; equal state gives equal bytes."""
        return msgspec.msgpack.encode([(*key, *said) for key, said in self._entries.items()])

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""
        entries = msgspec.msgpack.decode(data, type=list[tuple[EntityKind, int, int, int]])
        self._entries = OrderedDict(
            ((kind, hashed), (risk, at_ms)) for kind, hashed, risk, at_ms in entries
        )
        self._tables.clear()


def _ms(entry: HotEntry) -> int:
    """The entry's moment; owners write epoch milliseconds."""
    assert isinstance(entry.at, int)  # noqa: S101 - checked where it was decoded
    return entry.at
