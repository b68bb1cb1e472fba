"""Complaints through their lives, told in local time; every bound reached."""

from collections import Counter

import pytest
from tests.unit.complaints.books import book, ms, process

from sentinel.complaints import Complaints, Duty, Kind, Notice, Problem, Status
from sentinel.model.alert import Tier
from sentinel.model.step import Limit

MONDAY = "2026-03-02T00:00"  # of a month without holidays
MONTHS_LATER = ms("2026-08-01T00:00")


def _warnings(notices: list[Notice]) -> list[tuple[Duty | None, str, float | None, Tier | None]]:
    return [(each.duty, str(each.term), each.fraction, each.tier) for each in notices]


def _kinds(notices: list[Notice]) -> list[Kind]:
    return [notice.kind for notice in notices]


def test_nobody_does_anything() -> None:
    """Warned of the investigation, of the resolution, at last red; and never again."""
    complaints = book()
    assert process(complaints, "received", MONDAY) == []
    notices = complaints.advance(MONTHS_LATER)
    assert _warnings(notices) == [
        (Duty.ACKNOWLEDGE, "2wd", 0.5, Tier.BLUE),
        (Duty.ACKNOWLEDGE, "2wd", 0.8, Tier.YELLOW),
        (Duty.ACKNOWLEDGE, "2wd", 1.0, Tier.ORANGE),
        (Duty.RESOLVE, "15d", 0.5, Tier.BLUE),
        (Duty.RESOLVE, "15d", 0.8, Tier.YELLOW),
        (Duty.RESOLVE, "15d", 1.0, Tier.ORANGE),
        (Duty.REPLY, "30wd", 1.0, Tier.RED),
        (Duty.RESOLVE, "30wd", 1.0, Tier.RED),
    ]
    assert notices[2].at_ms == notices[2].due_ms == ms("2026-03-05T00:00")
    assert notices[3].at_ms == ms("2026-03-10T00:00")
    assert notices[3].due_ms == notices[5].at_ms == ms("2026-03-18T00:00")
    assert notices[7].at_ms == ms("2026-04-15T00:00")  # Tomb-Sweeping is a day off
    assert not any(notice.provisional for notice in notices)
    assert complaints.advance(MONTHS_LATER * 2) == []


def test_the_regulator_is_warned_of_a_tier_higher() -> None:
    """And the term for the investigation is a day."""
    complaints = book()
    process(complaints, "received", MONDAY, channel="regulator")
    notices = complaints.advance(ms("2026-03-24T00:00"))
    assert [notice.tier for notice in notices] == [Tier.YELLOW, Tier.ORANGE, Tier.RED] * 2
    assert [str(notice.term) for notice in notices] == ["1wd"] * 3 + ["15d"] * 3


def test_a_term_as_long_as_the_maximum_is_red_at_its_end() -> None:
    """It has no second deadline."""
    complaints = book(("categories: {} ", "categories: {fees: {resolve: 30wd}} "))
    process(complaints, "received", MONDAY)
    notices = [each for each in complaints.advance(MONTHS_LATER) if each.duty is Duty.RESOLVE]
    assert [notice.tier for notice in notices] == [Tier.BLUE, Tier.YELLOW, Tier.RED]


def test_a_good_life_has_no_warning() -> None:
    """Each duty on time, by channel; at the end it is completed."""
    complaints = book()
    process(complaints, "received", MONDAY)
    for status, at in (
        ("investigating", "2026-03-02T12:00"),
        ("resolved", "2026-03-05T12:00"),
        ("replied", "2026-03-06T12:00"),
    ):
        assert process(complaints, status, at) == []
        assert complaints.advance(ms(at)) == []
    (completed,) = process(complaints, "closed", "2026-03-09T12:00")
    assert (completed.kind, completed.status) == (Kind.COMPLETED, Status.CLOSED)
    assert complaints.advance(MONTHS_LATER) == []
    assert complaints.counts.duties == Counter((duty, "hotline", "on_time") for duty in Duty)
    assert not complaints.counts.problems


