"""Extensions: until when they hold, which have no effect, and what is told of them."""

import pytest
from tests.unit.complaints.books import book, ms, process

from sentinel.complaints import Complaints, Duty, Kind, Notice, Problem
from sentinel.model.alert import Tier

MONDAY = "2026-03-02T00:00"  # 15 days end with the 17th, 30 with 1 April, 30 working days with 14
MONTHS_LATER = ms("2026-08-01T00:00")


def _extend(
    complaints: Complaints,
    at: str,
    to: str | None = "30d",
    by: str | None = "chief",
    status: str = "investigating",
) -> list[Notice]:
    return process(complaints, status, at, extended_to=to, approved_by=by)


def _begun(*changes: tuple[str, str]) -> Complaints:
    complaints = book(*changes)
    process(complaints, "received", MONDAY)
    process(complaints, "investigating", MONDAY)
    return complaints


def _resolve(notices: list[Notice]) -> list[Notice]:
    return [notice for notice in notices if notice.duty is Duty.RESOLVE]


@pytest.mark.parametrize(
    ("to", "due", "term"),
    [
        ("30d", "2026-04-02T00:00", "30d"),
        ("20wd", "2026-03-31T00:00", "20wd"),
        ("2026-03-25", "2026-03-26T00:00", "23d"),
    ],
)
def test_an_approved_extension_moves_the_deadline(to: str, due: str, term: str) -> None:
    """To a term from the receipt or to a last day; the notice names who approved it."""
    complaints = _begun()
    (notice,) = _extend(complaints, "2026-03-10T00:00", to)
    assert (notice.kind, notice.duty, notice.tier) == (Kind.EXTENDED, Duty.RESOLVE, None)
    assert (notice.due_ms, str(notice.term), notice.approved_by) == (ms(due), term, "chief")
    warnings = _resolve(complaints.advance(MONTHS_LATER))
    assert [(each.due_ms, each.approved_by) for each in warnings[:3]] == [(ms(due), "chief")] * 3
    assert (warnings[3].tier, warnings[3].approved_by) == (Tier.RED, None)  # at the maximum
    assert not complaints.counts.problems


def test_warnings_given_are_not_given_again_and_the_rest_is_reckoned_anew() -> None:
    """Half of 15 days was warned of; four fifths and all are those of 30 days."""
    complaints = _begun()
    assert len(complaints.advance(ms("2026-03-10T00:00"))) == 1
    _extend(complaints, "2026-03-10T00:00")
    warnings = _resolve(complaints.advance(MONTHS_LATER))[:2]
    assert [each.fraction for each in warnings] == [0.8, 1.0]
    assert [each.at_ms for each in warnings] == [ms("2026-03-26T19:12"), ms("2026-04-02T00:00")]


def test_resolved_within_the_extension_is_on_time() -> None:
    """Late by the first term, in time by the extended one."""
    complaints = _begun()
    _extend(complaints, "2026-03-10T00:00")
    process(complaints, "resolved", ms("2026-04-02T00:00") - 1)
    assert complaints.counts.duties[Duty.RESOLVE, "hotline", "on_time"] == 1


def test_an_extension_goes_no_further_than_the_maximum() -> None:
    """Told as a problem, and cut: its only deadline is the maximum, which is red."""
    complaints = _begun()
    problem, extended = _extend(complaints, "2026-03-10T00:00", "60d")
    assert problem.problem is Problem.EXTENSION_BEYOND_MAXIMUM
    assert (extended.due_ms, str(extended.term)) == (ms("2026-04-15T00:00"), "30wd")
    warnings = _resolve(complaints.advance(MONTHS_LATER))
    assert [each.tier for each in warnings] == [Tier.BLUE, Tier.YELLOW, Tier.RED]
    assert warnings[2].approved_by == "chief"


def test_at_the_maximum_nothing_is_left_to_extend() -> None:
    """Where the term is the maximum already, the extension has no effect."""
    complaints = _begun(("resolve: 15d", "resolve: 30wd"))
    (notice,) = _extend(complaints, "2026-03-10T00:00", "60d")
    assert notice.problem is Problem.EXTENSION_BEYOND_MAXIMUM
    assert len(_resolve(complaints.advance(MONTHS_LATER))) == 3


@pytest.mark.parametrize(
    ("to", "by", "at", "problem"),
    [
        ("30d", None, "2026-03-10T00:00", Problem.EXTENSION_WITHOUT_APPROVAL),
        ("30d", "  ", "2026-03-10T00:00", Problem.EXTENSION_WITHOUT_APPROVAL),
        (None, "chief", "2026-03-10T00:00", Problem.EXTENSION_WITHOUT_TERM),
        ("30", "chief", "2026-03-10T00:00", Problem.EXTENSION_WITHOUT_TERM),
        ("2026-02-30", "chief", "2026-03-10T00:00", Problem.EXTENSION_WITHOUT_TERM),
        ("30d", "chief", "2026-03-18T00:00", Problem.EXTENSION_TOO_LATE),
        ("15d", "chief", "2026-03-10T00:00", Problem.EXTENSION_NOT_LONGER),
        ("2026-03-01", "chief", "2026-03-10T00:00", Problem.EXTENSION_NOT_LONGER),
    ],
)
def test_an_extension_that_is_not_as_it_must_be_has_no_effect(
    to: str | None, by: str | None, at: str, problem: Problem
) -> None:
    """It is told, counted, and the deadline stays."""
    complaints = _begun()
    (notice,) = _extend(complaints, at, to, by)
    assert (notice.kind, notice.problem) == (Kind.EXTENSION_PROBLEM, problem)
    assert notice.tier is Tier.YELLOW
    assert complaints.counts.problems[problem] == 1
    assert {each.due_ms for each in _resolve(complaints.advance(MONTHS_LATER))[:3]} == {
        ms("2026-03-18T00:00")
    }


