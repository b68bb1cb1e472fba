"""The life of an alert: answers, escalation and its ends."""

import pytest
from tests.unit.alerting.desk import BLUE, HOUR, ORANGE, RED, START, YELLOW, Desk

from sentinel.model.alert import AlertState, Change, Escalation, Resolution, Tier
from sentinel.model.response import ResponseKind, ResponseResult, Verdict
from sentinel.model.step import SignalDrop


def test_an_alert_fires_is_acknowledged_and_resolves_when_quiet() -> None:
    """The whole life: three states, revisions one to three, the last at the quiet period's end."""
    desk = Desk()
    (fired,) = desk.fires(0, RED)
    (acknowledged,) = desk.respond(0.1, fired, ResponseKind.ACKNOWLEDGE)
    (over,) = desk.waits(25)
    assert [each.state for each in (fired, acknowledged, over)] == list(AlertState)
    assert [each.revision for each in (fired, acknowledged, over)] == [1, 2, 3]
    assert (acknowledged.change, acknowledged.acknowledged_by) == (Change.ACKNOWLEDGED, "li.wei")
    assert (over.resolution, over.updated_at) == (Resolution.QUIET, START + 24 * HOUR + 1)
    assert desk.alerting.states() == dict.fromkeys(desk.alerting.states(), 0)
    assert desk.waits(100) == []


def test_firing_again_puts_the_quiet_end_off() -> None:
    """The period counts from the newest event, said or not."""
    desk = Desk()
    desk.fires(0, RED)
    assert desk.fires(20, RED) == []
    assert desk.waits(43) == []
    assert desk.waits(44.1)[0].resolution is Resolution.QUIET


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_resolves(verdict: Verdict) -> None:
    """The resolution is the verdict; the next event opens another alert."""
    desk = Desk()
    (fired,) = desk.fires(0, RED)
    (over,) = desk.respond(1, fired, ResponseKind.DISPOSITION, verdict=verdict)
    assert (over.state, over.resolution) == (AlertState.RESOLVED, Resolution(verdict))
    assert desk.last.responses == {(ResponseKind.DISPOSITION, ResponseResult.APPLIED): 1}
    (again,) = desk.fires(2, RED)
    assert again.alert_id != fired.alert_id
    assert again.reasons[0].count == 1


def test_an_event_that_was_judged_is_not_judged_again() -> None:
    """Sent again after the verdict it opens nothing, and is counted."""
    desk = Desk()
    (fired,) = desk.fires(0, RED, event="E")
    desk.respond(1, fired, ResponseKind.DISPOSITION, verdict=Verdict.CONFIRMED)
    assert desk.fires(0, RED, event="E") == []
    assert desk.last.dropped == {SignalDrop.ANSWERED: 1}


def test_an_answer_to_what_is_not_open_is_counted() -> None:
    """Unknown or over: nothing happens but the count."""
    desk = Desk()
    (fired,) = desk.fires(0, RED)
    desk.waits(30)
    assert desk.respond(31, fired, ResponseKind.ACKNOWLEDGE) == []
    assert desk.last.responses == {(ResponseKind.ACKNOWLEDGE, ResponseResult.NOT_OPEN): 1}


def test_answers_given_twice_change_nothing() -> None:
    """A second acknowledgement or the same assignee is no revision."""
    desk = Desk()
    (fired,) = desk.fires(0, RED)
    desk.respond(1, fired, ResponseKind.ACKNOWLEDGE)
    assert desk.respond(2, fired, ResponseKind.ACKNOWLEDGE) == []
    assert desk.last.responses == {(ResponseKind.ACKNOWLEDGE, ResponseResult.UNCHANGED): 1}
    (assigned,) = desk.respond(3, fired, ResponseKind.ASSIGN, assignee="wang.fang")
    assert (assigned.change, assigned.assignee) == (Change.ASSIGNED, "wang.fang")
    assert desk.respond(4, fired, ResponseKind.ASSIGN, assignee="wang.fang") == []


def test_a_note_is_only_counted() -> None:
    """It is for the case; the alert does not change."""
    desk = Desk()
    (fired,) = desk.fires(0, RED)
    assert desk.respond(1, fired, ResponseKind.NOTE, note="called") == []
    assert desk.last.responses == {(ResponseKind.NOTE, ResponseResult.APPLIED): 1}


def test_what_rises_must_be_answered_again() -> None:
    """An acknowledged orange alert that turns red fires anew."""
    desk = Desk()
    (fired,) = desk.fires(0, ORANGE)
    desk.respond(0.1, fired, ResponseKind.ACKNOWLEDGE)
    (risen,) = desk.fires(0.2, RED)
    assert (risen.state, risen.acknowledged_by) == (AlertState.FIRING, None)


