"""The book of complaints on any events in any order: cuts, jumps of the clock, warnings."""

from collections import defaultdict
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.complaints.books import book, ms, process

from sentinel.complaints import Complaints, Duty, Kind, Notice, Status
from sentinel.model.alert import Tier

START = ms("2026-09-21T00:00")  # before the National Day's long holiday
HOUR_MS = 3_600_000
_SMALL = (
    ("max_open_complaints: 100000", "max_open_complaints: 3"),
    ("max_ended_complaints: 100000", "max_ended_complaints: 2"),
    ("max_customers: 100000", "max_customers: 2"),
    ("  media: {acknowledge: 1wd,", "  media: {reply_before_close: false, acknowledge: 1wd,"),
)
_HOURS = 60 * 24

events = st.tuples(
    st.sampled_from(list(Status)),
    st.integers(0, _HOURS),
    st.sampled_from(["K1", "K2", "K3", "K4", "K5"]),
    st.sampled_from(["C1", "C1", "C1", "C2", "C3"]),
    st.sampled_from(["hotline", "regulator", "media"]),
    st.sampled_from([None, None, "20d", "25wd", "60d", "2026-10-15", "2026-11-05", "soon"]),
    st.sampled_from([None, "chief", "chief", "director"]),
)
steps = st.lists(st.one_of(events, st.integers(0, _HOURS)), max_size=40)


def _ms(hours: int) -> int:
    return START + hours * HOUR_MS


def _do(complaints: Complaints, step: object) -> list[Notice]:
    """One event, or the clock at so many hours after the start."""
    if isinstance(step, int):
        return complaints.advance(_ms(step))
    assert isinstance(step, tuple)
    status, hours, complaint_id, customer_id, channel, extended_to, approved_by = step
    return process(
        complaints,
        status,
        _ms(hours),
        complaint_id,
        customer_id,
        channel,
        extended_to=extended_to,
        approved_by=approved_by,
    )


@settings(max_examples=150, deadline=None)
@given(steps, st.sets(st.integers(0, 39)))
def test_a_cut_anywhere_changes_nothing(script: list[object], cuts: set[int]) -> None:
    """Notices, backlog and bytes of an interrupted run are those of an uninterrupted one."""
    whole, cut = book(*_SMALL), book(*_SMALL)
    for index, step in enumerate(script):
        if index in cuts:
            data = cut.snapshot()
            cut = book(*_SMALL)
            cut.restore(data)
            assert cut.snapshot() == data
        assert _do(cut, step) == _do(whole, step)
        assert cut.backlog == whole.backlog
    assert cut.snapshot() == whole.snapshot()
    assert cut.advance(_ms(9 * _HOURS)) == whole.advance(_ms(9 * _HOURS))


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(1, 500))
def test_the_clock_in_small_steps_or_one_jump_gives_the_same(
    script: list[object], stride: int
) -> None:
    """Each warning carries the moment it was due, not the one it was noticed."""
    jumping, walking, clock = book(*_SMALL), book(*_SMALL), 0
    for step in [*script, 2 * _HOURS]:
        if isinstance(step, int):
            walked = [each for hour in range(clock, step, stride) for each in _do(walking, hour)]
            assert walked + _do(walking, step) == _do(jumping, step)
            clock = max(clock, step)
        else:
            assert _do(walking, step) == _do(jumping, step)
    assert walking.snapshot() == jumping.snapshot()


@settings(max_examples=150, deadline=None)
@given(steps)
def test_warnings_rise_once_each_until_the_duty_is_met(script: list[object]) -> None:
    """Of each complaint and duty: later, no lower tier, none twice, none after its end."""
    complaints = book()  # with room, for a forgotten complaint may come again
    given_: dict[tuple[str, Duty], list[Notice]] = defaultdict(list)
    ended: set[tuple[str, Duty]] = set()
    extended: set[tuple[str, Duty]] = set()
    for step in [*script, 9 * _HOURS]:
        for notice in _do(complaints, step):
            if notice.kind is Kind.COMPLETED:
                ended |= {(notice.complaint_id, duty) for duty in Duty}
            if notice.duty is None or notice.problem is not None:
                continue
            key = notice.complaint_id, notice.duty
            assert key not in ended
            if notice.kind is Kind.EXTENDED:  # told late, the new deadline is warned of anew
                given_[key] = []
                extended.add(key)
            elif notice.kind is Kind.MET:
                assert given_[key] or key in extended
                ended.add(key)
            else:
                given_[key].append(notice)
    for (_, duty), notices in given_.items():
        assert len({(each.due_ms, each.fraction) for each in notices}) == len(notices)
        for earlier, later in pairwise(notices):
            assert list(Tier).index(later.tier or Tier.BLUE) <= list(Tier).index(
                earlier.tier or Tier.BLUE
            )
            assert (later.due_ms, later.fraction) > (earlier.due_ms, earlier.fraction)
        assert len(notices) <= {Duty.ACKNOWLEDGE: 3, Duty.RESOLVE: 4, Duty.REPLY: 1}[duty]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, _HOURS), st.sampled_from(["hotline", "regulator", "media"]))
def test_an_unattended_complaint_has_every_warning(hours: int, channel: str) -> None:
    """Whenever it was received, each at its own moment, none before the receipt."""
    complaints = book()
    process(complaints, "received", _ms(hours), channel=channel)
    notices = complaints.advance(_ms(9 * _HOURS))
    assert [notice.at_ms for notice in notices] == sorted(notice.at_ms for notice in notices)
    assert all(notice.at_ms > _ms(hours) for notice in notices)
    count = {duty: sum(notice.duty is duty for notice in notices) for duty in Duty}
    assert count == {Duty.ACKNOWLEDGE: 3, Duty.RESOLVE: 4, Duty.REPLY: 1}
    assert all(notice.at_ms == notice.due_ms for notice in notices if notice.fraction == 1)


@settings(max_examples=100, deadline=None)
@given(steps)
def test_the_backlog_equals_a_count_of_what_is_open(script: list[object]) -> None:
    """Kept by steps, it is what a restart counts anew; every bound holds."""
    complaints = book(*_SMALL)
    for step in script:
        _do(complaints, step)
        again = book(*_SMALL)
        again.restore(complaints.snapshot())
        assert again.backlog == complaints.backlog
        assert sum(complaints.backlog.values()) == len(complaints._open) <= 3
        assert len(complaints._over) <= 2
        assert len(complaints._timers) <= 3 * len(complaints._open)
