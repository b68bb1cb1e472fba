"""Events that come twice: the first counts, the same again is dropped.

A producer that is not idempotent may send an event again, and a source system may export it
again.  An event is known by its stream, customer and event_id; so many of the newest are
remembered, in an open-addressing table (linear probing with backward-shift deletion, Knuth,
TAOCP 3, 6.4 R) over a ring in order of arrival.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.decode import Decoded
from sentinel.model.columns import Array
from sentinel.model.ids import finish
from sentinel.model.kernel import kernel

_EMPTY = -1
_NEXT, _HELD = 0, 1  # places in the head: where the next goes, how many there are


@kernel
def _find(table: NDArray[np.int32], ring: NDArray[np.int64], key: int) -> int:
    """Where ``key`` stands in the table, or the empty place where it would go."""
    mask = len(table) - 1
    place = key & mask
    while table[place] != _EMPTY and ring[table[place]] != key:
        place = (place + 1) & mask
    return place


@kernel
def _remove(table: NDArray[np.int32], ring: NDArray[np.int64], key: int) -> None:
    mask = len(table) - 1
    hole = _find(table, ring, key)
    place = hole
    while True:
        place = (place + 1) & mask
        if table[place] == _EMPTY:
            break
        home = ring[table[place]] & mask
        if ((place - home) & mask) >= ((place - hole) & mask):
            table[hole] = table[place]
            hole = place
    table[hole] = _EMPTY


@kernel
def _add_all(
    table: NDArray[np.int32],
    ring: NDArray[np.int64],
    head: NDArray[np.int64],
    events: NDArray[np.uint64],
    customers: NDArray[np.uint64],
    first: NDArray[np.bool_],
) -> int:
    forgotten = 0
    for i in range(len(events)):
        key = int(np.int64(finish(events[i] ^ finish(customers[i]))))
        place = _find(table, ring, key)
        first[i] = table[place] == _EMPTY
        if not first[i]:
            continue
        at = head[_NEXT]
        if head[_HELD] == len(ring):
            _remove(table, ring, ring[at])
            forgotten += 1
            place = _find(table, ring, key)  # the removal may have moved things
        else:
            head[_HELD] += 1
        ring[at] = key
        table[place] = at
        head[_NEXT] = (at + 1) % len(ring)
    return forgotten


@kernel
def _index(table: NDArray[np.int32], ring: NDArray[np.int64], held: int) -> None:
    """Put what the ring holds into the empty table."""
    for at in range(held):
        table[_find(table, ring, ring[at])] = at


class EventIds:
    """The newest ``capacity`` events seen of one stream."""

    def __init__(self, capacity: int) -> None:
        self._ring, self._table = _memory(capacity)
        self._head = np.zeros(2, np.int64)

    def first_only(self, decoded: Decoded) -> tuple[Decoded, int, int]:
        """Those that were not seen before, how many were, and how many ids were forgotten."""
        first, forgotten = self.add(decoded)
        repeated = len(first) - int(np.count_nonzero(first))
        return (decoded.only(first) if repeated else decoded), repeated, forgotten

    def add(self, decoded: Decoded) -> tuple[NDArray[np.bool_], int]:
        """Remember events; which were not seen before, bool[n], and how many ids were forgotten."""
        first = np.empty(len(decoded), np.bool_)
        forgotten = _add_all(
            self._table,
            self._ring,
            self._head,
            _hashes(decoded.columns["event_id"]),
            _hashes(decoded.columns["customer_id"]),
            first,
        )
        return first, int(forgotten)

    def resize(self, capacity: int) -> int:
        """Remember so many from now on; how many of the oldest are forgotten."""
        if capacity == len(self._ring):
            return 0
        held = self._in_order()
        kept = held[max(0, len(held) - capacity) :]
        self._ring, self._table = _memory(capacity)
        self._fill(kept)
        return len(held) - len(kept)

    def snapshot(self) -> bytes:
        """What is remembered, oldest first."""
        return msgspec.msgpack.encode((len(self._ring), self._in_order().tobytes()))

    def restore(self, data: bytes) -> None:
        """Take the place of what :meth:`snapshot` saw, of the same capacity."""
        _, held = msgspec.msgpack.decode(data, type=tuple[int, bytes])
        self._table.fill(_EMPTY)
        self._fill(np.frombuffer(held, np.int64))

    def _in_order(self) -> NDArray[np.int64]:
        following, held = int(self._head[_NEXT]), int(self._head[_HELD])
        if held < len(self._ring):
            return self._ring[:held]
        return np.concatenate((self._ring[following:], self._ring[:following]))

    def _fill(self, keys: NDArray[np.int64]) -> None:
        self._ring[: len(keys)] = keys
        self._head[:] = len(keys) % len(self._ring), len(keys)
        _index(self._table, self._ring, len(keys))


def _memory(capacity: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """An empty ring, and a table at most half full."""
    places = 1 << max(4, (2 * capacity - 1).bit_length())
    return np.zeros(capacity, np.int64), np.full(places, _EMPTY, np.int32)


def _hashes(column: Array) -> NDArray[np.uint64]:
    return column.view(np.uint64)
