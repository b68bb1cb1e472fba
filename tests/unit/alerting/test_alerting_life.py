"""The life of an alert: answers, escalation, suppression and its ends."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from sentinel.alerting import Alerting, load
from sentinel.model.alert import (
    Alert,
    AlertState,
    Change,
    Escalation,
    Resolution,
    Suppression,
    Suppressor,
    Tier,
)
from sentinel.model.document import parse
from sentinel.model.events import Stream
from sentinel.model.response import Response, ResponseKind, ResponseResult, Silence, Verdict
from sentinel.model.signal import Action, Clause, Risk, Signal, Stage, Title
from sentinel.model.step import SignalDrop

CONFIGS = Path(__file__).parents[3] / "configs"
MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_767_225_600_000  # 2026-01-01T08:00 in Shanghai, a Thursday
YELLOW, ORANGE, RED = 50, 70, 90


class Desk:
    """Alerting with a clock in hours after the start, and what it has said."""

    def __init__(self, **suppression: str) -> None:
        shipped = {
            "inhibit": "[]",
            "allow": "[]",
            "maintenance": "[]",
            "capacity": "{per: 1h, alerts: {}}",
            "silences": "{most: 2, longest: 30d, wide: 8h}",
            **suppression,
        }
        self.alerting: Alerting = load(
            parse((CONFIGS / "tiers.yaml").read_text("utf-8"), "tiers.yaml"),
            parse("\n".join(f"{k}: {v}" for k, v in shipped.items()), "suppression.yaml"),
            ZoneInfo("Asia/Shanghai"),
        )
        self.alerting.begin("v1")
        self.events = 0

    def fires(self, hours: float, severity: int, **changes: Any) -> list[Alert]:
        """A rule fires on an event at that time."""
        self.events += 1
        moment = START + round(hours * HOUR)
        signal = Signal(
            place=0,
            rule_id=changes.pop("rule", "ato.drain"),
            entity_id=changes.pop("customer", "C1"),
            stream=Stream.TRANSACTION,
            event_id=changes.pop("event", f"E{self.events}"),
            event_time=moment,
            recorded_ms=moment + 5,
            risk=changes.pop("risk", Risk.OPERATIONAL),
            severity=severity,
            stage=Stage.LIVE,
            title=Title("Drain", "盗转"),
            clauses=(Clause("n > 1", {"n": 2.0}),),
            actions=(Action.HOLD_TRANSFER,),
            runbook="docs/runbooks/account-takeover.md",
        )
        self.alerting.advance(moment)
        self.alerting.take([replace(signal, **changes)])
        return self.said()

    def answers(self, hours: float, alert: Alert, kind: ResponseKind, **more: Any) -> list[Alert]:
        """Li Wei answers an alert."""
        moment = START + round(hours * HOUR)
        response = Response(
            response_id="R1",
            event_time=moment,
            key=alert.key,
            alert_id=alert.alert_id,
            kind=kind,
            actor="li.wei",
            **more,
        )
        self.alerting.advance(moment)
        self.alerting.respond(response, moment)
        return self.said()

    def silences(
        self,
        matcher: str,
        start: float,
        end: float,
        name: str = "s1",
        *,
        approved_by: str | None = "wang.fang",
    ) -> list[Alert]:
        """Two people silence what a matcher matches; ``refusal`` says why that is not so."""
        silence = Silence(
            silence_id=name,
            matchers=(matcher,),
            starts_at=START + round(start * HOUR),
            ends_at=START + round(end * HOUR),
            created_by="li.wei",
            comment="",
        )
        self.refusal = self.alerting.silence(silence)
        if approved_by is not None and self.refusal is None:
            approved = replace(silence, approved_by=approved_by)
            self.refusal = self.alerting.silence(approved)
        return self.said()

    def waits(self, hours: float) -> list[Alert]:
        """Time passes until that hour."""
        self.alerting.advance(START + round(hours * HOUR))
        return self.said()

    def said(self) -> list[Alert]:
        """What was said since the last call."""
        self.last = self.alerting.finish()
        return self.last.alerts


def test_an_alert_fires_is_acknowledged_and_resolves_when_quiet() -> None:
    """The whole life: three states, revisions one to three, the last at the quiet period's end."""
    desk = Desk()
    (fired,) = desk.fires(0, RED)
    (taken,) = desk.answers(0.1, fired, ResponseKind.ACKNOWLEDGE)
    (over,) = desk.waits(25)
    assert [each.state for each in (fired, taken, over)] == list(AlertState)
    assert [each.revision for each in (fired, taken, over)] == [1, 2, 3]
    assert (taken.change, taken.acknowledged_by) == (Change.ACKNOWLEDGED, "li.wei")
    assert (over.resolution, over.updated_at) == (Resolution.QUIET, START + 24 * HOUR + 1)
    assert desk.alerting.standings() == dict.fromkeys(desk.alerting.standings(), 0)
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
    (over,) = desk.answers(1, fired, ResponseKind.DISPOSITION, verdict=verdict)
    assert (over.state, over.resolution) == (AlertState.RESOLVED, Resolution(verdict))
    assert desk.last.responses == {(ResponseKind.DISPOSITION, ResponseResult.APPLIED): 1}
    (again,) = desk.fires(2, RED)
    assert again.alert_id != fired.alert_id
    assert again.reasons[0].count == 1


