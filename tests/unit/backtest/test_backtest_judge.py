"""Figures by hand: two cases, four alerts, a day of warm-up."""

from collections import Counter

import pytest

from sentinel.backtest import Attack, Episode, Run, Truth, compare, judge
from sentinel.model.alert import Tier

DAY_MS = 86_400_000
T0 = 1_767_571_200_000


def episode(
    alert_id: str,
    entity: str,
    opened_ms: int,
    *,
    tier: Tier = Tier.RED,
    told_ms: int | None = None,
    rule: str = "r",
    trigger: str = "",
) -> Episode:
    """An alert that stood at one tier from ``told_ms``, its opening if not given."""
    return Episode(
        alert_id,
        "customer",
        entity,
        "operational",
        "Title",
        opened_ms,
        opened_ms + 60_000,
        tier,
        {tier: told_ms or opened_ms},
        {rule},
        {trigger},
    )


@pytest.fixture
def truth() -> Truth:
    """A mule of three events that lose 100, 200, 300, and a takeover that is never found."""
    start = T0 + DAY_MS
    mule = Attack(
        "mule",
        [(start, 100.0), (start + 1_000, 200.0), (start + 60_000, 300.0)],
        {("customer", "c1")},
    )
    takeover = Attack("takeover", [(start, 50.0)], {("customer", "c9")})
    return Truth((mule, takeover), {"m1": mule, "m2": mule, "m3": mule, "t1": takeover})


@pytest.fixture
def run() -> Run:
    """Two alerts of the mule's customer, a false red one, a false blue one, one while warm-up."""
    start = T0 + DAY_MS
    episodes = [
        episode("a", "c1", start + 2_000, trigger="m2"),
        episode("b", "c1", start + 30_000, tier=Tier.BLUE, rule="s"),
        episode("c", "c2", start + 5_000),
        episode("d", "c3", start + 5_000, tier=Tier.BLUE),
        episode("e", "c4", T0 + 5_000),
    ]
    return Run(
        "v",
        {each.alert_id: each for each in episodes},
        Counter({("r", "live"): 7, ("s", "shadow"): 2}),
        first_ms=T0,
        last_ms=T0 + 3 * DAY_MS,
    )


def test_cases_and_alerts_are_matched(run: Run, truth: Truth) -> None:
    """Recall, precision, who was bothered, and how early; the warm-up counts for nothing."""
    found = judge(run, truth, DAY_MS)
    assert found.alerts == {Tier.RED: 2, Tier.BLUE: 2}
    assert found.true == {Tier.RED: 1, Tier.BLUE: 1}
    assert found.precision == pytest.approx(0.5)
    assert found.customers_bothered == 1
    assert found.alerts_a_day == pytest.approx(2.0)
    mule = found.scenarios["mule"]
    assert (mule.cases, mule.detected, mule.urgent) == (1, 1, 1)
    assert (mule.to_detect_ms, mule.to_detect_events, mule.lead_ms) == ([2_000], [2], [58_000])
    assert (mule.value, mule.value_ahead) == (600.0, 300.0)
    assert found.scenarios["takeover"].recall == pytest.approx(0.0)
    assert found.whole.recall == pytest.approx(0.5)
    assert found.rules["r"].true == 1
    assert (found.rules["r"].alerts, found.rules["s"].shadow_signals) == (3, 2)


def test_one_rule_alone(run: Run, truth: Truth) -> None:
    """Only the alerts in which it has a part count."""
    found = judge(run, truth, DAY_MS, "s")
    assert found.alerts == {Tier.BLUE: 1}
    assert found.scenarios["mule"].urgent == 0


def test_without_labels_nothing_is_judged(run: Run) -> None:
    """Precision and recall are missing, not zero."""
    figures = judge(run, None, 0).figures()
    assert figures["precision"] is figures["recall"] is figures["customers_bothered"] is None


def test_suppressed_alerts_catch_nothing(truth: Truth) -> None:
    """An alert of which nobody was told detects no case."""
    silent = episode("a", "c1", T0 + DAY_MS, trigger="m1")
    silent.reached.clear()
    found = judge(Run("v", {"a": silent}, first_ms=T0, last_ms=T0 + 2 * DAY_MS), truth, 0)
    assert found.whole.detected == 0


def test_what_is_gained_lost_and_moved(run: Run) -> None:
    """The same entity and risk at one moment is the same alert, at whatever tier."""
    start = T0 + DAY_MS
    theirs = [
        episode("a2", "c1", start + 2_500),
        episode("c2", "c2", start + 4_000, tier=Tier.BLUE),
        episode("z", "c7", start, rule="gone"),
    ]
    old = Run("w", {each.alert_id: each for each in theirs})
    found = compare(run, old, DAY_MS)
    assert (found.same, found.gained, found.lost) == (1, {Tier.BLUE: 2}, {Tier.RED: 1})
    assert found.moved == {(Tier.BLUE, Tier.RED): 1}
    assert (found.gained_by_rule, found.lost_by_rule) == ({"r": 1, "s": 1}, {"gone": 1})
    assert [how for how, _ in found.examples] == ["lost", "gained", "gained"]
