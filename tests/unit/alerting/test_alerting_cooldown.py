"""After a false positive: what is suppressed for a while, and what is not."""

from typing import Any

import pytest
from tests.unit.alerting.desk import CALL, HOUR, ORANGE, RED, START, YELLOW, Desk

from sentinel.model.alert import Change, Suppression, Suppressor, Tier
from sentinel.model.response import ResponseKind, Verdict
from sentinel.model.signal import Action, Risk


def test_after_a_false_positive_the_like_is_suppressed_for_a_while() -> None:
    """Cooldown: the same customer, risk and rule, no higher tier."""
    desk = Desk()
    (fired,) = desk.fires(0, ORANGE, actions=CALL)
    desk.respond(0.5, fired, ResponseKind.DISPOSITION, verdict=Verdict.FALSE_POSITIVE)
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
        {"actions": (Action.DELAY_TRANSFER,)},
        {"actions": (Action.SUSPEND_ACCOUNT, Action.REVIEW_ACCOUNT)},
    ],
    ids=["another rule", "red", "a transfer to hold", "an account to freeze"],
)
def test_a_false_positive_frees_nobody(news: dict[str, Any]) -> None:
    """Even after one on red: another rule, red and whatever asks for containment are told."""
    desk = Desk()
    (fired,) = desk.fires(0, RED, actions=news["actions"])
    desk.respond(0.5, fired, ResponseKind.DISPOSITION, verdict=Verdict.FALSE_POSITIVE)
    (told,) = desk.fires(1, **{"severity": ORANGE, **news})
    assert told.suppressed == ()
    requested = [each.action for each in desk.last.action_requests]
    assert requested == list(news["actions"])


def test_rules_judged_one_after_the_other_cool_down_each_for_itself() -> None:
    """Two verdicts in one day: both rules' alerts are suppressed, each until its own end."""
    desk = Desk()
    for hours, rule in ((0, "a.b"), (2, "c.d")):
        (fired,) = desk.fires(hours, YELLOW, rule=rule, actions=CALL)
        desk.respond(hours + 1, fired, ResponseKind.DISPOSITION, verdict=Verdict.FALSE_POSITIVE)
    (cooled,) = desk.fires(4, YELLOW, rule="a.b", actions=CALL)
    assert [each.reason for each in cooled.suppressed] == [Suppression.COOLDOWN]
    (both,) = desk.fires(4, 20, rule="c.d", actions=CALL)
    assert both.tier is Tier.ORANGE  # more urgent than either was
    assert both.suppressed == ()


def test_a_cooldown_ends() -> None:
    """What is open and suppressed by it then is released."""
    desk = Desk()
    (fired,) = desk.fires(0, YELLOW, actions=CALL)
    desk.respond(1, fired, ResponseKind.DISPOSITION, verdict=Verdict.FALSE_POSITIVE)
    desk.fires(20, YELLOW, actions=CALL)
    (released,) = desk.waits(25)
    assert (released.change, released.suppressed) == (Change.RELEASED, ())
    assert released.updated_at == START + 25 * HOUR
