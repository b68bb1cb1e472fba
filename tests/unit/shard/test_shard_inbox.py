"""The inbox: one order of append time over all inputs, whichever was fetched first."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.ingest import NEVER
from sentinel.ingest.append_time import AHEAD_MS
from sentinel.kafka.records import Fetched
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.shard import inbox as module
from sentinel.shard.inbox import (
    ALIGNED,
    ENOUGH_RECORDS,
    GATHER_MS,
    GATHER_ROLLUPS_MS,
    WAIT_BEHIND_MS,
    WAIT_MS,
    Due,
    Inbox,
    PendingBatch,
    Source,
)

NOW = 1_000_000


def _chunk(
    source: Source, first: int, times: list[int], acked: list[str] | None = None
) -> PendingBatch:
    n = len(times)
    offsets = list(range(first, first + n))
    values: list[bytes | None] = [b"%d" % time for time in times]
    fetched = Fetched(f"t.{source}", 0, first, first + n, offsets, times, [None] * n, values)
    noted = acked if acked is not None else []
    return PendingBatch(source, fetched, lambda: noted.append(f"{source}-{first + n - 1}"))


def _ended(*sources: Source) -> Callable[[Source], bool]:
    """Of the aligned inputs only these have been read to their ends."""
    return lambda source: source in sources


def _times(due: Due) -> dict[Source, list[int]]:
    found: dict[Source, list[int]] = {}
    for source, records in due.chunks:
        found.setdefault(source, []).extend(records.recorded_ms)
    return found


def test_what_is_read_to_its_end_reaches_now() -> None:
    """Nobody is behind: everything leaves at once, and stream time is wall-clock time."""
    inbox = Inbox()
    inbox.put(_chunk(Stream.LOGIN, 0, [5, 9]), NOW)
    due = inbox.next_step(lambda _: True, NOW)
    assert (_times(due), due.stream_ms) == ({Stream.LOGIN: [5, 9]}, NOW)


def test_an_input_with_unread_records_holds_the_others_back() -> None:
    """Transactions wait for the logins that come before them; then they leave in order."""
    inbox, acked = Inbox(), list[str]()
    ended = _ended(Stream.COMPLAINT, Control.RESPONSE)
    inbox.put(_chunk(Stream.TRANSACTION, 0, [10, 20, 30], acked), NOW)
    assert not inbox.next_step(ended, NOW)
    inbox.put(_chunk(Stream.LOGIN, 0, [5, 20], acked), NOW)
    due = inbox.next_step(ended, NOW)
    assert _times(due) == {Stream.TRANSACTION: [10], Stream.LOGIN: [5]}
    assert due.stream_ms == 19  # more may come of the last millisecond
    assert not due.acks  # a chunk is acked when its last record is processed
    inbox.put(_chunk(Stream.LOGIN, 2, [20, 25], acked), NOW)
    due = inbox.next_step(ended, NOW)
    assert _times(due) == {Stream.TRANSACTION: [20], Stream.LOGIN: [20, 20]}
    for ack in due.acks:
        ack()
    assert acked == ["login-1"]
    due = inbox.next_step(_ended(*ALIGNED), NOW)
    assert (_times(due), due.stream_ms) == ({Stream.TRANSACTION: [30], Stream.LOGIN: [25]}, NOW)
    assert len(due.acks) == 2


def test_an_input_that_does_not_arrive_is_not_waited_for_for_ever() -> None:
    """After a bounded time the others go on without it; a shard that is behind waits longer."""
    ended = _ended(Stream.COMPLAINT, Control.RESPONSE, Stream.TRANSACTION)
    for appended_ms, wait_ms in ((NOW, WAIT_MS), (10, WAIT_BEHIND_MS)):
        inbox = Inbox()
        inbox.put(_chunk(Stream.TRANSACTION, 0, [appended_ms]), NOW)
        assert not inbox.next_step(ended, NOW)
        assert not inbox.next_step(ended, NOW + wait_ms - 1)
        assert inbox.next_step(ended, NOW + wait_ms)
        inbox.next_step(ended, NOW + 2 * wait_ms)
        assert inbox.given_up == {Stream.LOGIN: 1}  # counted once


def test_rollups_come_as_they_come() -> None:
    """Their append times are those of other shards' steps, not of what they are about."""
    inbox = Inbox()
    inbox.put(_chunk(Control.ROLLUP, 0, [50]), NOW)
    due = inbox.next_step(_ended(), NOW)
    assert (_times(due), due.stream_ms) == ({Control.ROLLUP: [50]}, NEVER)


