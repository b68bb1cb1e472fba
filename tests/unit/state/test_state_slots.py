"""Slots against ordered dictionaries that do the same the slow way."""

from collections import OrderedDict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.state import Slots

CAPACITY, TTL_MS = 5, 100
events = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 300)), max_size=60)


def _assign(slots: Slots, pairs: list[tuple[int, int]]) -> tuple[list[int], list[bool], int, int]:
    keys = np.array([key << 20 | 7 for key, _ in pairs], np.uint64)
    times = np.array([time for _, time in pairs], np.int64)
    rows, fresh, evictions = slots.assign(keys, times)
    return rows.tolist(), fresh.tolist(), evictions.full, evictions.expired


class Naive:
    """The same with ordered dictionaries, the oldest first, and an exact memory of the gone."""

    def __init__(self) -> None:
        self.main: OrderedDict[int, int] = OrderedDict()
        self.window: OrderedDict[int, int] = OrderedDict()
        self.often: dict[int, int] = {}
        self.gone: dict[int, int] = {}
        self.counted, self.newest, self.full, self.expired = 0, -1, 0, 0

    def see(self, key: int, time: int) -> bool:
        """Take one event; whether the customer is new."""
        self.newest = max(self.newest, time)
        for kept in (self.main, self.window):
            while kept and next(iter(kept.values())) < self.newest - TTL_MS:
                kept.popitem(last=False)
                self.expired += 1
        self.counted += 1
        if self.counted % (10 * CAPACITY) == 0:
            for counts in (self.often, self.gone):
                counts.update({each: often // 2 for each, often in counts.items()})
        kept = self.main if key in self.main else self.window
        is_new = key not in kept
        if is_new and len(self.main) + len(self.window) == CAPACITY:
            self._make_room()
        self.often[key] = min(15, 1 + (self.gone.get(key, 0) if is_new else self.often[key]))
        kept[key] = max(kept.pop(key, time), time)
        if len(self.window) > 1:
            oldest = next(iter(self.window))
            self.main[oldest] = self.window.pop(oldest)
        return is_new

    def _make_room(self) -> None:
        self.full += 1
        candidate, victim = next(iter(self.window), None), next(iter(self.main), None)
        if victim is not None and candidate is None:
            leaves = victim
        elif victim is not None and self.often[candidate] > self.often[victim]:  # type: ignore[index]
            leaves = victim
            self.main[candidate] = self.window.pop(candidate)  # type: ignore[index, arg-type]
        else:
            leaves = candidate  # type: ignore[assignment]
        self.gone[leaves] = max(self.gone.get(leaves, 0), self.often[leaves])
        self.main.pop(leaves, None)
        self.window.pop(leaves, None)


@settings(max_examples=300, deadline=None)
@given(events)
def test_equals_ordered_dictionaries(pairs: list[tuple[int, int]]) -> None:
    """Who is known, who is let go for room and who expires, event by event."""
    slots, naive = Slots(CAPACITY, TTL_MS), Naive()
    fresh = [naive.see(*pair) for pair in pairs]
    assert _assign(slots, pairs)[1:] == (fresh, naive.full, naive.expired)
    assert len(slots) == len(naive.main) + len(naive.window)


def test_those_who_come_again_outlive_a_flood() -> None:
    """Five tables' worth of customers who come once push out none who has come five times."""
    slots = Slots(1_000, 10**12)
    regular = [(key, 0) for key in range(500)]
    _assign(slots, regular * 5)
    _, fresh, full, _ = _assign(slots, [(key, 1) for key in range(1_000, 6_000)])
    assert (all(fresh), full) == (True, 4_500)
    _, again, _, _ = _assign(slots, regular)
    assert sum(again) == 0


def test_who_comes_again_during_a_flood_is_admitted() -> None:
    """Let go with the others at first, a customer is known again by how often it came."""
    slots = Slots(1_000, 10**12)
    _assign(slots, [(key, 0) for key in range(1_000)] * 3)
    flood = iter(range(10_000, 30_000))
    missed = 0
    for _ in range(40):
        _, fresh, _, _ = _assign(slots, [(5_000, 1), *((next(flood), 1) for _ in range(100))])
        missed += fresh[0]
    assert 2 <= missed <= 10


@settings(max_examples=100, deadline=None)
@given(events, st.data())
def test_cuts_and_snapshots_change_nothing(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    """In two pieces with a snapshot between them: the same slots."""
    whole = Slots(CAPACITY, TTL_MS)
    expected = _assign(whole, pairs)
    cut = data.draw(st.integers(0, len(pairs)))
    first, second = Slots(CAPACITY, TTL_MS), Slots(CAPACITY, TTL_MS)
    rows, fresh, full, expired = _assign(first, pairs[:cut])
    second.restore(first.snapshot())
    after = _assign(second, pairs[cut:])
    assert (rows + after[0], fresh + after[1], full + after[2], expired + after[3]) == expected
    assert second.snapshot() == whole.snapshot()


def test_a_live_customer_keeps_its_slot() -> None:
    """Distinct customers never share a slot, and a slot holds while its customer lives."""
    slots = Slots(1_000, 10**12)
    pairs = [(key % 1_000, key) for key in range(5_000)]
    rows, fresh, full, expired = _assign(slots, pairs)
    assert rows[:1_000] * 5 == rows
    assert len(set(rows)) == 1_000
    assert (sum(fresh), full, expired) == (1_000, 0, 0)