def test_a_millisecond_before_the_deadline_is_not_too_late() -> None:
    """The time of the event decides, also if it is told after the deadline was warned of."""
    complaints = _begun()
    assert len(complaints.advance(ms("2026-03-20T00:00"))) == 3
    just = ms("2026-03-18T00:00") - 1
    (notice,) = process(complaints, "investigating", just, extended_to="30d", approved_by="chief")
    assert notice.kind is Kind.EXTENDED
    (again, red) = _resolve(complaints.advance(MONTHS_LATER))
    assert (again.at_ms, again.tier) == (ms("2026-04-02T00:00"), Tier.ORANGE)
    assert (red.at_ms, red.tier) == (ms("2026-04-15T00:00"), Tier.RED)


@pytest.mark.parametrize("status", ["resolved", "withdrawn"])
def test_what_is_resolved_or_over_is_not_extended(status: str) -> None:
    """Nothing is due that could be."""
    complaints = _begun()
    process(complaints, status, "2026-03-09T00:00")
    (notice,) = _extend(complaints, "2026-03-10T00:00", status=status)
    assert notice.problem is Problem.EXTENSION_TOO_LATE


def test_the_step_that_resolves_may_tell_of_the_extension() -> None:
    """The extension is applied before the step of its event."""
    complaints = _begun()
    (notice,) = _extend(complaints, "2026-03-17T00:00", status="resolved")
    assert notice.kind is Kind.EXTENDED


def test_steps_after_an_extension_may_repeat_it() -> None:
    """Also after the complaint is resolved; nothing is told twice."""
    complaints = _begun()
    _extend(complaints, "2026-03-10T00:00")
    assert _extend(complaints, "2026-03-12T00:00") == []
    assert _extend(complaints, "2026-04-10T00:00", status="resolved") == []
    assert _extend(complaints, "2026-04-11T00:00", status="replied") == []
    assert not complaints.counts.problems


def test_a_second_extension_must_end_later_and_come_in_time() -> None:
    """Before the deadline in force, which is that of the first."""
    complaints = _begun()
    _extend(complaints, "2026-03-10T00:00", "20d")
    (shorter,) = _extend(complaints, "2026-03-20T00:00", "18d", "director")
    assert shorter.problem is Problem.EXTENSION_NOT_LONGER
    (longer,) = _extend(complaints, "2026-03-20T00:00", "30d", "director")
    assert (longer.due_ms, longer.approved_by) == (ms("2026-04-02T00:00"), "director")
    assert _extend(complaints, "2026-03-10T00:00", "20d") == []  # the first one, told late
    (late,) = _extend(complaints, "2026-04-02T00:00", "40d", "director")
    assert late.problem is Problem.EXTENSION_TOO_LATE


def test_the_first_event_may_tell_of_an_extension() -> None:
    """A complaint that comes with an approved longer term has it from the beginning."""
    complaints = book()
    (notice,) = _extend(complaints, MONDAY, status="received")
    assert notice.due_ms == ms("2026-04-02T00:00")


def test_a_late_receipt_moves_an_extended_term_but_not_a_last_day() -> None:
    """A term runs from the receipt; a day is a day."""
    for to, due in (("30d", "2026-04-01T00:00"), ("2026-04-05", "2026-04-06T00:00")):
        complaints = book()
        process(complaints, "investigating", MONDAY)
        _extend(complaints, "2026-03-05T00:00", to)
        process(complaints, "received", "2026-03-01T00:00")
        assert _resolve(complaints.advance(MONTHS_LATER))[0].due_ms == ms(due)


def test_a_late_receipt_may_leave_no_warning() -> None:
    """It moves the maximum to the deadline that was warned of: the timer of the maximum is gone."""
    complaints = book()
    process(complaints, "investigating", MONDAY)
    _extend(complaints, "2026-03-05T00:00", "2026-04-10")
    assert len(_resolve(complaints.advance(ms("2026-04-11T00:00")))) == 3
    process(complaints, "received", "2026-02-20T00:00")
    assert _resolve(complaints.advance(MONTHS_LATER)) == []


def test_an_extension_of_another_customers_event_is_not_applied() -> None:
    """The event changes nothing."""
    complaints = _begun()
    (notice,) = process(
        complaints,
        "investigating",
        "2026-03-10T00:00",
        customer_id="C2",
        extended_to="30d",
        approved_by="chief",
    )
    assert notice.problem is Problem.OTHER_CUSTOMER
    assert _resolve(complaints.advance(MONTHS_LATER))[0].due_ms == ms("2026-03-18T00:00")


def test_an_extension_is_part_of_the_state() -> None:
    """A restored book has it; a changed policy may make the term longer still, never shorter."""
    complaints = _begun()
    _extend(complaints, "2026-03-10T00:00")
    restored, longer = book(), book(("resolve: 15d", "resolve: 35d"))
    for each in (restored, longer):
        each.restore(complaints.snapshot())
        assert each.snapshot() == complaints.snapshot()
    assert restored.advance(MONTHS_LATER) == complaints.advance(MONTHS_LATER)
    assert _resolve(longer.advance(MONTHS_LATER))[0].due_ms == ms("2026-04-07T00:00")
