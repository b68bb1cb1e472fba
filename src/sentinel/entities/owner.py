"""At the owner: rollup rows of many shards become the state of each shared entity."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sentinel.entities.kernels import absorb
from sentinel.entities.layout import (
    HASH,
    NEWEST,
    PANE,
    PANE_MS,
    RECORDED,
    STREAM_BITS,
    STREAM_MASK,
    KindLayout,
    Layout,
)
from sentinel.entities.rows import RollupRows
from sentinel.entities.wire import Part, Rollup, decode
from sentinel.model.events import LAST_MOMENT_MS, Stream
from sentinel.model.reading import UNREADABLE
from sentinel.model.rollup import EntityRows
from sentinel.model.stage import Buffer
from sentinel.model.step import Chunk, Limit, RollupDrop
from sentinel.state import Slots, copied

_STREAMS = tuple(Stream)
_VERSION, _SLAB = "version", "slab"
_LAG_MS = 86_400_000
"""How far one shard's rows may lie behind another's and still find the state of their entity."""
_SPOT_ROWS = 1_000  # rows of a step, the last, whose entities a spot check covers

# Kernels compute ring positions from them: a pane of 2**62 would be in another entity's ring.
_RANGES = (
    (PANE, 1, LAST_MOMENT_MS // PANE_MS + 1),
    (NEWEST, 0, LAST_MOMENT_MS << STREAM_BITS | STREAM_MASK),
    (RECORDED, 0, LAST_MOMENT_MS),
)


class _Ids(Sequence[str]):
    """Ids that are decoded on access, as few are read."""

    def __init__(self, text: bytes, ends: NDArray[np.int64]) -> None:
        self._text, self._ends = text, ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> str:  # type: ignore[override]
        start = self._ends[row - 1] if row else 0
        return self._text[start : self._ends[row]].decode("utf-8", "replace")


class _Kind:
    """The entities of one kind: their slots, and the slab of their rings."""

    def __init__(self, layout: KindLayout, capacity: int) -> None:
        self.layout = layout
        self.slots = Slots(capacity, layout.longest_ms + _LAG_MS)
        self.slab = np.zeros(capacity * layout.slot_width, np.int64)
        self.touched: NDArray[np.int64] = np.zeros(0, np.int64)
        """The slots of the rows that the last step applied."""

    def spot(self) -> bytes:
        """How many entities there are, and the words of those that were touched last."""
        words = self.slab.reshape(-1, self.layout.slot_width)[self.touched].tobytes()
        return len(self.slots).to_bytes(8, "little") + words


class Owner:
    """All shared entities that one shard owns, at most ``capacity`` of each kind.

    The state of an entity depends on its rows and not on their order, cuts, or the
    shards that they came from; only what is evicted at capacity depends on the order.
    """

    def __init__(self, layout: Layout, capacity: int) -> None:
        self._kinds = {each.kind: _Kind(each, capacity) for each in layout.kinds}
        self.dropped: Counter[RollupDrop] = Counter()
        self.limits: Counter[Limit] = Counter()

    def read(self, chunks: Sequence[Chunk]) -> list[tuple[Rollup, list[RollupRows]]]:
        """The records of chunks in their order, each with its rows that can be applied."""
        found = []
        for chunk in chunks:
            for value in chunk.values:
                try:
                    rollup = decode(value or b"")
                except UNREADABLE:
                    self.dropped[RollupDrop.MALFORMED] += 1
                    continue
                parts = [rows for part in rollup.parts if (rows := self._rows(part)) is not None]
                found.append((rollup, parts))
        return found

    def apply(self, parts: Sequence[RollupRows]) -> list[EntityRows]:
        """Apply rows in their order; returns the measures of their entities after each."""
        for kind in self._kinds.values():
            kind.touched = kind.touched[:0]
        return [rows for part in parts if (rows := self._applied(part)) is not None]

    @property
    def has_kinds(self) -> bool:
        """Whether any kind of entity is measured."""
        return bool(self._kinds)

    def __len__(self) -> int:
        """How many entities are held."""
        return sum(len(each.slots) for each in self._kinds.values())

    def _rows(self, part: Part) -> RollupRows | None:
        kind = self._kinds.get(part.kind)
        if kind is None or part.version != kind.layout.version:
            self.dropped[RollupDrop.LAYOUT] += 1
            return None
        layout = kind.layout
        if len(part.rows) % (8 * layout.width) or len(part.ends) % 4:
            self.dropped[RollupDrop.MALFORMED] += 1
            return None
        rows = np.frombuffer(part.rows, "<i8").reshape(-1, layout.width)
        ends = np.frombuffer(part.ends, "<i4").astype(np.int64)
        if not _fits(rows, ends, part.text):
            self.dropped[RollupDrop.MALFORMED] += 1
            return None
        return RollupRows(part.kind, part.version, rows, ends, part.text)

    def _applied(self, part: RollupRows) -> EntityRows | None:
        kind = self._kinds.get(part.kind)
        if kind is None or part.version != kind.layout.version:  # it waited, and they changed
            self.dropped[RollupDrop.LAYOUT] += 1
            return None
        layout, rows = kind.layout, part.rows
        event_time = rows[:, NEWEST] >> STREAM_BITS
        keys = np.ascontiguousarray(rows[:, HASH]).view(np.uint64)
        slots, fresh, evictions = kind.slots.assign(keys, event_time)
        kind.touched = np.concatenate((kind.touched, slots))[-_SPOT_ROWS:]
        out = np.empty((len(layout.measures), len(rows)))
        late = absorb(rows, slots, fresh, layout.measures, kind.slab, layout.slot_width, out)
        if late:
            self.dropped[RollupDrop.LATE] += late
        if evictions.full:
            self.limits[Limit.ENTITIES] += evictions.full
        return EntityRows(
            part.kind,
            _Ids(part.text, part.ends),
            dict(zip(layout.names, out, strict=True)),
            event_time,
            rows[:, RECORDED],
            rows[:, NEWEST] & STREAM_MASK,
            (rows[:, PANE] - 1) * PANE_MS,
        )

    def carry(self, old: "Owner") -> None:
        """Go on with the kinds that are measured as before; the others are new."""
        self.restore(old.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """Every kind's entities, by the name of the part; equal state gives equal bytes."""
        parts: dict[str, Buffer] = {}
        for kind, each in self._kinds.items():
            slab = copied(each.slab[: each.slots.highest * each.layout.slot_width])
            values = {_VERSION: each.layout.version, _SLAB: slab, **each.slots.snapshot()}
            parts |= {f"{kind}.{name}": value for name, value in values.items()}
        return parts

    def spot(self) -> bytes:
        """The entities of the rows that the last step applied."""
        return b"".join(each.spot() for each in self._kinds.values())

    def restore(self, parts: Mapping[str, Buffer]) -> None:
        """Continue from what :meth:`snapshot` gave; kinds that are measured otherwise are new."""
        for kind, mine in self._kinds.items():
            own = {
                name.removeprefix(f"{kind}."): part
                for name, part in parts.items()
                if name.startswith(f"{kind}.")
            }
            if bytes(own.get(_VERSION, b"")) != mine.layout.version:
                continue
            mine.slots.restore(own)
            rings = np.frombuffer(own[_SLAB], np.int64)
            # Fresh zeros are not in memory until they are written to.
            mine.slab = np.zeros(len(mine.slab), np.int64)
            mine.slab[: len(rings)] = rings


def _fits(rows: NDArray[np.int64], ends: NDArray[np.int64], text: bytes) -> bool:
    """Whether rows and texts match, and every number is in its range."""
    return (
        len(rows) == len(ends) > 0
        and ends[-1] == len(text)
        and bool((np.diff(ends, prepend=0) >= 0).all())
        and all(_between(rows[:, word], first, last) for word, first, last in _RANGES)
        and bool((rows[:, NEWEST] & STREAM_MASK < len(_STREAMS)).all())
    )


def _between(numbers: NDArray[np.int64], first: int, last: int) -> bool:
    return bool(numbers.min() >= first and numbers.max() <= last)
