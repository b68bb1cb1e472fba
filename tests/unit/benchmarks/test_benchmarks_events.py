"""The events that the benchmarks feed."""

from collections import Counter
from itertools import pairwise

import msgspec
from benchmarks.events import events, steps

from sentinel.model.events import EVENT_TYPES, Stream


def test_events_are_valid_seeded_and_in_order() -> None:
    """The same seed gives the same bytes, all of them events, in order of time."""
    first = list(events(5_000, customers=500))
    assert first == list(events(5_000, customers=500))
    assert first != list(events(5_000, customers=500, seed=8))
    decoded = [msgspec.json.decode(each.value, type=EVENT_TYPES[each.stream]) for each in first]
    times = [int(event.event_time) for event in decoded if isinstance(event.event_time, int)]
    assert len(times) == 5_000
    assert all(a <= b for a, b in pairwise(times))
    assert all(
        event.customer_id.encode() == each.key for event, each in zip(decoded, first, strict=True)
    )
    shares = Counter(each.stream for each in first)
    assert 0.83 < shares[Stream.TRANSACTION] / 5_000 < 0.87
    assert 0.12 < shares[Stream.LOGIN] / 5_000 < 0.16


def test_steps_hold_all_events() -> None:
    """Cutting into steps loses nothing, and each stream's offsets ascend without gaps."""
    records = list(events(1_050, customers=100))
    cut = list(steps(iter(records), 500))
    assert [sum(len(chunk.values) for chunk in step.chunks) for step in cut] == [500, 500, 50]
    offsets = [
        offset
        for step in cut
        for chunk in step.chunks
        if chunk.stream is Stream.TRANSACTION
        for offset in chunk.offsets
    ]
    assert offsets == list(range(len(offsets)))