def test_an_event_that_was_judged_is_not_judged_again() -> None:
    """Sent again after the verdict it opens nothing, and is counted."""
    desk = Desk()
    (fired,) = desk.fires(0, RED, event="E")
    desk.answers(1, fired, ResponseKind.DISPOSITION, verdict=Verdict.CONFIRMED)
    assert desk.fires(0, RED, event="E") == []
    assert desk.last.dropped == {SignalDrop.ANSWERED: 1}


CALL = (Action.CALL_CUSTOMER,)


def test_after_a_false_positive_the_like_is_suppressed_for_a_while() -> None:
    """Cooldown: the same customer, risk and rule, no higher tier."""
    desk = Desk()
    (fired,) = desk.fires(0, ORANGE, actions=CALL)
    desk.answers(0.5, fired, ResponseKind.DISPOSITION, verdict=Verdict.FALSE_POSITIVE)
    (cooled,) = desk.fires(2, ORANGE, actions=CALL)
    assert cooled.suppressed == (Suppressor(Suppression.COOLDOWN, "orange"),)
    assert [each.action for each in desk.last.action_requests] == [Action.CALL_CUSTOMER]
    (other,) = desk.fires(2, ORANGE, risk=Risk.LEGAL, actions=CALL)
    assert other.suppressed == ()
    (risen,) = desk.fires(2.9, RED, actions=CALL)
    assert (risen.change, risen.suppressed) == (Change.ROSE, ())


@pytest.mark.parametrize(
    "news",
    [
        {"rule": "mule.pass-through", "actions": CALL},
        {"severity": RED, "actions": CALL},
        {"actions": (Action.HOLD_TRANSFER,)},
        {"actions": (Action.FREEZE_ACCOUNT, Action.REVIEW_ACCOUNT)},
    ],
    ids=["another rule", "red", "a transfer to hold", "an account to freeze"],
)
def test_a_false_positive_frees_nobody(news: dict[str, Any]) -> None:
    """Even after one on red: another rule, red and whatever asks for containment are told."""
    desk = Desk()
    (fired,) = desk.fires(0, RED, actions=news["actions"])
    desk.answers(0.5, fired, ResponseKind.DISPOSITION, verdict=Verdict.FALSE_POSITIVE)
    (told,) = desk.fires(1, **{"severity": ORANGE, **news})
    assert told.suppressed == ()
    requested = [each.action for each in desk.last.action_requests]
    assert requested == list(news["actions"])