def test_an_unanswered_orange_alert_is_red_after_an_hour() -> None:
    """It is raised once, by its hour; answered in time it stays orange."""
    desk = Desk()
    desk.fires(0, ORANGE)
    (red,) = desk.waits(23)
    assert (red.tier, red.previous_tier) == (Tier.RED, Tier.ORANGE)
    assert (red.escalations, red.updated_at) == ((Escalation.AGE,), START + HOUR)
    answered = Desk()
    (fired,) = answered.fires(0, ORANGE)
    answered.respond(0.9, fired, ResponseKind.ACKNOWLEDGE)
    assert answered.waits(23) == []


@pytest.mark.parametrize("severity", [BLUE, YELLOW])
def test_age_does_not_raise_what_was_never_orange(severity: int) -> None:
    """An alert below orange by its score keeps its tier, however long nobody answers."""
    desk = Desk()
    desk.fires(0, severity)
    assert desk.waits(23) == []


def test_a_raised_alert_stands_one_tier_above_its_score() -> None:
    """When the score falls to yellow the tier is orange, and no second hour begins."""
    desk = Desk()
    desk.fires(0, ORANGE)
    desk.waits(2)
    (lower,) = desk.fires(8, 10, rule="other")
    assert (lower.tier, lower.score < 60) == (Tier.ORANGE, True)
    assert desk.waits(20) == []


def test_many_firings_escalate_once() -> None:
    """The thousandth firing raises the tier by one, and none after it does."""
    desk = Desk()
    written = [alert for n in range(1_500) for alert in desk.fires(n / 10_000, YELLOW)]
    (escalated,) = (alert for alert in written if alert.change is Change.ESCALATED)
    assert escalated.escalations == (Escalation.GROWTH,)
    assert (escalated.tier, escalated.reasons[0].count) == (Tier.ORANGE, 1_000)
    assert desk.waits(23) == []


def test_many_firings_never_make_red() -> None:
    """Only a score or an hour unanswered does: the hour begins when the score is orange."""
    desk = Desk()
    written = [alert for n in range(1_500) for alert in desk.fires(n / 10_000, ORANGE)]
    assert {alert.tier for alert in written} == {Tier.ORANGE}
    (red,) = desk.waits(2)
    assert (red.tier, red.updated_at) == (Tier.RED, START + HOUR)


def test_an_hour_begins_when_the_score_reaches_what_firings_gave() -> None:
    """An alert that is orange by firings ages from the moment at which its score is orange."""
    desk = Desk()
    for n in range(1_100):
        desk.fires(n / 10_000, YELLOW)
    assert desk.waits(2) == []
    (grown,) = desk.fires(3, ORANGE - 8, rule="other")
    assert (grown.tier, 60 <= grown.score < 80) == (Tier.ORANGE, True)
    (red,) = desk.waits(5)
    assert (red.tier, red.updated_at) == (Tier.RED, START + 4 * HOUR)


def test_a_retracted_event_is_taken_out_of_the_alert() -> None:
    """The rest is said anew; clauses of the event that is gone are not shown any more."""
    desk = Desk()
    desk.fires(0, YELLOW, event="a", rule="one")
    (both,) = desk.fires(0.1, YELLOW, event="b", rule="two")
    (less,) = desk.respond(0.2, both, ResponseKind.RETRACT, event_id="b")
    assert (less.change, less.tier) == (Change.CORRECTED, Tier.YELLOW)
    assert [reason.rule_id for reason in less.reasons] == ["one"]
    assert desk.respond(0.3, both, ResponseKind.RETRACT, event_id="b") == []
    (over,) = desk.respond(0.4, both, ResponseKind.RETRACT, event_id="a")
    assert over.resolution is Resolution.RETRACTED


def test_retracting_the_newest_firing_of_a_rule_leaves_the_others() -> None:
    """Count and times are those of what is left; its clauses belonged to what is gone."""
    desk = Desk()
    (fired,) = desk.fires(0, RED, event="a")
    desk.fires(1, RED, event="b")
    (less,) = desk.respond(2, fired, ResponseKind.RETRACT, event_id="b")
    (reason,) = less.reasons
    assert (reason.count, reason.last_event_time, reason.clauses) == (1, START, ())


def test_standings_count_what_is_open() -> None:
    """By tier, state and whether it is suppressed."""
    desk = Desk()
    (red,) = desk.fires(0, RED)
    desk.fires(0, YELLOW, customer="C2")
    desk.respond(0.1, red, ResponseKind.ACKNOWLEDGE)
    desk.silences("tier=yellow", 0, 5)
    counts = {key: count for key, count in desk.alerting.states().items() if count}
    assert counts == {
        (Tier.RED, AlertState.ACKNOWLEDGED, False): 1,
        (Tier.YELLOW, AlertState.FIRING, True): 1,
    }
