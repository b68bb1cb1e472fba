"""Inhibition, allow-list, maintenance and capacity: what each suppresses and releases."""

from tests.unit.alerting.desk import HOUR, ORANGE, RED, START, YELLOW, Desk

from sentinel.model.alert import Change, Suppression, Suppressor
from sentinel.model.response import ResponseKind, Verdict
from sentinel.model.signal import Risk


def test_a_bigger_alert_inhibits_the_smaller_ones_of_its_customer() -> None:
    """While it is open; other customers' are not touched."""
    desk = Desk(inhibit="[{source: ['tier=red'], target: ['tier=~\"yellow|blue\"']}]")
    (small,) = desk.fires(0, YELLOW, risk=Risk.LEGAL)
    big, covered = desk.fires(0.1, RED)
    assert (covered.alert_id, covered.change) == (small.alert_id, Change.SUPPRESSED)
    assert covered.suppressed == (Suppressor(Suppression.INHIBITED, big.alert_id),)
    assert desk.fires(0.2, YELLOW, customer="C2")[0].suppressed == ()
    over, released = desk.respond(1, big, ResponseKind.DISPOSITION, verdict=Verdict.CONFIRMED)
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
    (withheld,) = desk.fires(0.1, YELLOW, customer="C2")
    assert withheld.suppressed == (Suppressor(Suppression.CAPACITY, "yellow"),)
    assert desk.fires(0.2, RED, customer="C3")[0].suppressed == ()
    (released,) = desk.waits(1)
    assert (released.alert_id, released.change) == (withheld.alert_id, Change.RELEASED)


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
        f"{fired.alert_id}.delay_transfer"
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