def test_a_duty_warned_of_and_fulfilled_ends_its_warning() -> None:
    """Late is late, but no further warning of it comes."""
    complaints = book()
    process(complaints, "received", MONDAY)
    complaints.advance(ms("2026-03-05T00:00"))
    (met,) = process(complaints, "investigating", "2026-03-05T00:00")
    assert (met.kind, met.duty, met.due_ms) == (Kind.MET, Duty.ACKNOWLEDGE, ms("2026-03-05T00:00"))
    assert complaints.counts.duties == {(Duty.ACKNOWLEDGE, "hotline", "late"): 1}
    assert {each.duty for each in complaints.advance(MONTHS_LATER)} == {Duty.RESOLVE, Duty.REPLY}


def test_the_last_moment_is_on_time() -> None:
    """A millisecond before the midnight that ends the day."""
    complaints = book()
    process(complaints, "received", MONDAY)
    process(complaints, "investigating", ms("2026-03-05T00:00") - 1)
    assert complaints.counts.duties == {(Duty.ACKNOWLEDGE, "hotline", "on_time"): 1}


def test_resolved_but_never_replied_is_red_at_the_maximum() -> None:
    """The written reply has a deadline of its own."""
    complaints = book()
    for status in ("received", "investigating", "resolved"):
        process(complaints, status, MONDAY)
    (notice,) = complaints.advance(MONTHS_LATER)
    assert (notice.kind, notice.tier, notice.problem) == (Kind.REPLY_MISSING, Tier.RED, None)


def test_closed_without_a_reply_stays_open_until_the_reply() -> None:
    """The closing is not lost: with the reply it takes effect."""
    complaints = book()
    for status in ("received", "investigating", "resolved"):
        process(complaints, status, MONDAY)
    (missing,) = process(complaints, "closed", "2026-03-03T00:00")
    assert (missing.kind, missing.tier) == (Kind.REPLY_MISSING, Tier.YELLOW)
    assert (missing.problem, missing.asked) == (Problem.CLOSED_WITHOUT_REPLY, Status.CLOSED)
    assert process(complaints, "closed", "2026-03-03T01:00") == []
    assert complaints.backlog == {(Status.RESOLVED, "hotline"): 1}
    assert _kinds(process(complaints, "replied", "2026-03-04T00:00")) == [Kind.COMPLETED]
    assert not complaints.backlog
    assert complaints.counts.problems == {Problem.CLOSED_WITHOUT_REPLY: 1}


def test_a_channel_without_reply_closes_at_once() -> None:
    """And nothing about a reply is due or counted."""
    complaints = book(("reply_before_close: true", "reply_before_close: false"))
    for status in ("received", "investigating", "resolved"):
        process(complaints, status, MONDAY)
    assert complaints.advance(MONTHS_LATER) == []
    assert _kinds(process(complaints, "closed", MONTHS_LATER)) == [Kind.COMPLETED]
    assert not any(duty is Duty.REPLY for duty, *_ in complaints.counts.duties)


def test_withdrawn_ends_everything_and_counts_for_nothing() -> None:
    """Neither on time nor late."""
    complaints = book()
    process(complaints, "received", MONDAY)
    assert _kinds(process(complaints, "withdrawn", "2026-03-20T00:00")) == [Kind.COMPLETED]
    assert complaints.advance(MONTHS_LATER) == []
    assert not complaints.counts.duties


def test_illegal_steps_are_reported_with_what_was_asked() -> None:
    """Back, or after the end: the complaint stays, the event is not lost."""
    complaints = book()
    for status in ("received", "investigating"):
        process(complaints, status, MONDAY)
    (back,) = process(complaints, "received", "2026-03-03T00:00")
    assert (back.kind, back.tier) == (Kind.ILLEGAL_TRANSITION, Tier.BLUE)
    assert (back.problem, back.status, back.asked) == (
        Problem.STEP_BACK,
        Status.INVESTIGATING,
        Status.RECEIVED,
    )
    process(complaints, "withdrawn", "2026-03-03T01:00")
    (after,) = process(complaints, "investigating", "2026-03-04T00:00")
    assert (after.problem, after.status) == (Problem.AFTER_END, Status.WITHDRAWN)
    assert after.event_id == f"K1-investigating-{ms('2026-03-04T00:00')}"
    assert complaints.counts.problems == {Problem.STEP_BACK: 1, Problem.AFTER_END: 1}


