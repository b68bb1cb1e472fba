"""Risky entities: their owner publishes them, and customer rules of every shard read the risk.

An entry counts for records that are appended from its moment on: in full for two minutes, then
fading linearly to nothing in two more.  While its rule goes on firing it is sent again every half
minute.
"""

from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.entities.shard_reports import EVERYTHING, NOTHING, ShardReports
from sentinel.model.columns import Batch, Column, Kind
from sentinel.model.entity import ID_FIELDS, EntityKind
from sentinel.model.events import Stream
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.reading import UNREADABLE
from sentinel.model.rollup import BEHIND_MS, EntityRisk, EntityRiskProgress
from sentinel.model.stage import WHOLE_STATE, Buffer, Parts
from sentinel.model.step import Chunk, Limit, RollupDrop
from sentinel.state import newest

FULL_MS, GONE_MS = 120_000, 240_000
_MOST_RISK = 100
REPEAT_MS = 30_000
MOST = 65_536
_ENTRY = msgspec.json.Decoder(EntityRisk)
_PROGRESS = msgspec.json.Decoder(EntityRiskProgress)
_PROGRESS_STARTS = b'{"owner"'

RISKS: Mapping[Stream, Mapping[str, EntityKind]] = {
    stream: {f"{kind}.risk": kind for kind in EntityKind if stream in ID_FIELDS[kind]}
    for stream in Stream
}
"""The columns of the risk of an event's entities, by stream."""


def risk_columns(stream: Stream) -> dict[str, Column]:
    """The columns of :data:`RISKS` on a stream: 0 to 100, unknown where nothing is risky."""
    return {name: Column(name, Kind.NUMBER) for name in RISKS[stream]}