def test_rules_judged_one_after_the_other_cool_down_each_for_itself() -> None:
    """Two verdicts in one day: both rules' alerts are suppressed, each until its own end."""
    desk = Desk()
    for hours, rule in ((0, "a.b"), (2, "c.d")):
        (fired,) = desk.fires(hours, YELLOW, rule=rule, actions=CALL)
        desk.answers(hours + 1, fired, ResponseKind.DISPOSITION, verdict=Verdict.FALSE_POSITIVE)
    (cooled,) = desk.fires(4, YELLOW, rule="a.b", actions=CALL)
    assert [each.reason for each in cooled.suppressed] == [Suppression.COOLDOWN]
    (both,) = desk.fires(4, 20, rule="c.d", actions=CALL)
    assert both.tier is Tier.ORANGE  # more urgent than either was
    assert both.suppressed == ()


def test_whether_people_are_disturbed_and_machines_act_are_two_decisions() -> None:
    """Without capacity for one more page a transfer is held all the same."""
    desk = Desk(capacity="{per: 1h, alerts: {yellow: 0}}")
    (fired,) = desk.fires(0, YELLOW)
    assert [each.reason for each in fired.suppressed] == [Suppression.CAPACITY]
    assert [each.action for each in desk.last.action_requests] == [Action.HOLD_TRANSFER]


def test_a_test_customers_transfer_is_not_held() -> None:
    """What the allow-list says holds for machines, too; counted once, however the alert grows."""
    desk = Desk(allow='[{name: t, match: [entity="C1"], until: "2030-01-01T00:00:00Z"}]')
    desk.fires(0, YELLOW)
    assert desk.last.action_requests == []
    assert desk.last.withheld == {(Action.HOLD_TRANSFER, Suppression.ALLOW_LIST): 1}
    desk.fires(1, ORANGE, rule="another")
    assert (desk.last.action_requests, desk.last.withheld) == ([], {})


def test_what_withholds_an_action_is_configured() -> None:
    """A silence that withholds reviews, and their request when it ends; nothing twice."""
    desk = Desk(withhold="{default: [], actions: {review_account: [silence]}}")
    desk.silences('entity="C1"', 0, 2)
    both = (Action.HOLD_TRANSFER, Action.REVIEW_ACCOUNT)
    desk.fires(1, YELLOW, actions=both)
    assert [each.action for each in desk.last.action_requests] == [Action.HOLD_TRANSFER]
    assert desk.last.withheld == {(Action.REVIEW_ACCOUNT, Suppression.SILENCE): 1}
    (released,) = desk.waits(2.5)
    assert released.change is Change.RELEASED
    assert [each.action for each in desk.last.action_requests] == [Action.REVIEW_ACCOUNT]
    assert not desk.last.withheld


def test_a_cooldown_ends() -> None:
    """What is open and suppressed by it then is released."""
    desk = Desk()
    (fired,) = desk.fires(0, YELLOW, actions=CALL)
    desk.answers(1, fired, ResponseKind.DISPOSITION, verdict=Verdict.FALSE_POSITIVE)
    desk.fires(20, YELLOW, actions=CALL)
    (released,) = desk.waits(25)
    assert (released.change, released.suppressed) == (Change.RELEASED, ())
    assert released.updated_at == START + 25 * HOUR


def test_an_answer_to_what_is_not_open_is_counted() -> None:
    """Unknown or over: nothing happens but the count."""
    desk = Desk()
    (fired,) = desk.fires(0, RED)
    desk.waits(30)
    assert desk.answers(31, fired, ResponseKind.ACKNOWLEDGE) == []
    assert desk.last.responses == {(ResponseKind.ACKNOWLEDGE, ResponseResult.NOT_OPEN): 1}


def test_answers_given_twice_change_nothing() -> None:
    """A second acknowledgement or the same assignee is no revision."""
    desk = Desk()
    (fired,) = desk.fires(0, RED)
    desk.answers(1, fired, ResponseKind.ACKNOWLEDGE)
    assert desk.answers(2, fired, ResponseKind.ACKNOWLEDGE) == []
    assert desk.last.responses == {(ResponseKind.ACKNOWLEDGE, ResponseResult.UNCHANGED): 1}
    (assigned,) = desk.answers(3, fired, ResponseKind.ASSIGN, assignee="wang.fang")
    assert (assigned.change, assigned.assignee) == (Change.ASSIGNED, "wang.fang")
    assert desk.answers(4, fired, ResponseKind.ASSIGN, assignee="wang.fang") == []


