"""Fusing signals: scores, tiers, revisions and what is not said."""

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from msgspec.structs import replace

from sentinel.alerting import Alerting, Said, load
from sentinel.model.alert import Alert, AlertState, Change, Resolution, Tier
from sentinel.model.document import parse
from sentinel.model.events import Stream
from sentinel.model.ids import Hasher
from sentinel.model.response import Response, ResponseKind
from sentinel.model.signal import Action, Clause, Risk, Signal, Stage, Title
from sentinel.model.step import Limit, SignalDrop

TIERS = Path(__file__).parents[3] / "configs" / "tiers.yaml"
NOTHING = """
inhibit: []
allow: []
maintenance: []
capacity: {per: 1h, alerts: {}}
silences: {most: 1, longest: 30d, wide: 8h}
"""
UTC = ZoneInfo("UTC")
HOUR = 3_600_000
START = 1_767_225_600_000

BASE = Signal(
    place=0,
    rule_id="ato.drain",
    entity_id="C1",
    stream=Stream.TRANSACTION,
    event_id="E1",
    event_time=START,
    recorded_ms=START + 5,
    risk=Risk.OPERATIONAL,
    severity=50,
    stage=Stage.LIVE,
    title=Title("Drain", "盗转"),
    clauses=(Clause("amount_z > 3", {"amount_z": 4.1}),),
    actions=(Action.HOLD_TRANSFER,),
    runbook="docs/runbooks/account-takeover.md",
)


def signal(event: int, *, hours: float = 0, **changes: Any) -> Signal:
    """The ``event``-th event's signal, ``hours`` after the start."""
    moment = START + int(hours * HOUR)
    return replace(
        BASE,
        place=event,
        event_id=f"E{event}",
        event_time=moment,
        recorded_ms=moment + 5,
        **changes,
    )


def alerting(**changes: str) -> Alerting:
    """The shipped policy with some top-level lines replaced; nothing suppresses or escalates."""
    text = TIERS.read_text(encoding="utf-8")
    lines = text.replace("unanswered: {orange: 1h, yellow: 8h}", "unanswered: {}").splitlines()
    for name, value in changes.items():
        lines = [f"{name}: {value}" if line.startswith(f"{name}:") else line for line in lines]
    what = load(parse("\n".join(lines), "tiers.yaml"), parse(NOTHING, "suppression.yaml"), UTC)
    what.begin("v1")
    return what


def fuse(what: Alerting, *signals: Signal) -> Said:
    """What ``signals`` come to, in one step."""
    for _, event in groupby(signals, key=lambda signal: signal.place):
        same = list(event)
        what.advance(max(signal.event_time for signal in same))
        what.take(same)
    return what.finish()


def only(fused: Said) -> Alert:
    """The single alert of ``fused``."""
    (alert,) = fused.alerts
    return alert


def test_a_first_signal_opens_an_alert_that_says_everything() -> None:
    """Every field of the first revision follows from the signal."""
    alert = only(fuse(alerting(), signal(1, severity=80)))
    assert (alert.revision, alert.tier, alert.previous_tier) == (1, Tier.RED, None)
    assert (alert.score, alert.customer_score) == (80.0, 80.0)
    assert (alert.opened_at, alert.updated_at) == (START, START)
    assert (alert.entity.kind, alert.entity.id, alert.risk) == ("customer", "C1", Risk.OPERATIONAL)
    assert (alert.title, alert.runbook) == (BASE.title, BASE.runbook)
    assert (alert.actions, alert.config_version) == (("hold_transfer",), "v1")
    assert (alert.trigger.event_id, alert.trigger.recorded_ms) == ("E1", START + 5)
    (reason,) = alert.reasons
    assert (reason.rule_id, reason.contribution, reason.count) == ("ato.drain", 80.0, 1)
    assert reason.clauses == BASE.clauses


def test_the_alert_id_is_a_keyed_hash() -> None:
    """The same for ever under a key, and another under another: none is found by trying ids."""
    alert = only(fuse(alerting(), signal(1)))
    assert alert.alert_id == "dd56a4eecafb69d328e384f04f1467eb"
    tiers, nothing = parse(TIERS.read_text("utf-8"), "t"), parse(NOTHING, "suppression.yaml")
    other = load(tiers, nothing, UTC, Hasher(b"another key of 16"[:16]))
    other.begin("v1")
    assert only(fuse(other, signal(1))).alert_id != alert.alert_id