def test_a_few_records_wait_a_moment_for_others() -> None:
    """Events for the rest of their fetch, rollups for events; many records wait for nothing."""
    inbox = Inbox()
    assert inbox.gathers_ms(NOW) == 0
    inbox.put(_chunk(Control.ROLLUP, 0, [1]), NOW)
    assert inbox.gathers_ms(NOW) == GATHER_ROLLUPS_MS
    inbox.put(_chunk(Stream.LOGIN, 0, [5]), NOW + 10)
    assert inbox.gathers_ms(NOW + 10) == GATHER_MS
    assert inbox.gathers_ms(NOW + 10 + GATHER_MS) == 0
    assert inbox.next_step(lambda _: True, NOW + 20)
    inbox.put(_chunk(Stream.LOGIN, 1, [6]), NOW + 30)
    assert inbox.gathers_ms(NOW + 30) == GATHER_MS  # those before it have left
    assert inbox.gathers_ms(NOW - 3_600_000) == GATHER_MS  # the clock was set back
    inbox.put(_chunk(Stream.TRANSACTION, 0, list(range(1, 1 + ENOUGH_RECORDS))), NOW + 30)
    assert inbox.gathers_ms(NOW + 30) == 0


def test_a_shard_that_is_behind_reads_ahead_and_processes_up_to_the_bound() -> None:
    """A record is read ahead in one step, and processed in a later one once the bound allows."""
    inbox = Inbox()
    inbox.put(_chunk(Stream.LOGIN, 0, [10, 20, 30]), NOW)
    inbox.put(_chunk(Control.RESPONSE, 0, [15]), NOW)
    due = inbox.next_step(lambda _: True, NOW, bound_ms=NEVER)
    assert [records.offsets for _, records in due.ahead] == [[0, 1, 2]]
    assert (_times(due), due.ahead_ms, due.stream_ms) == ({}, NOW, NEVER)
    inbox.put(_chunk(Stream.LOGIN, 3, [40, NOW]), NOW + 1)
    due = inbox.next_step(lambda _: True, NOW + 1, bound_ms=20)
    assert [records.offsets for _, records in due.ahead] == [[3, 4]]
    assert _times(due) == {Stream.LOGIN: [10, 20], Control.RESPONSE: [15]}
    assert due.stream_ms == 20
    due = inbox.next_step(lambda _: True, NOW + 2, bound_ms=2 * NOW)
    assert (due.ahead, _times(due)) == ([], {Stream.LOGIN: [30, 40, NOW]})
    inbox.put(_chunk(Stream.LOGIN, 5, [NOW + 3]), NOW + 3)
    due = inbox.next_step(lambda _: True, NOW + 3, bound_ms=2 * NOW)
    assert (due.ahead_ms, _times(due)) == (None, {Stream.LOGIN: [NOW + 3]})  # nobody is behind


def test_a_full_buffer_wants_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A topic is held back by not fetching it; room is wanted again once it drains."""
    monkeypatch.setattr(module, "BUFFERED_RECORDS", 3)
    inbox = Inbox()
    inbox.put(_chunk(Stream.LOGIN, 0, [1, 2, 3]), NOW)
    assert not inbox.wants(Stream.LOGIN)
    assert inbox.wants(Stream.TRANSACTION)
    inbox.next_step(lambda _: True, NOW)
    assert inbox.wants(Stream.LOGIN)


def test_what_was_read_ahead_leaves_room_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading goes on while records wait for their processing, up to a bound."""
    monkeypatch.setattr(module, "BUFFERED_RECORDS", 3)
    inbox = Inbox()
    for first in (0, 3, 6):
        assert inbox.wants(Stream.LOGIN)
        inbox.put(_chunk(Stream.LOGIN, first, [first + 1, first + 2, first + 3]), NOW)
        assert not inbox.wants(Stream.LOGIN)
        assert inbox.next_step(lambda _: True, NOW, bound_ms=NEVER).ahead
    assert not inbox.wants(Stream.LOGIN)
    inbox.next_step(lambda _: True, NOW, bound_ms=NOW)
    assert inbox.wants(Stream.LOGIN)