def test_a_note_is_only_counted() -> None:
    """It is for the case; the alert does not change."""
    desk = Desk()
    (fired,) = desk.fires(0, RED)
    assert desk.answers(1, fired, ResponseKind.NOTE, note="called") == []
    assert desk.last.responses == {(ResponseKind.NOTE, ResponseResult.APPLIED): 1}


def test_what_rises_must_be_answered_again() -> None:
    """An acknowledged orange alert that turns red fires anew."""
    desk = Desk()
    (fired,) = desk.fires(0, ORANGE)
    desk.answers(0.1, fired, ResponseKind.ACKNOWLEDGE)
    (risen,) = desk.fires(0.2, RED)
    assert (risen.state, risen.acknowledged_by) == (AlertState.FIRING, None)


def test_an_unanswered_alert_escalates_by_age_until_red() -> None:
    """Yellow for eight hours, then orange for one; answered in time, neither."""
    desk = Desk()
    desk.fires(0, YELLOW)
    (orange,) = desk.waits(8.5)
    (red,) = desk.waits(10)
    assert (orange.tier, orange.previous_tier) == (Tier.ORANGE, Tier.YELLOW)
    assert (red.tier, red.escalations) == (Tier.RED, (Escalation.AGE, Escalation.AGE))
    assert (orange.updated_at, red.updated_at) == (START + 8 * HOUR, START + 9 * HOUR)
    answered = Desk()
    (fired,) = answered.fires(0, YELLOW)
    answered.answers(7.9, fired, ResponseKind.ACKNOWLEDGE)
    assert answered.waits(23) == []


def test_many_firings_escalate_once() -> None:
    """The thousandth firing raises the tier by one, and none after it does."""
    desk = Desk()
    said = [alert for n in range(1_500) for alert in desk.fires(n / 10_000, YELLOW)]
    (escalated,) = (alert for alert in said if alert.change is Change.ESCALATED)
    assert escalated.escalations == (Escalation.GROWTH,)
    assert (escalated.tier, escalated.reasons[0].count) == (Tier.ORANGE, 1_000)


def test_a_retracted_event_is_taken_out_of_the_alert() -> None:
    """The rest is said anew; clauses of the event that is gone are not shown any more."""
    desk = Desk()
    desk.fires(0, YELLOW, event="a", rule="one")
    (both,) = desk.fires(0.1, YELLOW, event="b", rule="two")
    (less,) = desk.answers(0.2, both, ResponseKind.RETRACT, event_id="b")
    assert (less.change, less.tier) == (Change.CORRECTED, Tier.YELLOW)
    assert [reason.rule_id for reason in less.reasons] == ["one"]
    assert desk.answers(0.3, both, ResponseKind.RETRACT, event_id="b") == []
    (over,) = desk.answers(0.4, both, ResponseKind.RETRACT, event_id="a")
    assert over.resolution is Resolution.RETRACTED


def test_retracting_the_newest_firing_of_a_rule_leaves_the_others() -> None:
    """Count and times are those of what is left; its clauses belonged to what is gone."""
    desk = Desk()
    (fired,) = desk.fires(0, RED, event="a")
    desk.fires(1, RED, event="b")
    (less,) = desk.answers(2, fired, ResponseKind.RETRACT, event_id="b")
    (reason,) = less.reasons
    assert (reason.count, reason.last_event_time, reason.clauses) == (1, START, ())


def test_a_silence_suppresses_and_releases_what_is_open() -> None:
    """From its start to its end, each with a revision of the alerts that it matches."""
    desk = Desk()
    desk.fires(0, RED)
    assert desk.silences('risk="operational"', 1, 3) == []
    (suppressed,) = desk.waits(1)
    assert (suppressed.change, suppressed.suppressed[0].by) == (Change.SUPPRESSED, "s1")
    (born,) = desk.fires(2, RED, customer="C2")
    assert (born.change, born.suppressed[0].reason) == (Change.OPENED, Suppression.SILENCE)
    released = desk.waits(3)
    assert [(each.change, each.suppressed) for each in released] == [(Change.RELEASED, ())] * 2