def test_a_signal_that_is_known_changes_nothing() -> None:
    """Sent again with a later time it does not make others fade, so steps may be cut anywhere."""
    what = alerting()
    fuse(what, signal(1, rule_id="a"), signal(2, hours=23, rule_id="b"))
    again = replace(signal(3, hours=24.5, rule_id="b"), event_id="E2")
    assert fuse(what, again).dropped == {SignalDrop.UNCHANGED: 1}
    alert = only(fuse(what, signal(4, hours=23.5, rule_id="c")))
    assert {reason.rule_id for reason in alert.reasons} == {"a", "b", "c"}


def test_distinct_rules_add_up_as_independent_doubts() -> None:
    """Two halves make three quarters, and each is worth the quarter that hangs on it."""
    what = alerting()
    fuse(what, signal(1))
    alert = only(fuse(what, signal(2, rule_id="second")))
    assert (alert.score, alert.tier, alert.previous_tier) == (75.0, Tier.ORANGE, Tier.YELLOW)
    assert [reason.contribution for reason in alert.reasons] == [25.0, 25.0]
    assert alert.revision == 2


def test_a_reason_says_which_tier_there_would_be_without_it() -> None:
    """The counterfactual: the tier of what is left, and none where that reaches none."""
    what = alerting()
    (only_one,) = only(fuse(what, signal(1, severity=90))).reasons
    assert only_one.tier_without is None
    fuse(what, signal(2, rule_id="second", severity=50))
    alert = only(fuse(what, signal(3, rule_id="third", severity=25)))
    assert alert.tier is Tier.RED
    assert {reason.rule_id: reason.tier_without for reason in alert.reasons} == {
        "ato.drain": Tier.ORANGE,
        "second": Tier.RED,
        "third": Tier.RED,
    }


def test_weak_signals_add_up_though_none_reaches_a_tier() -> None:
    """Contributions below the lowest tier are kept and counted."""
    what = alerting()
    weak = [signal(i, rule_id=f"weak-{i}", severity=6) for i in (1, 2)]
    first, second = fuse(what, weak[0]), fuse(what, weak[1])
    assert (first.alerts, first.dropped) == ([], Counter({SignalDrop.BELOW_TIERS: 1}))
    assert only(second).tier is Tier.BLUE
    assert {reason.rule_id for reason in only(second).reasons} == {"weak-1", "weak-2"}


def test_a_rule_that_fires_again_refreshes_its_weight_only() -> None:
    """The same rule never adds to itself; its last severity and values count."""
    what = alerting()
    fuse(what, signal(1))
    again = fuse(what, signal(2, hours=1, severity=65, clauses=(Clause("x > 1", {"x": 2.0}),)))
    alert = only(again)
    assert (alert.score, alert.tier, alert.reasons[0].count) == (65.0, Tier.ORANGE, 2)
    assert alert.reasons[0].clauses[0].text == "x > 1"


def test_an_unchanged_alert_is_not_repeated() -> None:
    """A second firing without news is counted instead of sent."""
    what = alerting()
    fuse(what, signal(1))
    fused = fuse(what, signal(2, hours=1))
    assert (fused.alerts, fused.dropped) == ([], Counter({SignalDrop.UNCHANGED: 1}))


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


def test_a_tier_falls_only_below_its_threshold_minus_the_hysteresis() -> None:
    """76 keeps a red alert red; 74 makes it orange, and the revision says so."""
    what = alerting()
    fuse(what, signal(1, severity=82))
    kept = fuse(what, signal(2, severity=76))
    fallen = only(fuse(what, signal(3, severity=74)))
    assert kept.dropped == Counter({SignalDrop.UNCHANGED: 1})
    assert (fallen.tier, fallen.previous_tier, fallen.revision) == (Tier.ORANGE, Tier.RED, 2)


