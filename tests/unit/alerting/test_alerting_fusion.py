"""Fusing signals: scores, tiers, revisions and what is not said."""

from collections import Counter
from functools import partial

import msgspec
import pytest
from msgspec.structs import replace
from tests.unit.alerting.desk import BASE, NOTHING, START, TIERS, UTC, alerting, fuse, only, signal

from sentinel.alerting import load
from sentinel.model.alert import Change, Tier
from sentinel.model.document import parse
from sentinel.model.ids import Hasher
from sentinel.model.signal import Action, Clause, Mode, Risk, Title
from sentinel.model.step import Limit, SignalDrop


def test_a_first_signal_opens_an_alert_that_says_everything() -> None:
    """Every field of the first revision follows from the signal."""
    alert = only(fuse(alerting(), signal(1, severity=80)))
    assert (alert.revision, alert.tier, alert.previous_tier) == (1, Tier.RED, None)
    assert (alert.score, alert.customer_score) == (80.0, 80.0)
    assert (alert.opened_at, alert.updated_at) == (START, START)
    assert (alert.entity.kind, alert.entity.id, alert.risk) == ("customer", "C1", Risk.OPERATIONAL)
    assert (alert.title, alert.runbook) == (BASE.title, BASE.runbook)
    assert (alert.actions, alert.config_version) == (("delay_transfer",), "v1")
    assert (alert.trigger.event_id, alert.trigger.recorded_ms) == ("E1", START + 5)
    (reason,) = alert.reasons
    assert (reason.rule_id, reason.contribution, reason.count) == ("ato.drain", 80.0, 1)
    assert reason.clauses == BASE.explain()


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
    other = (Clause("x > 1", {"x": 2.0}),)
    again = fuse(what, signal(2, hours=1, severity=65, explain=lambda: other))
    alert = only(again)
    assert (alert.score, alert.tier, alert.reasons[0].count) == (65.0, Tier.ORANGE, 2)
    assert alert.reasons[0].clauses[0].text == "x > 1"


def test_of_many_events_of_a_rule_in_a_step_only_the_newest_is_explained() -> None:
    """And the one that opens the alert: explaining costs more than counting."""
    explained: list[int] = []

    def explain(event: int) -> tuple[Clause, ...]:
        explained.append(event)
        return (Clause("n > 1", {"n": float(event)}),)

    what = alerting()
    fuse(what, *(signal(n, severity=50, explain=partial(explain, n)) for n in range(1, 10)))
    assert explained == [1, 9]
    rises = fuse(what, signal(10, rule_id="ato.other", severity=80, explain=tuple))
    newest = next(each for each in only(rises).reasons if each.rule_id == "ato.drain")
    assert (newest.count, newest.clauses) == (9, explain(9))


def test_an_unchanged_alert_is_not_repeated() -> None:
    """A second firing without news is counted instead of sent."""
    what = alerting()
    fuse(what, signal(1))
    fused = fuse(what, signal(2, hours=1))
    assert (fused.alerts, fused.dropped) == ([], Counter({SignalDrop.UNCHANGED: 1}))


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
    fused = fuse(what, signal(1, mode=Mode.SHADOW, severity=100))
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
    fuse(what, signal(1, actions=(Action.CALL_CUSTOMER, Action.DELAY_TRANSFER)))
    alert = only(
        fuse(
            what,
            signal(
                2,
                rule_id="x",
                severity=70,
                actions=(Action.REVIEW_ACCOUNT, Action.SUSPEND_ACCOUNT, Action.CALL_CUSTOMER),
                title=Title("Strong", "强"),
                runbook="docs/runbooks/card-testing.md",
            ),
        )
    )
    assert alert.actions == ("suspend_account", "delay_transfer", "call_customer", "review_account")
    assert (alert.title.en, alert.runbook) == ("Strong", "docs/runbooks/card-testing.md")


def test_only_the_strongest_reasons_are_listed() -> None:
    """The score still counts the others, and the cut is counted."""
    what = alerting(max_reasons="2")
    fused = fuse(what, *(signal(1, rule_id=f"r{n}", severity=10 * n) for n in (1, 2, 3)))
    alert = only(fused)
    assert [reason.rule_id for reason in alert.reasons] == ["r3", "r2"]
    assert alert.score == pytest.approx(49.6)
    assert what.limits == Counter({Limit.REASONS: 1})


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
