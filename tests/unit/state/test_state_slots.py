"""Slots against an ordered dictionary that does the same the slow way."""

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
    places, fresh, evictions = slots.assign(keys, times)
    return places.tolist(), fresh.tolist(), evictions.full, evictions.expired


@settings(max_examples=200, deadline=None)
@given(events)
def test_equals_an_ordered_dictionary(pairs: list[tuple[int, int]]) -> None:
    """Who is known, who is evicted for room and who expires, event by event."""
    slots = Slots(CAPACITY, TTL_MS)
    known: OrderedDict[int, int] = OrderedDict()
    newest, full, expired, fresh = -1, 0, 0, []
    for key, time in pairs:
        newest = max(newest, time)
        while known and next(iter(known.values())) < newest - TTL_MS:
            known.popitem(last=False)
            expired += 1
        fresh.append(key not in known)
        if key not in known and len(known) == CAPACITY:
            known.popitem(last=False)
            full += 1
        known[key] = max(known.pop(key, time), time)
    assert _assign(slots, pairs)[1:] == (fresh, full, expired)
    assert len(slots) == len(known)


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
    places, fresh, full, expired = _assign(first, pairs[:cut])
    second.restore(first.snapshot())
    after = _assign(second, pairs[cut:])
    assert (places + after[0], fresh + after[1], full + after[2], expired + after[3]) == expected
    assert second.snapshot() == whole.snapshot()


def test_a_live_customer_keeps_its_slot() -> None:
    """Distinct customers never share a slot, and a slot holds while its customer lives."""
    slots = Slots(1_000, 10**12)
    pairs = [(key % 1_000, key) for key in range(5_000)]
    places, fresh, full, expired = _assign(slots, pairs)
    assert places[:1_000] * 5 == places
    assert len(set(places)) == 1_000
    assert (sum(fresh), full, expired) == (1_000, 0, 0)
