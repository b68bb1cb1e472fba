"""Figures by hand: two cases, four alerts, a day of warm-up."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sentinel.backtest import Attack, Episode, Run, Truth, compare, configuration_files, judge
from sentinel.backtest.run import run as replay_once
from sentinel.engine import Configuration
from sentinel.model.alert import Tier
from sentinel.replay.source import open_source

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
    """Recall, precision, what was urgent for nothing, and how early; not the warm-up."""
    found = judge(run, truth, DAY_MS)
    assert found.alerts == {Tier.RED: 2, Tier.BLUE: 2}
    assert found.true == {Tier.RED: 1, Tier.BLUE: 1}
    assert found.precision == pytest.approx(0.5)
    assert found.false_urgent == 1
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
    assert figures["precision"] is figures["recall"] is figures["false_urgent"] is None


def test_what_stood_before_the_case_is_no_detection(truth: Truth) -> None:
    """An alert that was open already tells nothing, unless it rises during the case."""
    start = T0 + DAY_MS
    before = episode("a", "c1", start - 60_000, tier=Tier.BLUE, trigger="m1")
    before.last_ms = start + 90_000
    run = Run("v", {"a": before}, first_ms=T0, last_ms=T0 + 2 * DAY_MS)
    silent = judge(run, truth, 0)
    assert (silent.whole.detected, silent.true.total()) == (0, 0)
    before.reached[Tier.RED] = start + 1_000
    risen = judge(run, truth, 0).scenarios["mule"]
    assert (risen.detected, risen.urgent, risen.to_detect_ms) == (1, 1, [1_000])


def test_every_kind_of_entity_can_be_urgent_for_nothing(truth: Truth) -> None:
    """A false red alert on a device counts as one on a customer does."""
    device = replace(episode("a", "d1", T0 + DAY_MS), kind="device")
    found = judge(Run("v", {"a": device}, first_ms=T0, last_ms=T0 + 2 * DAY_MS), truth, 0)
    assert found.false_urgent == 1


def test_age_finds_nothing(tmp_path: Path) -> None:
    """An orange alert that nobody answers is red live, and orange in a backtest."""
    rule = """
rules:
  - {id: a.b, title: {en: A, zh: 甲}, risk: legal, severity: 70, on: transaction, when: amount > 5}
"""
    files = {**configuration_files(None), "rules/one.yaml": rule}
    lines = [
        {"event_id": f"e{hour}", "event_time": T0 + hour * 3_600_000, "customer_id": "c1"}
        | {"kind": "card", "direction": "debit", "amount": 9 if hour == 0 else 1}
        for hour in range(4)
    ]
    path = tmp_path / "transactions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    found = replay_once(Configuration.parse(files), [open_source(str(path))], None)
    (one,) = (each for each in found.episodes.values() if each.rules == {"a.b"})
    assert (one.tier, list(one.reached)) == (Tier.ORANGE, [Tier.ORANGE])


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
