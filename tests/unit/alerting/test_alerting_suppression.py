"""suppression.yaml: the shipped one is right, wrong ones say where; mutes and inhibition."""

from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sentinel.alerting.inhibition import InhibitRule
from sentinel.alerting.suppression import read_suppression
from sentinel.alerting.suppressors import Capacity
from sentinel.model.alert import Suppression, Tier
from sentinel.model.document import ConfigError, parse
from sentinel.model.hours import Span, Weekly
from sentinel.model.matcher import parse_matcher
from sentinel.model.share import WHOLE, Share

SHIPPED = Path(__file__).parents[3] / "configs" / "suppression.yaml"
BAD = Path(__file__).parent / "bad_suppression"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def _ms(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def _rule(source: str, target: str, *equal: str) -> InhibitRule:
    return InhibitRule((parse_matcher(source),), (parse_matcher(target),), equal)


def test_the_shipped_rules_are_the_documented_ones() -> None:
    """Red inhibits yellow and blue; nothing is allowed or under maintenance."""
    rules = read_suppression(parse(SHIPPED.read_text("utf-8"), "s"), SHANGHAI)
    assert rules.mutes == ()
    assert rules.inhibit[0].inhibits({"tier": "red"}, {"tier": "blue"})
    assert not rules.inhibit[0].inhibits({"tier": "red"}, {"tier": "orange"})
    assert rules.capacity == {Tier.YELLOW: 500, Tier.BLUE: 500}


def test_what_is_commented_out_would_work() -> None:
    """The examples in the shipped file are right: uncommented, they are read."""
    lines = SHIPPED.read_text("utf-8").splitlines()
    text = "\n".join(
        line.removeprefix("#") if line.startswith(("#  - ", "#     ")) else line for line in lines
    )
    text = text.replace("allow: []", "allow:").replace("maintenance: []", "maintenance:")
    mutes = read_suppression(parse(text, "s"), SHANGHAI).mutes
    assert [(mute.reason, mute.name) for mute in mutes] == [
        (Suppression.ALLOW_LIST, "test-customers"),
        (Suppression.MAINTENANCE, "core-upgrade"),
        (Suppression.MAINTENANCE, "weekly-batch"),
    ]


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_bad_rules_are_refused_with_their_message(path: Path) -> None:
    """Each file in ``bad_suppression/`` opens with the exact message that it must cause."""
    text = path.read_text(encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_suppression(parse(text, path.name), SHANGHAI)
    assert str(caught.value) == text.splitlines()[0].removeprefix("# ")


def test_there_are_bad_rules() -> None:
    """The test above would pass on an empty folder."""
    assert len(list(BAD.glob("*.yaml"))) >= 9


def test_a_span_is_half_open() -> None:
    """On at its start, off at its end; both are changes ahead of what lies before."""
    span = Span(10, 20)
    assert [span.is_on(moment) for moment in (9, 10, 19, 20)] == [False, True, True, False]
    assert [span.next_change_ms(moment) for moment in (0, 10, 20)] == [10, 20, None]


def test_a_weekly_window_may_pass_midnight() -> None:
    """Sunday 23:00 to 01:00 is on early on Monday; the next change is its end."""
    weekly = Weekly(frozenset({6}), time(23), time(1), SHANGHAI)
    assert weekly.is_on(_ms("2026-11-23T00:59:59"))  # a Monday
    assert not weekly.is_on(_ms("2026-11-23T01:00:00"))
    assert not weekly.is_on(_ms("2026-11-23T23:30:00"))
    assert weekly.next_change_ms(_ms("2026-11-23T00:30:00")) == _ms("2026-11-23T01:00:00")
    assert weekly.next_change_ms(_ms("2026-11-23T01:00:00")) == _ms("2026-11-29T23:00:00")


def test_a_weekly_window_follows_daylight_saving() -> None:
    """Local times, not elapsed hours: in the night of the change the window is an hour longer."""
    berlin = ZoneInfo("Europe/Berlin")
    weekly = Weekly(frozenset({6}), time(1), time(4), berlin)
    start = weekly.next_change_ms(_ms("2026-10-24T12:00:00", berlin))
    assert start is not None
    end = weekly.next_change_ms(start)
    assert end is not None
    assert end - start == 4 * 3_600_000


def test_an_alert_on_both_sides_is_not_inhibited_by_its_like() -> None:
    """Alertmanager's rule against alerts that inhibit each other."""
    rule = _rule("tier=~red|orange", "tier=~orange|yellow", "risk")
    red, orange = {"tier": "red", "risk": "legal"}, {"tier": "orange", "risk": "legal"}
    assert rule.inhibits(red, orange)
    assert not rule.inhibits(orange, dict(orange))
    assert rule.inhibits(orange, {"tier": "yellow", "risk": "legal"})
    assert not rule.inhibits(red, {"tier": "orange", "risk": "credit"})


def test_labels_that_neither_has_are_equal() -> None:
    """As in Alertmanager: a missing label is the empty string."""
    rule = _rule("tier=red", "tier=blue", "region")
    assert rule.inhibits({"tier": "red"}, {"tier": "blue"})
    assert rule.inhibits({"tier": "red", "region": ""}, {"tier": "blue"})
    assert not rule.inhibits({"tier": "red", "region": "north"}, {"tier": "blue"})


def test_capacity_is_spent_by_period_and_tier() -> None:
    """Two yellow an hour; others are not counted; the next hour is fresh."""
    capacity = Capacity({Tier.YELLOW: 2}, 3_600_000, WHOLE)
    spent = [capacity.spend(Tier.YELLOW, 10) for _ in range(3)]
    assert spent == [True, True, False]
    assert all(capacity.spend(Tier.RED, 10) for _ in range(5))
    assert capacity.next_period_ms(10) == 3_600_000
    assert capacity.spend(Tier.YELLOW, 3_600_000)


@pytest.mark.parametrize(("most", "shards"), [(7, 3), (2, 5), (0, 4), (500, 8), (5, 1)])
def test_the_desks_capacity_is_shared_out(most: int, shards: int) -> None:
    """All shards together notify of as many as the desk can take, and each has its turn."""
    capacities = [Capacity({Tier.BLUE: most}, 1_000, Share(n, shards)) for n in range(shards)]
    told = np.zeros((shards, shards), np.int64)
    for period in range(shards):
        for number, capacity in enumerate(capacities):
            spent = [capacity.spend(Tier.BLUE, period * 1_000) for _ in range(most + 1)]
            told[period, number] = sum(spent)
    assert told.sum(axis=1).tolist() == [most] * shards
    assert told.sum(axis=0).tolist() == [most] * shards
    assert told.max() - told.min() <= 1
