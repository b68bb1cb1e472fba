"""Fusing signals over time: weights fade, alerts end, late signals arrive faded."""

from collections import Counter
from typing import Any

from msgspec.structs import replace
from tests.unit.alerting.desk import HOUR, START, alerting, fuse, only, signal

from sentinel.model.alert import AlertState, Resolution
from sentinel.model.signal import Risk
from sentinel.model.step import SignalDrop


def test_weights_halve_every_half_life_of_event_time() -> None:
    """Six hours after 60 only 30 is left, to which a new rule adds."""
    what = alerting()
    fuse(what, signal(1, severity=60))
    alert = only(fuse(what, signal(2, hours=6, rule_id="second", severity=50)))
    assert alert.score == 65.0
    assert {r.rule_id: r.contribution for r in alert.reasons} == {"second": 35.0, "ato.drain": 15.0}


def test_a_risk_may_have_its_own_half_life() -> None:
    """Credit signals that fade over days still stand after six hours."""
    what = alerting(halflife="{default: 6h, credit: 6d}")
    fuse(what, signal(1, severity=60, risk=Risk.CREDIT))
    alert = only(fuse(what, signal(2, hours=6, rule_id="second", risk=Risk.CREDIT, severity=1)))
    assert alert.score > 58


def test_after_a_quiet_day_the_next_signal_opens_a_new_alert() -> None:
    """Nothing of the old alert is left in the new one."""
    what = alerting()
    old = only(fuse(what, signal(1, rule_id="old")))
    over, new = fuse(what, signal(2, hours=24.01)).alerts
    assert (over.alert_id, over.resolution) == (old.alert_id, Resolution.QUIET)
    assert new.alert_id != old.alert_id
    assert (new.revision, len(new.reasons), new.opened_at) == (1, 1, new.updated_at)


def test_a_silent_rule_leaves_an_alert_that_others_keep_open() -> None:
    """Reasons older than the quiet period are dropped; rejoining is news again."""
    what = alerting()
    opened = only(fuse(what, signal(1, rule_id="a"))).alert_id
    fuse(what, signal(2, hours=20, rule_id="b"), signal(3, hours=25, rule_id="b"))
    alert = only(fuse(what, signal(4, hours=26, rule_id="a")))
    assert (alert.alert_id, alert.revision) == (opened, 3)
    assert {reason.rule_id: reason.count for reason in alert.reasons} == {"a": 1, "b": 2}


def test_late_signals_arrive_faded_and_do_not_turn_the_clock_back() -> None:
    """A late 60 is worth 30 after six hours, and ``updated_at`` stays."""
    what = alerting()
    fuse(what, signal(1, hours=6))
    alert = only(fuse(what, signal(2, rule_id="late", severity=60)))
    assert (alert.score, alert.updated_at) == (65.0, START + 6 * HOUR)
    assert alert.trigger.event_time == START


def test_a_late_firing_does_not_make_a_rule_older() -> None:
    """The greatest event time of a rule decides its age, the smallest its beginning."""
    what = alerting()
    fuse(what, signal(1, hours=6), signal(2))
    alert = only(fuse(what, signal(3, hours=6, rule_id="second")))
    reason = next(each for each in alert.reasons if each.rule_id == "ato.drain")
    assert (reason.first_event_time, reason.last_event_time) == (START, START + 6 * HOUR)
    assert alert.score == 75.0


def test_a_shared_entitys_signal_is_as_old_as_it_was_when_it_became_known() -> None:
    """What a verdict makes of a merchant is told after what came later, and is an alert."""
    what = alerting()
    merchant: dict[str, Any] = {"entity_kind": "merchant", "entity_id": "M1"}
    fuse(what, signal(1, hours=60, entity_kind="merchant", entity_id="M2"))
    output = fuse(what, signal(2, severity=80, **merchant))
    assert (only(output).entity.id, output.dropped) == ("M1", Counter())
    what.advance(START + 60 * HOUR)  # by then it is over
    (over,) = what.drain().alerts
    assert (over.entity.id, over.state) == ("M1", AlertState.RESOLVED)
    late = replace(signal(3, **merchant), recorded_ms=START + 60 * HOUR)
    assert fuse(what, late).dropped == Counter({SignalDrop.STALE: 1})


def test_a_signal_older_than_the_quiet_period_is_stale() -> None:
    """It could open nothing that would still stand."""
    what = alerting()
    fuse(what, signal(1, hours=25))
    before = what.snapshot()
    assert fuse(what, signal(2, rule_id="old")).dropped == Counter({SignalDrop.STALE: 1})
    assert what.snapshot() == before


def test_a_sequence_that_a_late_event_completes_is_judged_at_its_last_step() -> None:
    """The signal is ahead of the event that arrived; no weight grows beyond its severity."""
    arrived = signal(1, rule_id="late", severity=20)
    completed = replace(signal(1, hours=6, severity=60), event_id="E0")
    alert = only(fuse(alerting(), arrived, completed))
    assert alert.score == 64.0
    assert alert.updated_at == START + 6 * HOUR