def test_another_customer_changes_nothing() -> None:
    """A complaint belongs to its first customer."""
    complaints = book()
    process(complaints, "received", MONDAY)
    (notice,) = process(complaints, "withdrawn", "2026-03-02T01:00", customer_id="C2")
    assert (notice.problem, notice.customer_id) == (Problem.OTHER_CUSTOMER, "C1")
    assert complaints.backlog == {(Status.RECEIVED, "hotline"): 1}


@pytest.mark.parametrize("status", ["investigating", "resolved", "replied"])
def test_an_unknown_complaint_opens_where_it_stands(status: str) -> None:
    """What it has behind it is not due; the rest is."""
    complaints = book()
    (notice,) = process(complaints, status, MONDAY)
    assert (notice.kind, notice.problem) == (Kind.ILLEGAL_TRANSITION, Problem.UNKNOWN)
    owed = {each.duty for each in complaints.advance(MONTHS_LATER)}
    expected = {
        "investigating": {Duty.RESOLVE, Duty.REPLY},
        "resolved": {Duty.REPLY},
        "replied": set(),
    }
    assert owed == expected[status]
    assert not complaints.counts.duties


def test_an_unknown_complaint_that_is_over_is_over() -> None:
    """It is reported, and remembered."""
    complaints = book()
    assert _kinds(process(complaints, "closed", MONDAY)) == [
        Kind.ILLEGAL_TRANSITION,
        Kind.COMPLETED,
    ]
    assert process(complaints, "closed", MONDAY) == []


def test_a_late_receipt_moves_the_deadlines_forward() -> None:
    """The term runs from the receipt, whenever one hears of it."""
    complaints = book()
    process(complaints, "investigating", "2026-03-04T09:00")
    assert process(complaints, "received", MONDAY) == []
    first = complaints.advance(MONTHS_LATER)[0]
    assert (first.at_ms, first.due_ms) == (ms("2026-03-10T00:00"), ms("2026-03-18T00:00"))
    assert first.event_id == f"K1-investigating-{ms('2026-03-04T09:00')}"


def test_a_late_step_between_is_history() -> None:
    """Resolved was reported for skipping it; now all is well, also if it is told twice."""
    complaints = book()
    process(complaints, "received", MONDAY)
    (skipped,) = process(complaints, "resolved", "2026-03-06T00:00")
    assert skipped.problem is Problem.SKIPPED
    for _ in range(2):
        assert process(complaints, "investigating", "2026-03-03T00:00") == []
    assert complaints.counts.problems == {Problem.SKIPPED: 1}


def test_a_step_forward_told_with_an_older_time_does_not_set_the_clock_back() -> None:
    """What is older than the newest step stays history."""
    complaints = book()
    process(complaints, "investigating", "2026-03-02T10:00")
    assert process(complaints, "resolved", "2026-03-02T09:00") == []
    assert process(complaints, "received", "2026-03-02T09:30") == []


def test_deadlines_that_reach_into_an_unpublished_year_are_provisional() -> None:
    """Until its days are named, then they are reckoned anew and the mark is gone."""
    complaints = book()
    process(complaints, "received", "2026-12-30T00:00")
    published = book(("off: []}", "off: [2027-01-01, 2027-01-04, 2027-02-08]}"))
    published.restore(complaints.snapshot())
    mark, moved = complaints.advance(MONTHS_LATER * 2)[2], published.advance(MONTHS_LATER * 2)[2]
    assert (mark.due_ms, mark.provisional) == (ms("2027-01-05T00:00"), True)
    assert (moved.due_ms, moved.provisional) == (ms("2027-01-06T00:00"), False)


