"""The slots of customers: an open-addressing hash table, and eviction when it is full.

Linear probing with backward-shift deletion (Knuth, TAOCP 3, 6.4 R), so the table
needs no tombstones and never degrades.  Events are processed one by one in order:
the same events give the same slots however they are cut into batches.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import kernel
from sentinel.model.stage import Buffer
from sentinel.state.buffer import copied
from sentinel.state.frequency import MOST, estimate, fade, remember, sketch_for

_NONE = -1
_KEY, _SEEN = 0, 1  # columns of the per-slot words
_OLDER, _NEWER = 0, 1  # columns of the recency links
_MAIN, _WINDOW = 0, 1  # the lists: each has two words in the head
_OLDEST, _NEWEST = 0, 2  # the oldest of a list, and the newest
_USED, _FREE, _HIGHEST, _HIGH_TIME = 4, 5, 6, 7  # indices of the head
_IN_WINDOW, _COUNTED = 8, 9  # slots in the window; events since the last fading
_HAS_EVICTED = 10  # whether a slot was ever evicted
_SAMPLE = 10  # events a slot between two halvings of what was counted
_WINDOW_SHARE = 64  # a 64th of the slots is for those that have just come


@dataclass(frozen=True, slots=True)
class Evictions:
    """How many customers lost their slot in a call, and why."""

    full: int
    expired: int


@kernel
def _find(table: NDArray[np.int32], words: NDArray[np.int64], key: int) -> int:
    """The cell of ``key`` in the table, or the empty cell where it would go."""
    mask = len(table) - 1
    cell = key & mask
    while table[cell] != _NONE and words[table[cell], _KEY] != key:
        cell = (cell + 1) & mask
    return cell


@kernel
def _remove(table: NDArray[np.int32], words: NDArray[np.int64], key: int) -> None:
    mask = len(table) - 1
    hole = _find(table, words, key)
    cell = hole
    while True:
        cell = (cell + 1) & mask
        if table[cell] == _NONE:
            break
        home = words[table[cell], _KEY] & mask
        if ((cell - home) & mask) >= ((cell - hole) & mask):
            table[hole] = table[cell]
            hole = cell
    table[hole] = _NONE


@kernel
def _unlink(
    links: NDArray[np.int32], lists: NDArray[np.int8], head: NDArray[np.int64], slot: int
) -> None:
    older, newer, mine = links[slot, _OLDER], links[slot, _NEWER], lists[slot]
    if older == _NONE:
        head[_OLDEST + mine] = newer
    else:
        links[older, _NEWER] = newer
    if newer == _NONE:
        head[_NEWEST + mine] = older
    else:
        links[newer, _OLDER] = older
    head[_IN_WINDOW] -= mine


@kernel
def _link_newest(
    links: NDArray[np.int32], lists: NDArray[np.int8], head: NDArray[np.int64], slot: int, mine: int
) -> None:
    newest = head[_NEWEST + mine]
    links[slot, _OLDER], links[slot, _NEWER] = newest, _NONE
    if newest == _NONE:
        head[_OLDEST + mine] = slot
    else:
        links[newest, _NEWER] = slot
    head[_NEWEST + mine] = slot
    lists[slot] = mine
    head[_IN_WINDOW] += mine


@kernel
def _release(
    table: NDArray[np.int32],
    words: NDArray[np.int64],
    links: NDArray[np.int32],
    lists: NDArray[np.int8],
    head: NDArray[np.int64],
    slot: int,
) -> None:
    """Give a customer's slot back to the free list."""
    _remove(table, words, words[slot, _KEY])
    _unlink(links, lists, head, slot)
    links[slot, _NEWER] = head[_FREE]
    head[_FREE] = slot
    head[_USED] -= 1


@kernel
def _make_room(
    table: NDArray[np.int32],
    words: NDArray[np.int64],
    links: NDArray[np.int32],
    lists: NDArray[np.int8],
    often: NDArray[np.uint8],
    head: NDArray[np.int64],
    sketch: NDArray[np.uint8],
    most_in_window: int,
) -> None:
    """Release one slot: the rarer of the window's and the main list's oldest customers."""
    candidate, victim = head[_OLDEST + _WINDOW], head[_OLDEST + _MAIN]
    gone = candidate
    if victim != _NONE and head[_IN_WINDOW] < most_in_window:
        gone = victim
    elif victim != _NONE and often[candidate] > often[victim]:
        gone = victim
        _unlink(links, lists, head, candidate)
        _link_newest(links, lists, head, candidate, _MAIN)
    remember(sketch, words[gone, _KEY], often[gone])
    head[_HAS_EVICTED] = 1
    _release(table, words, links, lists, head, gone)


