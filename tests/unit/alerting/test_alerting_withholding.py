"""Actions withheld from core systems, apart from whether people are notified."""

from tests.unit.alerting.desk import ORANGE, YELLOW, Desk

from sentinel.model.alert import Change, Suppression
from sentinel.model.signal import Action


def test_whether_people_are_disturbed_and_machines_act_are_two_decisions() -> None:
    """Without capacity for one more page a transfer is held all the same."""
    desk = Desk(capacity="{per: 1h, alerts: {yellow: 0}}")
    (fired,) = desk.fires(0, YELLOW)
    assert [each.reason for each in fired.suppressed] == [Suppression.CAPACITY]
    assert [each.action for each in desk.last.action_requests] == [Action.DELAY_TRANSFER]


def test_a_test_customers_transfer_is_not_held() -> None:
    """What the allow-list says holds for machines, too; counted once, however the alert grows."""
    desk = Desk(allow='[{name: t, match: [entity="C1"], until: "2030-01-01T00:00:00Z"}]')
    desk.fires(0, YELLOW)
    assert desk.last.action_requests == []
    assert desk.last.withheld == {(Action.DELAY_TRANSFER, Suppression.ALLOW_LIST): 1}
    desk.fires(1, ORANGE, rule="another")
    assert (desk.last.action_requests, desk.last.withheld) == ([], {})


def test_what_withholds_an_action_is_configured() -> None:
    """A silence that withholds reviews, and their request when it ends; nothing twice."""
    desk = Desk(withhold="{default: [], actions: {review_account: [silence]}}")
    desk.silences('entity="C1"', 0, 2)
    both = (Action.DELAY_TRANSFER, Action.REVIEW_ACCOUNT)
    desk.fires(1, YELLOW, actions=both)
    assert [each.action for each in desk.last.action_requests] == [Action.DELAY_TRANSFER]
    assert desk.last.withheld == {(Action.REVIEW_ACCOUNT, Suppression.SILENCE): 1}
    (released,) = desk.waits(2.5)
    assert released.change is Change.RELEASED
    assert [each.action for each in desk.last.action_requests] == [Action.REVIEW_ACCOUNT]
    assert not desk.last.withheld
