"""Merging: one order of all streams that no cut can change."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.ingest import NEVER, Decoded, Watermarks, merge
from sentinel.ingest.append_time import append_times
from sentinel.ingest.extract import extract
from sentinel.model.events import Complaint, Event, Login, Stream, Transaction
from sentinel.model.ids import PLAIN

Pair = tuple[Stream, int]


def _event(stream: Stream, time: int) -> Event:
    if stream is Stream.TRANSACTION:
        return Transaction(
            event_id="e",
            event_time=time,
            customer_id="c",
            kind="fee",
            direction="debit",
            amount=1.0,
        )
    if stream is Stream.LOGIN:
        return Login(event_id="e", event_time=time, customer_id="c", kind="login", success=True)
    return Complaint(
        event_id="e",
        event_time=time,
        complaint_id="k",
        customer_id="c",
        status="received",
        channel="app",
    )


def _decoded(pairs: list[Pair], watermarks: Watermarks) -> dict[Stream, Decoded]:
    """Events that were appended when they happened, but for what is out of order."""
    parts: dict[Stream, Decoded] = {}
    for stream in Stream:
        times = [time for each, time in pairs if each is stream]
        if times:
            events = [_event(stream, time) for time in times]
            columns = extract(stream, events, ["customer_id", "event_time"], PLAIN)
            none = np.zeros(len(times), np.int64)
            appended = append_times(none, np.array(times), watermarks.appended(stream), None)
            parts[stream] = Decoded(stream, events, columns, appended, reached_ms=int(appended[-1]))
    return parts


def _merged(
    pairs: list[Pair], watermarks: Watermarks, lateness_ms: int = 10
) -> list[tuple[Stream, int, bool]]:
    batch = merge(_decoded(pairs, watermarks), watermarks, lateness_ms)
    return [
        (tuple(Stream)[batch.stream[index]], int(batch.event_time[index]), bool(batch.late[index]))
        for index in range(len(batch))
    ]


pairs_of_events = st.lists(
    st.tuples(st.sampled_from(list(Stream)), st.integers(0, 100)), max_size=40
)


@settings(max_examples=200, deadline=None)
@given(pairs_of_events, st.data())
def test_any_piece_of_a_merged_sequence_merges_to_itself(
    pairs: list[Pair], data: st.DataObject
) -> None:
    """Cut the merged sequence anywhere, merge the pieces: the same sequence and lateness."""
    whole = _merged(pairs, Watermarks())
    cut = data.draw(st.integers(0, len(whole)))
    watermarks = Watermarks()
    pieces = [
        each
        for piece in (whole[:cut], whole[cut:])
        for each in _merged([(stream, time) for stream, time, _ in piece], watermarks)
    ]
    assert pieces == whole


@settings(max_examples=100, deadline=None)
@given(pairs_of_events)
def test_each_stream_keeps_its_order(pairs: list[Pair]) -> None:
    """Offsets decide within a stream, even where times go backwards."""
    whole = _merged(pairs, Watermarks())
    for stream in Stream:
        mine = [time for each, time, _ in whole if each is stream]
        assert mine == [time for each, time in pairs if each is stream]


def test_streams_interleave_by_append_time() -> None:
    """Streams come out by append time, ties in the fixed order of streams."""
    pairs = [(Stream.LOGIN, 1), (Stream.LOGIN, 5), (Stream.TRANSACTION, 1), (Stream.COMPLAINT, 3)]
    assert [(stream, time) for stream, time, _ in _merged(pairs, Watermarks())] == [
        (Stream.TRANSACTION, 1),
        (Stream.LOGIN, 1),
        (Stream.COMPLAINT, 3),
        (Stream.LOGIN, 5),
    ]


def test_late_is_measured_against_the_append_time() -> None:
    """An event appended more than the bound after it happened is late, whatever else there is."""
    pairs = [(Stream.LOGIN, 50), (Stream.LOGIN, 39), (Stream.LOGIN, 40), (Stream.TRANSACTION, 1)]
    late = {(stream, time): late for stream, time, late in _merged(pairs, Watermarks())}
    assert late == {
        (Stream.LOGIN, 50): False,
        (Stream.LOGIN, 39): True,
        (Stream.LOGIN, 40): False,
        (Stream.TRANSACTION, 1): False,
    }


def test_watermarks_survive_a_snapshot() -> None:
    """Restored watermarks are those that were saved; an unseen stream stays unknown."""
    watermarks = Watermarks()
    watermarks.advance(Stream.LOGIN, 9, 7)
    again = Watermarks()
    again.restore(watermarks.snapshot())
    assert again.known() == {Stream.LOGIN: 7}
    assert again.appended(Stream.LOGIN) == 9
    assert again.appended(Stream.COMPLAINT) == NEVER