def test_an_alert_that_fell_below_all_tiers_may_rise_again() -> None:
    """Within the quiet period it is the same alert, back from no tier."""
    what = alerting()
    first = only(fuse(what, signal(1, severity=20)))
    below = fuse(what, signal(2, hours=1, severity=3))
    second = only(fuse(what, signal(3, hours=2, severity=20)))
    assert below.dropped == Counter({SignalDrop.BELOW_TIERS: 1})
    assert (second.revision, second.previous_tier) == (2, Tier.BLUE)
    assert second.change is Change.ROSE
    assert (second.alert_id, second.opened_at) == (first.alert_id, first.opened_at)


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
    said = fuse(what, signal(2, severity=80, **merchant))
    assert (only(said).entity.id, said.dropped) == ("M1", Counter())
    what.advance(START + 60 * HOUR)  # by then it is over
    (over,) = what.finish().alerts
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


def test_each_risk_names_the_event_that_raised_it() -> None:
    """Of two signals that one arriving event caused, each opens its own alert."""
    arrived = signal(1)
    completed = replace(signal(1, hours=1, risk=Risk.LEGAL), event_id="E0")
    alerts = fuse(alerting(), arrived, completed).alerts
    assert [alert.trigger.event_id for alert in alerts] == ["E1", "E0"]


def test_shadow_signals_leave_no_trace() -> None:
    """A rule on trial is counted and nothing else."""
    what = alerting()
    what.advance(START)
    empty = what.snapshot()
    fused = fuse(what, signal(1, stage=Stage.SHADOW, severity=100))
    assert (fused.alerts, fused.dropped) == ([], Counter({SignalDrop.SHADOW: 1}))
    assert what.snapshot() == empty


def test_a_resent_event_changes_nothing() -> None:
    """The same rule and event twice is one firing."""
    what = alerting()
    fuse(what, signal(1))
    before = what.snapshot()
    assert fuse(what, signal(1)).dropped == Counter({SignalDrop.UNCHANGED: 1})
    assert what.snapshot() == before


def test_a_growing_count_is_news_at_every_power_of_ten() -> None:
    """Ten and a hundred firings remind; the ones between don't."""
    what = alerting()
    counts = [
        alert.reasons[0].count
        for event in range(1, 121)
        for alert in fuse(what, signal(event, hours=event / 100)).alerts
    ]
    assert counts == [1, 10, 100]


def test_reminders_can_be_turned_off() -> None:
    """Then only the first firing of a rule is news."""
    what = alerting(remind_on_count_growth="false")
    assert len(fuse(what, *(signal(event) for event in range(1, 13))).alerts) == 1


def test_one_event_causes_one_revision_of_each_risk() -> None:
    """Rules that fire on the same event are judged together; the customer's score has all."""
    alerts = fuse(
        alerting(),
        signal(1, rule_id="a"),
        signal(1, rule_id="b", risk=Risk.LEGAL),
        signal(1, rule_id="c"),
    ).alerts
    assert [(a.risk, a.score, a.customer_score) for a in alerts] == [
        (Risk.OPERATIONAL, 75.0, 87.5),
        (Risk.LEGAL, 50.0, 87.5),
    ]


def test_customers_do_not_touch_each_other() -> None:
    """Two customers with the same signal have an alert each."""
    alerts = fuse(alerting(), signal(1), signal(2, entity_id="C2")).alerts
    assert [(a.entity.id, a.customer_score) for a in alerts] == [("C1", 50.0), ("C2", 50.0)]


def test_actions_come_in_one_order_and_title_and_runbook_from_the_strongest() -> None:
    """The most drastic action stands first, wherever it came from."""
    what = alerting()
    fuse(what, signal(1, actions=(Action.CALL_CUSTOMER, Action.HOLD_TRANSFER)))
    alert = only(
        fuse(
            what,
            signal(
                2,
                rule_id="x",
                severity=70,
                actions=(Action.REVIEW_ACCOUNT, Action.FREEZE_ACCOUNT, Action.CALL_CUSTOMER),
                title=Title("Strong", "强"),
                runbook="docs/runbooks/strong.md",
            ),
        )
    )
    assert alert.actions == ("freeze_account", "hold_transfer", "call_customer", "review_account")
    assert (alert.title.en, alert.runbook) == ("Strong", "docs/runbooks/strong.md")