@kernel
def _assign(
    keys: NDArray[np.int64],
    times: NDArray[np.int64],
    ttl_ms: int,
    most_in_window: int,
    table: NDArray[np.int32],
    words: NDArray[np.int64],
    links: NDArray[np.int32],
    lists: NDArray[np.int8],
    often: NDArray[np.uint8],
    head: NDArray[np.int64],
    sketch: NDArray[np.uint8],
    slots: NDArray[np.int64],
    fresh: NDArray[np.bool_],
) -> tuple[int, int]:
    full, expired = 0, 0
    for i in range(len(keys)):
        head[_HIGH_TIME] = max(head[_HIGH_TIME], times[i])
        for each in (_MAIN, _WINDOW):
            while (
                head[_OLDEST + each] != _NONE
                and words[head[_OLDEST + each], _SEEN] < head[_HIGH_TIME] - ttl_ms
            ):
                _release(table, words, links, lists, head, head[_OLDEST + each])
                expired += 1
        head[_COUNTED] += 1
        if head[_COUNTED] == _SAMPLE * len(words):
            fade(often)
            if head[_HAS_EVICTED]:
                fade(sketch)
            head[_COUNTED] = 0
        cell = _find(table, words, keys[i])
        slot = table[cell]
        if slot == _NONE:
            if head[_USED] == len(words):
                _make_room(table, words, links, lists, often, head, sketch, most_in_window)
                full += 1
                cell = _find(table, words, keys[i])  # the removal may have moved things
            if head[_FREE] != _NONE:
                slot = head[_FREE]
                head[_FREE] = links[slot, _NEWER]
            else:
                slot = head[_HIGHEST]
                head[_HIGHEST] += 1
            table[cell] = slot
            words[slot, _KEY] = keys[i]
            words[slot, _SEEN] = times[i]
            head[_USED] += 1
            often[slot] = min(MOST, 1 + estimate(sketch, keys[i])) if head[_HAS_EVICTED] else 1
            fresh[i] = True
            mine = _WINDOW
        else:
            mine = lists[slot]
            _unlink(links, lists, head, slot)
            often[slot] = min(MOST, often[slot] + 1)
            fresh[i] = False
        words[slot, _SEEN] = max(words[slot, _SEEN], times[i])
        _link_newest(links, lists, head, slot, mine)
        if head[_IN_WINDOW] > most_in_window:
            oldest = head[_OLDEST + _WINDOW]
            _unlink(links, lists, head, oldest)
            _link_newest(links, lists, head, oldest, _MAIN)
        slots[i] = slot
    return full, expired


@kernel
def _rebuild(table: NDArray[np.int32], words: NDArray[np.int64], used: NDArray[np.int64]) -> None:
    """Index every used slot in the empty table."""
    for slot in used:
        table[_find(table, words, words[slot, _KEY])] = slot