def test_a_silence_may_be_expired_early() -> None:
    """The newest record of its id counts."""
    desk = Desk()
    desk.fires(0, RED)
    (suppressed,) = desk.silences("tier=red", -1, 5)
    (released,) = desk.silences("tier=red", -1, 0)
    assert (suppressed.change, released.change) == (Change.SUPPRESSED, Change.RELEASED)
    assert desk.waits(6) == []


def test_silences_are_bounded_in_number() -> None:
    """A third one is refused and silences nothing; what is there can be changed and ended."""
    desk = Desk()
    desk.silences("tier=blue", 0, 8, "a")
    desk.silences("tier=blue", 0, 8, "b")
    desk.silences("tier=red", 0, 8, "c")
    assert desk.refusal == "there are 2 silences already"
    assert desk.fires(1, RED)[0].suppressed == ()
    desk.silences("tier=blue", 0, 7, "a")
    assert desk.refusal is None
    desk.silences("tier=blue", 0, 1, "c")  # is over
    assert desk.refusal is None


@pytest.mark.parametrize(
    ("matcher", "hours", "refusal"),
    [
        ("entity=C1", 720, None),
        ("entity=C1", 721, "it is longer than 720 h"),
        ("rule=ato.drain", 720, None),
        ("tier=blue", 8, None),
        ("tier=blue", 9, "it is longer than 8 h and names neither one entity nor one rule"),
        ("entity=~.*", 9, "it is longer than 8 h and names neither one entity nor one rule"),
        ("entity!=C1", 9, "it is longer than 8 h and names neither one entity nor one rule"),
    ],
)
def test_silences_are_bounded_in_length(matcher: str, hours: float, refusal: str | None) -> None:
    """A wide one is short; one that is refused silences nothing."""
    desk = Desk()
    desk.silences(matcher, 0, hours)
    assert desk.refusal == refusal
    fired = desk.fires(1, 20, actions=CALL)[0]
    assert (fired.tier, bool(fired.suppressed)) == (Tier.BLUE, refusal is None)


def test_one_person_cannot_silence_red() -> None:
    """Whatever its matchers say; until another approves it, and of what rises to red no more."""
    desk = Desk()
    desk.silences("entity=C1", 0, 24, approved_by=None)
    (small,) = desk.fires(1, ORANGE)
    assert small.suppressed == (Suppressor(Suppression.SILENCE, "s1"),)
    (risen,) = desk.fires(2, RED, rule="another")
    assert (risen.change, risen.suppressed) == (Change.ROSE, ())
    (quiet,) = desk.silences("entity=C1", 0, 24)
    assert (quiet.change, quiet.suppressed) == (Change.SUPPRESSED, small.suppressed)


def test_a_bigger_alert_inhibits_the_smaller_ones_of_its_customer() -> None:
    """While it is open; other customers' are not touched."""
    desk = Desk(inhibit="[{source: ['tier=red'], target: ['tier=~\"yellow|blue\"']}]")
    (small,) = desk.fires(0, YELLOW, risk=Risk.LEGAL)
    big, covered = desk.fires(0.1, RED)
    assert (covered.alert_id, covered.change) == (small.alert_id, Change.SUPPRESSED)
    assert covered.suppressed == (Suppressor(Suppression.INHIBITED, big.alert_id),)
    assert desk.fires(0.2, YELLOW, customer="C2")[0].suppressed == ()
    over, released = desk.answers(1, big, ResponseKind.DISPOSITION, verdict=Verdict.CONFIRMED)
    assert (over.alert_id, released.alert_id) == (big.alert_id, small.alert_id)
    assert (released.change, released.suppressed) == (Change.RELEASED, ())