def test_only_the_strongest_reasons_are_listed() -> None:
    """The score still counts the others, and the cut is counted."""
    what = alerting(max_reasons="2")
    fused = fuse(what, *(signal(1, rule_id=f"r{n}", severity=10 * n) for n in (1, 2, 3)))
    alert = only(fused)
    assert [reason.rule_id for reason in alert.reasons] == ["r3", "r2"]
    assert alert.score == pytest.approx(49.6)
    assert what.drain_limits() == Counter({Limit.REASONS: 1})


def _gone(said: Said) -> list[str]:
    return [each.entity.id for each in said.alerts if each.resolution is Resolution.DISPLACED]


def test_of_alerts_that_are_as_urgent_the_least_recently_revised_is_let_go() -> None:
    """A third customer pushes out the one without news for longest, not the oldest."""
    what = alerting(max_open_alerts="2")
    fuse(what, signal(1), signal(2, entity_id="C2"), signal(3, rule_id="other", severity=80))
    displaced = fuse(what, signal(4, entity_id="C3", severity=90))
    assert what.drain_limits() == Counter({Limit.OPEN_ALERTS: 1})
    assert _gone(displaced) == ["C2"]
    assert fuse(what, signal(6, entity_id="C2")).alerts[0].revision == 1


def test_the_less_urgent_is_let_go_and_the_answered_first() -> None:
    """Blue before red however recent; of red ones whom somebody works on; the last is counted."""
    what = alerting(max_open_alerts="3")
    reds = [fuse(what, signal(n, entity_id=f"R{n}", severity=90)).alerts[0] for n in range(3)]
    blue = fuse(what, signal(3, entity_id="B", severity=12))
    assert (_gone(blue), what.drain_limits()) == (["B"], Counter({Limit.OPEN_ALERTS: 1}))
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
    assert (_gone(fourth), what.drain_limits()) == (["R2"], Counter({Limit.OPEN_ALERTS: 1}))
    fifth = fuse(what, signal(5, entity_id="R5", severity=90))
    assert _gone(fifth) == ["R0"]
    assert what.drain_limits() == Counter({Limit.OPEN_ALERTS: 1, Limit.RED_ALERTS: 1})


def test_what_no_alert_is_open_of_is_let_go_before_all_alerts() -> None:
    """A weak signal that waits for another gives way to an alert, also after a restart."""
    what, restored = alerting(max_open_alerts="2"), alerting(max_open_alerts="2")
    fuse(what, signal(1), signal(2, entity_id="weak", severity=5))
    restored.restore(what.snapshot())
    for each in (what, restored):
        full = fuse(each, signal(3, entity_id="C3", severity=12))
        assert (_gone(full), each.drain_limits()) == ([], Counter({Limit.OPEN_ALERTS: 1}))
        assert len(full.alerts) == 1
    assert restored.snapshot() == what.snapshot()


def test_a_restored_fusion_goes_on_as_the_original() -> None:
    """Snapshot and restore lose nothing and are byte-stable."""
    original, restored = alerting(), alerting()
    fuse(original, signal(1), signal(2, entity_id="C2"), signal(3, rule_id="b"))
    restored.restore(original.snapshot())
    assert restored.snapshot() == original.snapshot()
    more = [signal(4, hours=3, rule_id="c"), signal(5, hours=4, entity_id="C2", severity=90)]
    assert msgspec.json.encode(fuse(restored, *more).alerts) == msgspec.json.encode(
        fuse(original, *more).alerts
    )


def test_a_restored_fusion_lets_go_in_the_same_order() -> None:
    """What waits among open alerts keeps its place through a restart."""
    original, restored = alerting(max_open_alerts="4"), alerting(max_open_alerts="4")
    for number, severity in enumerate((5, 50, 6, 50)):
        fuse(original, signal(number, entity_id=f"C{number}", severity=severity))
    restored.restore(original.snapshot())
    assert restored.snapshot() == original.snapshot()
    for number in (4, 5, 6):
        said = [fuse(each, signal(number, entity_id=f"C{number}")) for each in (original, restored)]
        assert said[0] == said[1]
    assert restored.snapshot() == original.snapshot()