class Slots:
    """Slots for at most ``capacity`` customers.

    A new customer gets a free slot, or that of an evicted one.  New customers are in a window of
    their own; one that leaves it is kept if it came more often lately than the least recently
    seen of all others (W-TinyLFU; see :mod:`.frequency`): so a flood of customers who come once
    does not evict those who come repeatedly.  A customer whose last event lies more
    than ``ttl_ms`` behind the newest event time is dropped when it is the least recently seen one
    of its list.  Memory is reserved once and touched as customers come.
    """

    def __init__(self, capacity: int, ttl_ms: int) -> None:
        self.capacity, self._ttl_ms = capacity, ttl_ms
        self._most_in_window = max(1, capacity // _WINDOW_SHARE)
        cells = 1 << max(4, (2 * capacity - 1).bit_length())
        self._table = np.full(cells, _NONE, np.int32)
        self._words = np.zeros((capacity, 2), np.int64)
        self._links = np.zeros((capacity, 2), np.int32)
        self._lists = np.zeros(capacity, np.int8)
        self._often = np.zeros(capacity, np.uint8)
        self._sketch = sketch_for(capacity)
        self._head = np.array([_NONE] * 4 + [0, _NONE, 0, -(2**62), 0, 0, 0], np.int64)

    def __len__(self) -> int:
        return int(self._head[_USED])

    @property
    def highest(self) -> int:
        """One more than the highest slot ever used."""
        return int(self._head[_HIGHEST])

    def assign(
        self, customers: NDArray[np.uint64], times: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_], Evictions]:
        """The slot of each event, int64[n], and whether its row starts empty, bool[n].

        ``customers`` uint64[n] hashes, ``times`` int64[n] ms UTC, in merged order.  A
        slot that changes hands inside the batch is fresh at the event where it does.
        """
        slots = np.empty(len(customers), np.int64)
        fresh = np.empty(len(customers), np.bool_)
        full, expired = _assign(
            customers.view(np.int64),
            times,
            self._ttl_ms,
            self._most_in_window,
            self._table,
            self._words,
            self._links,
            self._lists,
            self._often,
            self._head,
            self._sketch,
            slots,
            fresh,
        )
        return slots, fresh, Evictions(full, expired)

    def in_use(self) -> NDArray[np.int64]:
        """The slots in use, int64[len(self)], of each list least recently seen first."""
        order = np.empty(len(self), np.int64)
        i = 0
        for each in (_MAIN, _WINDOW):
            slot = int(self._head[_OLDEST + each])
            while slot != _NONE:
                order[i] = slot
                slot = int(self._links[slot, _NEWER])
                i += 1
        return order

    def carry(self, old: "Slots") -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """Add the customers of ``old``; these slots are fresh.

        Returns each customer's slot before and after, int64[n], and how many did not fit:
        those seen least recently.
        """
        if self.capacity == old.capacity:
            self.restore(old.snapshot())
            same = np.arange(old.highest)
            return same, same, 0
        order = old.in_use()
        lost = max(0, len(order) - self.capacity)
        was = order[lost:]
        now = np.arange(len(was))
        self._words[: len(was)] = old._words[was]  # noqa: SLF001
        self._often[: len(was)] = old._often[was]  # noqa: SLF001
        self._links[: len(was), _OLDER] = now - 1  # _NONE before the first
        self._links[: len(was), _NEWER] = now + 1
        self._links[len(was) - 1 : len(was), _NEWER] = _NONE
        if len(was):
            self._head[_OLDEST + _MAIN], self._head[_NEWEST + _MAIN] = 0, len(was) - 1
        self._head[_USED] = self._head[_HIGHEST] = len(was)
        self._head[_HIGH_TIME] = old._head[_HIGH_TIME]  # noqa: SLF001
        _rebuild(self._table, self._words, now)
        return was, now, lost

    @property
    def nbytes(self) -> int:
        """Bytes of the bookkeeping for all ``capacity`` slots."""
        parts = (self._table, self._words, self._links, self._lists, self._often, self._sketch)
        return sum(each.nbytes for each in parts)

    def snapshot(self) -> dict[str, Buffer]:
        """Head and sketch, and what there is of each slot up to the highest used."""
        high = self.highest
        return {
            "head": copied(self._head),
            "words": copied(self._words[:high]),
            "links": copied(self._links[:high]),
            "lists": copied(self._lists[:high]),
            "often": copied(self._often[:high]),
            "sketch": copied(self._sketch if self._head[_HAS_EVICTED] else self._sketch[:0]),
        }

    def restore(self, parts: Mapping[str, Buffer]) -> None:
        """Restore the state that :meth:`snapshot` returned; the capacity must be the same."""
        self._head[:] = np.frombuffer(parts["head"], np.int64)
        high = self.highest
        self._words[:high] = np.frombuffer(parts["words"], np.int64).reshape(high, 2)
        self._links[:high] = np.frombuffer(parts["links"], np.int32).reshape(high, 2)
        self._lists[:high] = np.frombuffer(parts["lists"], np.int8)
        self._often[:high] = np.frombuffer(parts["often"], np.uint8)
        if self._head[_HAS_EVICTED]:
            self._sketch[:] = np.frombuffer(parts["sketch"], np.uint8)
        self._table.fill(_NONE)
        _rebuild(self._table, self._words, self.in_use())
