"""Which alert is displaced when too many are open."""

from collections import Counter

from tests.unit.alerting.desk import START, alerting, fuse, signal

from sentinel.alerting import AlertingOutput
from sentinel.model.alert import Resolution
from sentinel.model.response import Response, ResponseKind
from sentinel.model.step import Limit


def _gone(output: AlertingOutput) -> list[str]:
    return [each.entity.id for each in output.alerts if each.resolution is Resolution.DISPLACED]


def test_of_alerts_that_are_as_urgent_the_least_recently_revised_is_let_go() -> None:
    """A third customer pushes out the one without news for longest, not the oldest."""
    what = alerting(max_open_alerts="2")
    fuse(what, signal(1), signal(2, entity_id="C2"), signal(3, rule_id="other", severity=80))
    displaced = fuse(what, signal(4, entity_id="C3", severity=90))
    assert what.limits == Counter({Limit.OPEN_ALERTS: 1})
    assert _gone(displaced) == ["C2"]
    assert fuse(what, signal(6, entity_id="C2")).alerts[0].revision == 1


def test_the_less_urgent_is_let_go_and_the_answered_first() -> None:
    """Blue before red however recent; of red ones whom somebody works on; the last is counted."""
    what = alerting(max_open_alerts="3")
    reds = [fuse(what, signal(n, entity_id=f"R{n}", severity=90)).alerts[0] for n in range(3)]
    blue = fuse(what, signal(3, entity_id="B", severity=12))
    assert (_gone(blue), what.limits) == (["B"], Counter({Limit.OPEN_ALERTS: 1}))
    response = Response(
        response_id="r",
        event_time=START,
        key=reds[2].key,
        alert_id=reds[2].alert_id,
        kind=ResponseKind.ACKNOWLEDGE,
        actor="li.wei",
    )
    what.respond(response, START)
    fourth = fuse(what, signal(4, entity_id="R4", severity=90))
    assert (_gone(fourth), what.limits) == (["R2"], Counter({Limit.OPEN_ALERTS: 2}))
    fifth = fuse(what, signal(5, entity_id="R5", severity=90))
    assert _gone(fifth) == ["R0"]
    assert what.limits == Counter({Limit.OPEN_ALERTS: 3, Limit.RED_ALERTS: 1})


def test_what_no_alert_is_open_of_is_let_go_before_all_alerts() -> None:
    """A weak signal that waits for another gives way to an alert, also after a restart."""
    what, restored = alerting(max_open_alerts="2"), alerting(max_open_alerts="2")
    fuse(what, signal(1), signal(2, entity_id="weak", severity=5))
    restored.restore(what.snapshot())
    for each in (what, restored):
        full = fuse(each, signal(3, entity_id="C3", severity=12))
        assert (_gone(full), each.limits) == ([], Counter({Limit.OPEN_ALERTS: 1}))
        assert len(full.alerts) == 1
    assert restored.snapshot() == what.snapshot()


def test_a_restored_fusion_lets_go_in_the_same_order() -> None:
    """What waits among open alerts keeps its place through a restart."""
    original, restored = alerting(max_open_alerts="4"), alerting(max_open_alerts="4")
    for number, severity in enumerate((5, 50, 6, 50)):
        fuse(original, signal(number, entity_id=f"C{number}", severity=severity))
    restored.restore(original.snapshot())
    assert restored.snapshot() == original.snapshot()
    for number in (4, 5, 6):
        output = [
            fuse(each, signal(number, entity_id=f"C{number}")) for each in (original, restored)
        ]
        assert output[0] == output[1]
    assert restored.snapshot() == original.snapshot()