class EntityRiskSender:
    """The entries that an owner has sent, so that it does not repeat them for every row.

    While a shard is behind, the owner also sends the stream time up to which its entries are
    complete, until that has passed the moment of the request.
    """

    def __init__(self) -> None:
        self._sent: OrderedDict[tuple[EntityKind, str], tuple[int, int]] = OrderedDict()
        self.limits: Counter[Limit] = Counter()
        self._asked_ms = self._until_ms = NOTHING

    def ask(self, wall_ms: int) -> None:
        """Note that at this wall-clock time a shard is behind."""
        self._asked_ms, self._until_ms = wall_ms, NOTHING

    def owes(self, until_ms: int) -> bool:
        """Whether the progress up to a stream time has to be sent."""
        return self._until_ms < min(self._asked_ms, until_ms)

    def tell(self, until_ms: int) -> int | None:
        """The stream time to send, up to which all entries are sent; None if no shard asked."""
        if not self.owes(until_ms):
            return None
        self._until_ms = until_ms
        return until_ms

    def note(self, entry: EntityRisk) -> bool:
        """Whether the entry has to be sent: it is new, riskier, or was sent a while ago."""
        key, at_ms = (entry.kind, entry.id), entry.at
        risk, sent_ms = self._sent.get(key, (0, 0))
        if entry.risk <= risk and at_ms < sent_ms + REPEAT_MS:
            return False
        self._sent[key] = (entry.risk, at_ms)
        self._sent.move_to_end(key)
        if len(self._sent) > MOST:
            self._sent.popitem(last=False)
            self.limits[Limit.ENTITY_RISKS] += 1
        return True

    def spot(self) -> bytes:
        """The entries that were sent last."""
        parts = newest(self._sent), self._asked_ms, self._until_ms
        return msgspec.msgpack.encode(parts)

    def carry(self, old: "EntityRiskSender") -> None:
        """Continue where ``old`` stands."""
        self.restore(old.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """All entries sent, the oldest first; equal state gives equal bytes."""
        entries = [(*key, *sent) for key, sent in self._sent.items()]
        return {WHOLE_STATE: msgspec.msgpack.encode((entries, self._asked_ms, self._until_ms))}

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave."""
        kind = tuple[list[tuple[EntityKind, str, int, int]], int, int]
        entries, self._asked_ms, self._until_ms = msgspec.msgpack.decode(
            bytes(parts[WHOLE_STATE]), type=kind
        )
        self._sent = OrderedDict(((kind, id_), (risk, at_ms)) for kind, id_, risk, at_ms in entries)


class EntityRiskCache:
    """The risky entities that a shard has read; at most MOST entries.

    Entries are kept until stream time has passed them, so a shard that catches up judges each
    record by what was risky when it was appended.
    """

    def __init__(self, demand: Mapping[Stream, frozenset[str]], hasher: Hasher = PLAIN) -> None:
        self._hasher = hasher
        self._demand = {
            stream: {name: kind for name, kind in RISKS[stream].items() if name in names}
            for stream, names in demand.items()
        }
        self._entries: dict[tuple[EntityKind, int], list[tuple[int, int]]] = {}  # by moment
        self._known: dict[EntityKind, NDArray[np.uint64]] = {}
        self._count, self._trimmed_ms = 0, 0
        self._owners = ShardReports()
        self._outage_ms: int | None = None
        self.dropped: Counter[RollupDrop] = Counter()
        self.limits: Counter[Limit] = Counter()

    @property
    def field_demand(self) -> dict[Stream, frozenset[str]]:
        """The event fields that are read, by stream."""
        return {
            stream: frozenset(ID_FIELDS[kind][stream] for kind in columns.values())
            for stream, columns in self._demand.items()
        }

    @property
    def is_asked(self) -> bool:
        """Whether any rule asks how risky an entity is."""
        return any(self._demand.values())

    def read(self, chunks: Sequence[Chunk], wall_ms: int | None = None) -> None:
        """Apply the records of owners in their order, at a wall-clock time."""
        for chunk in chunks:
            for value in chunk.values:
                try:
                    if value and value.startswith(_PROGRESS_STARTS):
                        progress = _PROGRESS.decode(value)
                        if progress.owner >= progress.owners:
                            raise msgspec.ValidationError(f"owner {progress.owner}")
                        self._owners.note(
                            progress.owner,
                            progress.owners,
                            progress.until,
                            wall_ms or 0,
                            is_behind=False,
                        )
                    else:
                        self._note(_ENTRY.decode(value or b""))
                except UNREADABLE:
                    self.dropped[RollupDrop.MALFORMED] += 1

    def note_outage(self, outage_ms: int | None, wall_ms: int) -> None:
        """Wait for owners in an outage since then, until all have sent their entries."""
        if self._outage_ms is not None and self.horizon_ms(wall_ms) == EVERYTHING:
            self._outage_ms = None
        if self._outage_ms is None:
            self._outage_ms = outage_ms

    def horizon_ms(self, wall_ms: int) -> int:
        """The append time up to which all entity risks are known; far ahead without an outage."""
        if self._outage_ms is None:
            return EVERYTHING
        reached_ms = min(self._owners.waited_until(self._outage_ms, wall_ms), default=EVERYTHING)
        return EVERYTHING if reached_ms >= self._outage_ms - BEHIND_MS else reached_ms

    def forget_before(self, stream_ms: int) -> None:
        """Drop what has faded by a stream time, in half minutes: cuts do not matter."""
        trimmed_ms = stream_ms // REPEAT_MS * REPEAT_MS
        if trimmed_ms > self._trimmed_ms:
            self._trimmed_ms = trimmed_ms
            self._drop_before(trimmed_ms - GONE_MS)

    def _drop_before(self, gone_ms: int) -> int:
        """Drop the entries of earlier moments; how many."""
        before = self._count
        for key in [key for key, risks in self._entries.items() if risks[0][0] < gone_ms]:
            kept = [each for each in self._entries[key] if each[0] >= gone_ms]
            self._count -= len(self._entries[key]) - len(kept)
            if kept:
                self._entries[key] = kept
            else:
                del self._entries[key]
        self._known.clear()
        return before - self._count

    def add_to(self, batch: Batch) -> None:
        """Give a batch its demanded columns: float64, NaN where an entity is not risky."""
        for stream, rows in batch.rows.items():
            for name, kind in self._demand[stream].items():
                hashes = rows.columns[ID_FIELDS[kind][stream]]
                rows.columns[name] = self._risk(kind, hashes.view(np.uint64), rows.recorded_ms)

    def spot(self) -> bytes:
        """How many risks are held, and the progress of the owners."""
        rest = self._trimmed_ms, self._owners.snapshot(), self._outage_ms
        return msgspec.msgpack.encode((self._count, *rest))

    def __len__(self) -> int:
        """How many entries are held."""
        return self._count

    def _note(self, entry: EntityRisk) -> None:
        key, risk = (entry.kind, self._hasher.text(entry.id)), (entry.at, entry.risk)
        mine = self._entries.setdefault(key, [])
        if not mine:
            self._known.clear()
        index = bisect_right(mine, risk)
        if index and mine[index - 1] == risk:
            return
        mine.insert(index, risk)
        self._count += 1
        if self._count > MOST:  # an eighth at once, so that it is seldom
            moments = sorted(at_ms for mine in self._entries.values() for at_ms, _ in mine)
            self.limits[Limit.ENTITY_RISKS] += self._drop_before(moments[MOST // 8] + 1)

    def _risk(
        self, kind: EntityKind, hashes: NDArray[np.uint64], appended_ms: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        risk = np.full(len(hashes), np.nan)
        known = self._hashes(kind)
        if not len(known):
            return risk
        index = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        for row in np.flatnonzero(known[index] == hashes).tolist():
            at_ms = int(appended_ms[row])
            risks = self._entries[kind, int(hashes[row])]
            found = bisect_right(risks, (at_ms, _MOST_RISK))
            if found:
                since_ms, full = risks[found - 1]
                left = (GONE_MS - (at_ms - since_ms)) / (GONE_MS - FULL_MS)
                risk[row] = full * min(left, 1.0) if left > 0 else np.nan
        return risk

    def _hashes(self, kind: EntityKind) -> NDArray[np.uint64]:
        """The hashes of the kind's risky entities, ascending."""
        if kind not in self._known:
            mine = sorted(hashed for each, hashed in self._entries if each is kind)
            self._known[kind] = np.array(mine, np.uint64)
        return self._known[kind]

    def carry(self, old: "EntityRiskCache") -> None:
        """Continue where ``old`` stands."""
        self.restore(old.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """All entries and the progress of owners; equal state gives equal bytes."""
        entries = sorted((*key, risks) for key, risks in self._entries.items())
        rest = self._trimmed_ms, self._owners.snapshot(), self._outage_ms
        return {WHOLE_STATE: msgspec.msgpack.encode((entries, *rest))}

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave."""
        kind = tuple[list[tuple[EntityKind, int, list[tuple[int, int]]]], int, bytes, int | None]
        decoded = msgspec.msgpack.decode(bytes(parts[WHOLE_STATE]), type=kind)
        entries, self._trimmed_ms, owners, self._outage_ms = decoded
        self._entries = {(kind, hashed): risks for kind, hashed, risks in entries}
        self._count = sum(map(len, self._entries.values()))
        self._known.clear()
        self._owners.restore(owners)