def test_what_was_read_ahead_together_is_processed_together() -> None:
    """A step takes what one step before has read ahead, though the bound allows more."""
    inbox, ended = Inbox(), _ended(Stream.COMPLAINT, Stream.TRANSACTION, Control.RESPONSE)
    for first in (0, 2):
        inbox.put(_chunk(Stream.LOGIN, first, [first + 1, first + 2]), NOW)
        inbox.next_step(ended, NOW, bound_ms=NEVER)
    found = [_times(inbox.next_step(ended, NOW, bound_ms=NOW)) for _ in range(2)]
    assert found == [{Stream.LOGIN: [1]}, {Stream.LOGIN: [2, 3]}]  # more of 4 may come


@pytest.mark.parametrize("index", [0, 3, 39])
def test_a_forged_timestamp_neither_leaves_first_nor_holds_up_what_follows(index: int) -> None:
    """In a shard that is behind, whether it stands at the start, in the middle or at the end."""
    inbox, far, now = Inbox(), 9 * AHEAD_MS, 10 * AHEAD_MS
    ended = _ended(Stream.TRANSACTION, Stream.COMPLAINT, Control.RESPONSE)
    forged = [*range(100, 140)]
    forged[index] = far
    inbox.put(_chunk(Stream.LOGIN, 0, forged), now)
    inbox.put(_chunk(Stream.TRANSACTION, 0, [*range(100, 140, 10), far]), now)
    due = inbox.next_step(ended, now)
    assert due.stream_ms < 140
    inbox.put(_chunk(Stream.LOGIN, 40, [*range(140, 200)]), now)
    second = inbox.next_step(ended, now)
    found = [_times(each).get(Stream.LOGIN, []) for each in (due, second)]
    assert far in found[0] + found[1]
    assert 190 < second.stream_ms < 200
    last = inbox.next_step(_ended(*ALIGNED), now)
    assert _times(last)[Stream.TRANSACTION] == [far]


def test_what_a_rebalance_brings_again_bears_no_witness() -> None:
    """Records that come once more stand behind later ones; those are no less true for it."""
    inbox, late, now = Inbox(), 5 * AHEAD_MS, 6 * AHEAD_MS
    times = [*range(100, 140), late, late + 1]
    inbox.put(_chunk(Stream.LOGIN, 0, times), now)
    inbox.put(_chunk(Stream.LOGIN, 0, times), now)
    inbox.next_step(_ended(*ALIGNED), now, bound_ms=NEVER)  # reads ahead
    due = inbox.next_step(_ended(*ALIGNED), now, bound_ms=late - 1)
    assert _times(due) == {Stream.LOGIN: times[:40]}


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from(ALIGNED), st.lists(st.integers(1, 50), min_size=1, max_size=20)
    ),
    st.integers(2, 10),
    st.randoms(use_true_random=False),
)
def test_any_order_of_arrival_gives_one_order_of_append_time(
    inputs: dict[Source, list[int]], step_records: int, draw: "object"
) -> None:
    """However chunks arrive and steps are cut: ascending stream time, nothing lost or moved."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STEP_RECORDS", step_records)
        inbox = Inbox()
        left = {source: sorted(times) for source, times in inputs.items()}
        read = dict.fromkeys(left, 0)
        order: list[tuple[int, Source, int]] = []
        while any(read[each] < len(left[each]) for each in left) or len(inbox):
            unread = [each for each in left if read[each] < len(left[each])]
            if unread:
                source = draw.choice(unread)  # type: ignore[attr-defined]
                end = read[source] + draw.randint(1, 4)  # type: ignore[attr-defined]
                times = left[source][read[source] : end]
                inbox.put(_chunk(source, read[source], times), NOW)
                read[source] += len(times)
            before = inbox.stream_ms
            due = inbox.next_step(lambda each: read.get(each, 0) == len(left.get(each, [])), NOW)
            assert due.stream_ms >= before
            for source, records in due.chunks:
                for offset, time in zip(records.offsets, records.recorded_ms, strict=True):
                    assert before <= time <= due.stream_ms
                    order.append((due.stream_ms, source, offset))
        assert order == sorted(order, key=lambda each: each[0])
        for source, times in left.items():
            assert [at for _, each, at in order if each is source] == list(range(len(times)))