def test_allow_list_and_maintenance_suppress_while_they_are_on() -> None:
    """Both are marked; the window's end releases, the list's entry runs on."""
    desk = Desk(
        allow="[{name: test, match: ['entity=~\"T.*\"'], until: '2026-02-01T00:00:00+08:00'}]",
        maintenance="[{name: batch, match: ['risk=operational'], days: [thu],"
        " from: '09:00', to: '10:00'}]",
    )
    (allowed,) = desk.fires(0, RED, customer="T1", risk=Risk.LEGAL)
    assert allowed.suppressed == (Suppressor(Suppression.ALLOW_LIST, "test"),)
    (worked_on,) = desk.fires(1.5, RED)
    assert worked_on.suppressed == (Suppressor(Suppression.MAINTENANCE, "batch"),)
    (released,) = desk.waits(2)
    assert (released.alert_id, released.suppressed) == (worked_on.alert_id, ())


def test_what_is_beyond_capacity_waits_for_the_next_period() -> None:
    """The second yellow alert of an hour is said, marked; in the next hour people hear of it."""
    desk = Desk(capacity="{per: 1h, alerts: {yellow: 1}}")
    assert desk.fires(0, YELLOW)[0].suppressed == ()
    (waiting,) = desk.fires(0.1, YELLOW, customer="C2")
    assert waiting.suppressed == (Suppressor(Suppression.CAPACITY, "yellow"),)
    assert desk.fires(0.2, RED, customer="C3")[0].suppressed == ()
    (released,) = desk.waits(1)
    assert (released.alert_id, released.change) == (waiting.alert_id, Change.RELEASED)


def test_the_highest_score_gets_the_next_place() -> None:
    """However many wait and in whatever order they came, after a restart too."""
    desk = Desk(capacity="{per: 1h, alerts: {yellow: 1}}")
    desk.fires(0, YELLOW)
    for number, score in enumerate((1, 5, 3)):
        desk.fires(0.1 + number / 100, YELLOW + score, customer=f"W{number}")
    again = Desk(capacity="{per: 1h, alerts: {yellow: 1}}")
    again.alerting.restore(desk.alerting.snapshot())
    for each in (desk, again):
        released = [alert.entity.id for hour in (1, 2, 3, 4) for alert in each.waits(hour)]
        assert released == ["W1", "W2", "W0"]


def test_suppressed_alerts_do_not_grow_older() -> None:
    """That begins with the release."""
    desk = Desk()
    desk.silences("tier=~red|orange", 0, 5)
    (fired,) = desk.fires(1, ORANGE)
    assert [each.request_id for each in desk.last.action_requests] == [
        f"{fired.alert_id}.hold_transfer"
    ]
    (released,) = desk.waits(5)
    assert released.change is Change.RELEASED
    assert desk.last.action_requests == []
    (escalated,) = desk.waits(6)
    assert (escalated.change, escalated.updated_at) == (Change.ESCALATED, START + 6 * HOUR)


def test_several_things_may_suppress_at_once() -> None:
    """All are named; the alert is released when the last is over."""
    desk = Desk()
    desk.silences("tier=red", 0, 2, "a")
    desk.silences("risk=operational", 0, 3, "b")
    (fired,) = desk.fires(1, RED)
    assert [each.by for each in fired.suppressed] == ["a", "b"]
    (fewer,) = desk.waits(2)
    assert (fewer.change, [each.by for each in fewer.suppressed]) == (Change.SUPPRESSED, ["b"])
    assert desk.waits(3)[0].change is Change.RELEASED


def test_standings_count_what_is_open() -> None:
    """By tier, state and whether it is suppressed."""
    desk = Desk()
    (red,) = desk.fires(0, RED)
    desk.fires(0, YELLOW, customer="C2")
    desk.answers(0.1, red, ResponseKind.ACKNOWLEDGE)
    desk.silences("tier=yellow", 0, 5)
    counts = {key: count for key, count in desk.alerting.standings().items() if count}
    assert counts == {
        (Tier.RED, AlertState.ACKNOWLEDGED, False): 1,
        (Tier.YELLOW, AlertState.FIRING, True): 1,
    }
