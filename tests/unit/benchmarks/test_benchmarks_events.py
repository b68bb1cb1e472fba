"""The events that the benchmarks feed."""

from collections import Counter
from itertools import pairwise

import msgspec
from benchmarks.events import events, span_ms, steps

from sentinel.model.events import EVENT_TYPES, Complaint, Stream

END_MS = 1_767_571_200_000


def test_events_are_valid_seeded_and_in_order() -> None:
    """The same seed gives the same bytes, all of them events, in order of time."""
    first = list(events(5_000, customers=500, end_ms=END_MS))
    assert first == list(events(5_000, customers=500, end_ms=END_MS))
    assert first != list(events(5_000, customers=500, end_ms=END_MS, seed=8))
    decoded = [msgspec.json.decode(each.value, type=EVENT_TYPES[each.stream]) for each in first]
    times = [int(event.event_time) for event in decoded if isinstance(event.event_time, int)]
    assert len(times) == 5_000
    assert all(a <= b for a, b in pairwise(times))
    assert times == [each.time_ms for each in first]
    assert times[-1] == END_MS
    assert times[-1] - times[0] == span_ms(5_000, 500)
    assert all(
        event.customer_id.encode() == each.key for event, each in zip(decoded, first, strict=True)
    )
    shares = Counter(each.stream for each in first)
    assert 0.83 < shares[Stream.TRANSACTION] / 5_000 < 0.87
    assert 0.12 < shares[Stream.LOGIN] / 5_000 < 0.16


def test_complaints_pass_through_their_statuses() -> None:
    """A complaint goes from received to closed, of one customer; most texts differ."""
    of_case: dict[str, list[Complaint]] = {}
    for record in events(1_000, customers=500, end_ms=END_MS, only=Stream.COMPLAINT):
        event = msgspec.json.decode(record.value, type=Complaint)
        of_case.setdefault(event.complaint_id, []).append(event)
    whole = ["received", "investigating", "resolved", "replied", "closed"]
    assert all([event.status for event in each] == whole for each in of_case.values())
    assert all(len({event.customer_id for event in each}) == 1 for each in of_case.values())
    assert len({each[0].text for each in of_case.values()}) > 0.8 * len(of_case)


def test_steps_hold_all_events() -> None:
    """Cutting into steps loses nothing; offsets ascend without gaps; times are the events'."""
    records = list(events(1_050, customers=100, end_ms=END_MS))
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
    assert [step.stream_ms for step in cut] == [records[at].time_ms for at in (499, 999, 1_049)]
    recorded = [at for step in cut for chunk in step.chunks for at in chunk.recorded_ms]
    assert sorted(recorded) == [record.time_ms for record in records]
