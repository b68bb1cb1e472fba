"""Notices as claims: one alert a complaint, as urgent as what stands against it."""

from zoneinfo import ZoneInfo

from msgspec.structs import replace

from sentinel.complaints import Alarms, Duty, Kind, Notice, Problem, Status
from sentinel.complaints.term import Term
from sentinel.model.alert import Resolution, Tier
from sentinel.model.alert_update import AlertResolution, AlertUpdate

NOTICE = Notice(
    kind=Kind.RESOLVE_DUE,
    complaint_id="P1",
    customer_id="C1",
    channel="app",
    product=None,
    category=None,
    branch_id=None,
    status=Status.INVESTIGATING,
    at_ms=1_767_225_600_000,
    event_id="E1",
    recorded_ms=1_767_225_600_005,
    tier=Tier.BLUE,
    duty=Duty.RESOLVE,
    term=Term(15, working=False),
    fraction=0.5,
    due_ms=1_768_000_000_000,
)
ACKNOWLEDGE = replace(NOTICE, kind=Kind.ACKNOWLEDGE_DUE, duty=Duty.ACKNOWLEDGE)
MET = replace(NOTICE, kind=Kind.MET, tier=None, fraction=None)


def _alarms() -> Alarms:
    return Alarms(ZoneInfo("Asia/Shanghai"))


def test_a_warning_claims_an_alert_on_the_complaint() -> None:
    """Its entity is the complaint, its key the customer, its risk legal."""
    update = _alarms().apply(NOTICE)
    assert isinstance(update, AlertUpdate)
    assert (update.entity.kind, update.entity.id, update.key) == ("complaint", "P1", "C1")
    assert (update.tier, update.is_news) == (Tier.BLUE, True)
    assert update.reasons[0].rule_id == "complaint.resolve"
    assert update.title.zh


def test_a_later_warning_of_the_same_duty_takes_the_place_of_the_earlier() -> None:
    """One reason, counted twice, at the higher tier."""
    alarms = _alarms()
    alarms.apply(NOTICE)
    update = alarms.apply(replace(NOTICE, tier=Tier.YELLOW, fraction=0.8))
    assert isinstance(update, AlertUpdate)
    assert (update.tier, len(update.reasons), update.reasons[0].count) == (Tier.YELLOW, 1, 2)


def test_the_most_urgent_of_what_stands_decides() -> None:
    """Two duties, two reasons, the stronger first; when it is met the other one is left."""
    alarms = _alarms()
    alarms.apply(NOTICE)
    update = alarms.apply(replace(ACKNOWLEDGE, tier=Tier.ORANGE))
    assert isinstance(update, AlertUpdate)
    assert (update.tier, [each.severity for each in update.reasons]) == (Tier.ORANGE, [70, 25])
    assert [each.tier_without for each in update.reasons] == [Tier.BLUE, Tier.ORANGE]
    left = alarms.apply(replace(MET, duty=Duty.ACKNOWLEDGE))
    assert isinstance(left, AlertUpdate)
    assert (left.tier, left.is_news) == (Tier.BLUE, False)


def test_what_is_met_or_over_ends_the_alert() -> None:
    """The last duty met, or the complaint closed: an ending; nothing stood: nothing."""
    alarms = _alarms()
    alarms.apply(NOTICE)
    assert isinstance(alarms.apply(MET), AlertResolution)
    assert alarms.apply(replace(MET, kind=Kind.COMPLETED)) is None
    alarms.apply(NOTICE)
    resolved = alarms.apply(replace(MET, kind=Kind.FORGOTTEN))
    assert isinstance(resolved, AlertResolution)
    assert resolved.resolution is Resolution.DISPLACED


def test_an_extension_takes_the_place_of_the_warning_it_answers() -> None:
    """The alert falls to blue and names the approver; where nobody was warned, there is none."""
    alarms = _alarms()
    extended = replace(
        NOTICE, kind=Kind.EXTENDED, tier=None, fraction=None, approved_by="chief", event_id="E2"
    )
    assert alarms.apply(extended) is None
    alarms.apply(replace(NOTICE, tier=Tier.YELLOW))
    update = alarms.apply(extended)
    assert isinstance(update, AlertUpdate)
    assert (update.tier, update.is_news, len(update.reasons)) == (Tier.BLUE, False, 1)
    assert "chief" in update.reasons[0].title.en
    assert "chief" in update.reasons[0].title.zh
    assert isinstance(alarms.apply(MET), AlertResolution)


def test_problems_stand_beside_deadlines() -> None:
    """A step back is a reason of its own, and does not go when a duty is met."""
    alarms = _alarms()
    problem = replace(
        NOTICE, kind=Kind.ILLEGAL_TRANSITION, duty=None, problem=Problem.STEP_BACK, asked=None
    )
    alarms.apply(NOTICE)
    alarms.apply(replace(problem, asked=Status.RECEIVED))
    left = alarms.apply(MET)
    assert isinstance(left, AlertUpdate)
    assert [reason.rule_id for reason in left.reasons] == ["complaint.step_back"]


def test_alarms_go_on_from_a_snapshot() -> None:
    """The restored one says what the original would have."""
    first, second = _alarms(), _alarms()
    first.apply(NOTICE)
    first.apply(replace(ACKNOWLEDGE, complaint_id="P2"))
    second.restore(first.snapshot())
    assert second.snapshot() == first.snapshot()
    later = replace(NOTICE, tier=Tier.ORANGE, fraction=1.0)
    assert second.apply(later) == first.apply(later)