def test_three_complaints_in_a_month_are_repeated() -> None:
    """Different ones of one customer; each further one as well."""
    complaints = book()
    for complaint_id in ("K1", "K2", "K2", "K1"):
        assert process(complaints, "received", "2026-03-02T00:00", complaint_id) == []
    assert process(complaints, "received", "2026-03-05T00:00", "K3", customer_id="C2") == []
    for complaint_id in ("K4", "K5"):
        (notice,) = process(complaints, "received", "2026-03-30T00:00", complaint_id)
        assert (notice.kind, notice.tier) == (Kind.REPEATED, Tier.YELLOW)
        assert (notice.count, notice.days) == (3, 30)
    assert process(complaints, "received", "2026-05-05T00:00", "K6") == []


def test_the_backlog_is_by_status_and_channel() -> None:
    """Kept as complaints move, gone when they are over."""
    complaints = book()
    process(complaints, "received", MONDAY, "K1")
    process(complaints, "received", MONDAY, "K2", "C2", "app")
    process(complaints, "investigating", MONDAY, "K2", "C2", "app")
    assert complaints.backlog == {(Status.RECEIVED, "hotline"): 1, (Status.INVESTIGATING, "app"): 1}
    process(complaints, "withdrawn", MONDAY, "K1")
    assert complaints.backlog == {(Status.INVESTIGATING, "app"): 1}


def test_no_room_lets_the_complaint_silent_for_longest_go() -> None:
    """It is told and counted, and no warning of it comes."""
    complaints = book(("max_open_complaints: 100000", "max_open_complaints: 2"))
    process(complaints, "received", MONDAY, "K1", "C1")
    process(complaints, "received", MONDAY, "K2", "C2")
    process(complaints, "investigating", MONDAY, "K1", "C1")
    (notice,) = process(complaints, "received", "2026-03-03T00:00", "K3", "C3")
    assert (notice.kind, notice.complaint_id) == (Kind.FORGOTTEN, "K2")
    assert (notice.event_id, notice.at_ms) == (f"K2-received-{ms(MONDAY)}", ms("2026-03-03T00:00"))
    assert complaints.limits == {Limit.OPEN_COMPLAINTS: 1}
    assert {each.complaint_id for each in complaints.advance(MONTHS_LATER)} == {"K1", "K3"}
    assert sum(complaints.backlog.values()) == 2


def test_ended_complaints_and_customers_are_forgotten_in_their_turn() -> None:
    """A step after the end of a forgotten one looks like a new complaint, and is reported."""
    complaints = book(
        ("max_ended_complaints: 100000", "max_ended_complaints: 1"),
        ("max_customers: 100000", "max_customers: 1"),
    )
    for number in "12":
        process(complaints, "received", MONDAY, f"K{number}", f"C{number}")
        process(complaints, "withdrawn", MONDAY, f"K{number}", f"C{number}")
    limits = complaints.limits
    assert limits == {Limit.ENDED_COMPLAINTS: 1, Limit.COMPLAINING_CUSTOMERS: 1}
    (notice,) = process(complaints, "investigating", "2026-03-03T00:00", "K1", "C1")
    assert notice.problem is Problem.UNKNOWN


def test_an_unknown_status_is_an_error() -> None:
    """Ingest lets none through."""
    with pytest.raises(ValueError, match="lost"):
        process(book(), "lost", MONDAY)


def test_a_changed_policy_holds_for_open_complaints() -> None:
    """A warning given is not given again, and a reply no longer needed is not due."""
    before: Complaints = book()
    process(before, "received", MONDAY)
    assert len(before.advance(ms("2026-03-12T00:00"))) == 4
    after = book(("resolve: 15d", "resolve: 20d"), ("close: true", "close: false"))
    after.restore(before.snapshot())
    notices = after.advance(MONTHS_LATER)
    assert _warnings(notices) == [
        (Duty.RESOLVE, "20d", 0.8, Tier.YELLOW),
        (Duty.RESOLVE, "20d", 1.0, Tier.ORANGE),
        (Duty.RESOLVE, "30wd", 1.0, Tier.RED),
    ]
