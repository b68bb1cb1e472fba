"""Duplicate ids: a repeat of an event is dropped, another event under its id is a conflict.

A producer that is not idempotent may send an event again, and a source system may export it again.
An event is identified by its stream, customer, event_id and content: a sender who chooses ids
cannot hide an event behind another.  The newest are kept, in an open-addressing table (linear
probing with backward-shift deletion, Knuth, TAOCP 3, 6.4 R) over a ring in order of arrival.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.decoded import Decoded
from sentinel.model.columns import Array
from sentinel.model.ids import finish
from sentinel.model.kernel import kernel

_EMPTY = -1
_MOST_CONTENTS = 8
"""Of an id; more are conflicts that are not remembered, so that no chain grows long."""
_Words = NDArray[Any]
_SPOT = 32  # ids of a spot check
_NEXT, _KNOWN = 0, 1  # indices of the head: the next row, the number of rows


REPEAT, FIRST, CONFLICT = 0, 1, 2
"""Whether an event is a repeat, has a new id, or is another under a known id."""


@kernel
def _empty_cell(table: NDArray[np.int32], key: int) -> int:
    """Where one more of ``key`` goes in the table."""
    mask = len(table) - 1
    cell = key & mask
    while table[cell] != _EMPTY:
        cell = (cell + 1) & mask
    return cell


@kernel
def _remove(table: NDArray[np.int32], ring: NDArray[np.int64], at: int) -> None:
    mask = len(table) - 1
    hole = ring[at] & mask
    while table[hole] != at:
        hole = (hole + 1) & mask
    cell = hole
    while True:
        cell = (cell + 1) & mask
        if table[cell] == _EMPTY:
            break
        home = ring[table[cell]] & mask
        if ((cell - home) & mask) >= ((cell - hole) & mask):
            table[hole] = table[cell]
            hole = cell
    table[hole] = _EMPTY


@kernel
def _judge(
    table: NDArray[np.int32],
    ring: NDArray[np.int64],
    known_contents: NDArray[np.uint64],
    key: int,
    content: int,
) -> tuple[int, int]:
    """Whether an event is new, and how many contents of its id are kept."""
    mask = len(table) - 1
    cell, same = key & mask, 0
    while table[cell] != _EMPTY:
        at = table[cell]
        if ring[at] == key:
            if known_contents[at] == content:
                return REPEAT, same
            same += 1
        cell = (cell + 1) & mask
    return (CONFLICT if same else FIRST), same


@kernel
def _add_all(
    table: NDArray[np.int32],
    ring: NDArray[np.int64],
    known_contents: NDArray[np.uint64],
    head: NDArray[np.int64],
    events: NDArray[np.uint64],
    customers: NDArray[np.uint64],
    contents: NDArray[np.uint64],
    found: NDArray[np.int8],
) -> int:
    evicted = 0
    for i in range(len(events)):
        key = int(np.int64(finish(events[i] ^ finish(customers[i]))))
        found[i], same = _judge(table, ring, known_contents, key, contents[i])
        if found[i] == REPEAT or same == _MOST_CONTENTS:
            continue
        at = head[_NEXT]
        if head[_KNOWN] == len(ring):
            _remove(table, ring, at)
            evicted += 1
        else:
            head[_KNOWN] += 1
        ring[at], known_contents[at] = key, contents[i]
        table[_empty_cell(table, key)] = at
        head[_NEXT] = (at + 1) % len(ring)
    return evicted


@kernel
def _index(table: NDArray[np.int32], ring: NDArray[np.int64], known: int) -> None:
    """Index the ring in the empty table."""
    for at in range(known):
        table[_empty_cell(table, ring[at])] = at


class EventIds:
    """The newest ``capacity`` events seen of one stream, up to eight contents of an id."""

    def __init__(self, capacity: int) -> None:
        self._ring, self._contents, self._table = _memory(capacity)
        self._head = np.zeros(2, np.int64)

    def add(self, decoded: Decoded) -> tuple[NDArray[np.int8], int]:
        """Add events; whether each is new, int8[n], and how many of the oldest were evicted."""
        found = np.empty(len(decoded), np.int8)
        evicted = _add_all(
            self._table,
            self._ring,
            self._contents,
            self._head,
            _hashes(decoded.columns["event_id"]),
            _hashes(decoded.columns["customer_id"]),
            decoded.contents,
            found,
        )
        return found, int(evicted)

    def resize(self, capacity: int) -> int:
        """Change the capacity; returns how many of the oldest are evicted."""
        if capacity == len(self._ring):
            return 0
        ring, contents = self._in_order(self._ring), self._in_order(self._contents)
        lost = max(0, len(ring) - capacity)
        self._ring, self._contents, self._table = _memory(capacity)
        self._fill(ring[lost:], contents[lost:])
        return lost

    def snapshot(self) -> bytes:
        """All that is kept, the oldest first."""
        known = (self._in_order(each).tobytes() for each in (self._ring, self._contents))
        return msgspec.msgpack.encode((len(self._ring), *known))

    def spot(self) -> bytes:
        """The ids remembered last, newest first, and how many are remembered."""
        known = int(self._head[_KNOWN])
        newest = (self._head[_NEXT] - 1 - np.arange(min(known, _SPOT))) % len(self._ring)
        ids, contents = self._ring[newest], self._contents[newest]
        return known.to_bytes(8, "little") + bytes(ids.tobytes()) + bytes(contents.tobytes())

    def restore(self, data: bytes) -> None:
        """Restore the state that :meth:`snapshot` returned, of the same capacity."""
        _, ring, contents = msgspec.msgpack.decode(data, type=tuple[int, bytes, bytes])
        self._table.fill(_EMPTY)
        self._fill(np.frombuffer(ring, np.int64), np.frombuffer(contents, np.uint64))

    def _in_order(self, ring: _Words) -> _Words:
        following, known = int(self._head[_NEXT]), int(self._head[_KNOWN])
        if known < len(ring):
            return ring[:known]
        return np.concatenate((ring[following:], ring[:following]))

    def _fill(self, keys: NDArray[np.int64], contents: NDArray[np.uint64]) -> None:
        self._ring[: len(keys)], self._contents[: len(keys)] = keys, contents
        self._head[:] = len(keys) % len(self._ring), len(keys)
        _index(self._table, self._ring, len(keys))


def _memory(
    capacity: int,
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int32]]:
    """An empty ring of keys and one of contents, and a table at most half full."""
    cells = 1 << max(4, (2 * capacity - 1).bit_length())
    table = np.full(cells, _EMPTY, np.int32)
    return np.zeros(capacity, np.int64), np.zeros(capacity, np.uint64), table


def _hashes(column: Array) -> NDArray[np.uint64]:
    return column.view(np.uint64)
