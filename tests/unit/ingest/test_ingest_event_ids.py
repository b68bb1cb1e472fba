"""Event ids: the first of each counts, so many of the newest are known, as a naive memory says."""

from collections import OrderedDict
from typing import cast

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.ingest import Decoded, EventIds
from sentinel.model.columns import Array
from sentinel.model.events import Event, Stream

_Pairs = list[tuple[int, int]]


def _decoded(pairs: _Pairs) -> Decoded:
    events, customers = (np.array([pair[at] for pair in pairs], np.uint64) for at in (0, 1))
    columns: dict[str, Array] = {
        "event_id": events + np.uint64(1),
        "customer_id": customers + np.uint64(1),
    }
    return Decoded(
        Stream.LOGIN,
        cast("list[Event]", [f"{event}" for event, _ in pairs]),
        columns,
        np.arange(len(pairs)),
    )


@settings(deadline=None)  # the first call compiles
@given(
    st.integers(1, 6),
    st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), max_size=12), max_size=8),
)
def test_like_a_naive_memory(capacity: int, batches: list[_Pairs]) -> None:
    """However events are cut, those of the newest ``capacity`` distinct ones are dropped."""
    ids, naive = EventIds(capacity), OrderedDict[tuple[int, int], None]()
    for pairs in batches:
        expected, forgotten = [], 0
        for pair in pairs:
            if pair in naive:
                continue
            expected.append(f"{pair[0]}")
            naive[pair] = None
            if len(naive) > capacity:
                naive.popitem(last=False)
                forgotten += 1
        kept, repeated, lost = ids.first_only(_decoded(pairs))
        assert [str(each) for each in kept.events] == expected
        assert (repeated, lost) == (len(pairs) - len(expected), forgotten)
        restored = EventIds(capacity)
        restored.restore(ids.snapshot())
        assert restored.snapshot() == ids.snapshot()
        ids = restored


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.lists(st.integers(0, 9), max_size=20))
def test_another_capacity_keeps_the_newest(before: int, after: int, events: list[int]) -> None:
    """What no longer fits is forgotten, oldest first, and counted."""
    ids = EventIds(before)
    ids.first_only(_decoded([(event, 0) for event in events]))
    held = min(len(set(events)), before)
    same = EventIds(before)
    same.restore(ids.snapshot())
    assert ids.resize(after) == max(0, held - after)
    for event in range(10):
        _, known, _ = _probe(same, before, event)
        _, still, _ = _probe(ids, after, event)
        assert still <= known


def _probe(ids: EventIds, capacity: int, event: int) -> tuple[Decoded, int, int]:
    """Whether an event is known, without remembering it."""
    other = EventIds(capacity)
    other.restore(ids.snapshot())
    return other.first_only(_decoded([(event, 0)]))


def test_dead_letters_and_columns_stay_with_their_rows() -> None:
    """A dropped event takes its columns along, and nothing else."""
    kept, repeated, _ = EventIds(9).first_only(_decoded([(1, 0), (2, 0), (1, 0), (1, 1)]))
    assert repeated == 1
    assert kept.recorded_ms.tolist() == [0, 1, 3]
    assert [str(each) for each in kept.events[1:]] == ["2", "1"]
    assert kept.columns["customer_id"].tolist() == [1, 1, 2]
