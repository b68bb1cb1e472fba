"""Customer to slot: an open-addressing hash table with least-recently-seen eviction.

Linear probing with backward-shift deletion (Knuth, TAOCP 3, 6.4 R), so the table
needs no tombstones and never degrades.  Everything happens event by event in order:
the same events give the same slots wherever they are cut into batches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import kernel

_NONE = -1
_KEY, _SEEN = 0, 1  # columns of the per-slot words
_OLDER, _NEWER = 0, 1  # columns of the recency links
_USED, _FREE, _OLDEST, _NEWEST, _HIGHEST, _HIGH_TIME = 0, 1, 2, 3, 4, 5  # places in the head


@dataclass(frozen=True, slots=True)
class Evictions:
    """How many customers lost their slot in a call, and why."""

    full: int
    expired: int


@kernel
def _find(table: NDArray[np.int32], words: NDArray[np.int64], key: int) -> int:
    """Where ``key`` stands in the table, or the empty place where it would go."""
    mask = len(table) - 1
    place = key & mask
    while table[place] != _NONE and words[table[place], _KEY] != key:
        place = (place + 1) & mask
    return place


@kernel
def _remove(table: NDArray[np.int32], words: NDArray[np.int64], key: int) -> None:
    mask = len(table) - 1
    hole = _find(table, words, key)
    place = hole
    while True:
        place = (place + 1) & mask
        if table[place] == _NONE:
            break
        home = words[table[place], _KEY] & mask
        if ((place - home) & mask) >= ((place - hole) & mask):
            table[hole] = table[place]
            hole = place
    table[hole] = _NONE


@kernel
def _unlink(links: NDArray[np.int32], head: NDArray[np.int64], slot: int) -> None:
    older, newer = links[slot, _OLDER], links[slot, _NEWER]
    if older == _NONE:
        head[_OLDEST] = newer
    else:
        links[older, _NEWER] = newer
    if newer == _NONE:
        head[_NEWEST] = older
    else:
        links[newer, _OLDER] = older


@kernel
def _link_newest(links: NDArray[np.int32], head: NDArray[np.int64], slot: int) -> None:
    newest = head[_NEWEST]
    links[slot, _OLDER], links[slot, _NEWER] = newest, _NONE
    if newest == _NONE:
        head[_OLDEST] = slot
    else:
        links[newest, _NEWER] = slot
    head[_NEWEST] = slot


@kernel
def _release(
    table: NDArray[np.int32],
    words: NDArray[np.int64],
    links: NDArray[np.int32],
    head: NDArray[np.int64],
) -> None:
    """Give the least recently seen customer's slot back to the free list."""
    slot = head[_OLDEST]
    _remove(table, words, words[slot, _KEY])
    _unlink(links, head, slot)
    links[slot, _NEWER] = head[_FREE]
    head[_FREE] = slot
    head[_USED] -= 1


@kernel
def _assign(
    keys: NDArray[np.int64],
    times: NDArray[np.int64],
    ttl_ms: int,
    table: NDArray[np.int32],
    words: NDArray[np.int64],
    links: NDArray[np.int32],
    head: NDArray[np.int64],
    slots: NDArray[np.int64],
    fresh: NDArray[np.bool_],
) -> tuple[int, int]:
    full, expired = 0, 0
    for i in range(len(keys)):
        head[_HIGH_TIME] = max(head[_HIGH_TIME], times[i])
        while head[_USED] > 0 and words[head[_OLDEST], _SEEN] < head[_HIGH_TIME] - ttl_ms:
            _release(table, words, links, head)
            expired += 1
        place = _find(table, words, keys[i])
        slot = table[place]
        if slot == _NONE:
            if head[_USED] == len(words):
                _release(table, words, links, head)
                full += 1
                place = _find(table, words, keys[i])  # the removal may have moved things
            if head[_FREE] != _NONE:
                slot = head[_FREE]
                head[_FREE] = links[slot, _NEWER]
            else:
                slot = head[_HIGHEST]
                head[_HIGHEST] += 1
            table[place] = slot
            words[slot, _KEY] = keys[i]
            words[slot, _SEEN] = times[i]
            head[_USED] += 1
            fresh[i] = True
        else:
            _unlink(links, head, slot)
            fresh[i] = False
        words[slot, _SEEN] = max(words[slot, _SEEN], times[i])
        _link_newest(links, head, slot)
        slots[i] = slot
    return full, expired


@kernel
def _rebuild(table: NDArray[np.int32], words: NDArray[np.int64], used: NDArray[np.int64]) -> None:
    """Put every used slot into the empty table."""
    for slot in used:
        table[_find(table, words, words[slot, _KEY])] = slot


class Slots:
    """Slots for at most ``capacity`` customers.

    A new customer takes a free slot, or that of the customer least recently seen.  A
    customer whose last event lies more than ``ttl_ms`` behind the newest event time is
    dropped when it is the least recently seen one.  Memory is reserved once and
    touched as customers come.
    """

    def __init__(self, capacity: int, ttl_ms: int) -> None:
        self.capacity, self._ttl_ms = capacity, ttl_ms
        places = 1 << max(4, (2 * capacity - 1).bit_length())
        self._table = np.full(places, _NONE, np.int32)
        self._words = np.zeros((capacity, 2), np.int64)
        self._links = np.zeros((capacity, 2), np.int32)
        self._head = np.array([0, _NONE, _NONE, _NONE, 0, -(2**62)], np.int64)

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
            self._table,
            self._words,
            self._links,
            self._head,
            slots,
            fresh,
        )
        return slots, fresh, Evictions(full, expired)

    def in_use(self) -> NDArray[np.int64]:
        """The slots in use, int64[len(self)], least recently seen first."""
        order = np.empty(len(self), np.int64)
        slot = int(self._head[_OLDEST])
        for i in range(len(order)):
            order[i] = slot
            slot = int(self._links[slot, _NEWER])
        return order

    def carry(self, old: "Slots") -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """Take in the customers of ``old``; these slots are fresh.

        Returns each customer's slot before and after, int64[n], and how many found no room:
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
        self._links[: len(was), _OLDER] = now - 1  # _NONE before the first
        self._links[: len(was), _NEWER] = now + 1
        self._links[len(was) - 1 : len(was), _NEWER] = _NONE
        some = len(was) > 0
        self._head[_USED] = self._head[_HIGHEST] = len(was)
        self._head[_OLDEST], self._head[_NEWEST] = (0, len(was) - 1) if some else (_NONE, _NONE)
        self._head[_HIGH_TIME] = old._head[_HIGH_TIME]  # noqa: SLF001
        _rebuild(self._table, self._words, now)
        return was, now, lost

    @property
    def nbytes(self) -> int:
        """Bytes of the bookkeeping for all ``capacity`` slots."""
        return self._table.nbytes + self._words.nbytes + self._links.nbytes

    def snapshot(self) -> tuple[bytes, bytes, bytes]:
        """Head, words and links up to the highest slot used."""
        high = self.highest
        return (
            self._head.tobytes(),
            self._words[:high].tobytes(),
            self._links[:high].tobytes(),
        )

    def restore(self, data: tuple[bytes, bytes, bytes]) -> None:
        """Take the place of what :meth:`snapshot` saw; the capacity must be the same."""
        head, words, links = data
        self._head[:] = np.frombuffer(head, np.int64)
        high = self.highest
        self._words[:high] = np.frombuffer(words, np.int64).reshape(high, 2)
        self._links[:high] = np.frombuffer(links, np.int32).reshape(high, 2)
        self._table.fill(_NONE)
        _rebuild(self._table, self._words, self.in_use())
