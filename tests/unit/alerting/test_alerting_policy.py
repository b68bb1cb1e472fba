"""Reading tiers.yaml: the shipped one is right, wrong ones say where and why."""

from pathlib import Path

import pytest

from sentinel.alerting.policy import read_policy
from sentinel.model.alert import Tier
from sentinel.model.document import ConfigError, parse
from sentinel.model.signal import Risk

TIERS = (Path(__file__).parents[3] / "configs" / "tiers.yaml").read_text(encoding="utf-8")
BAD = Path(__file__).parent / "bad"


def test_the_shipped_policy_is_the_documented_one() -> None:
    """Thresholds, half-life and quiet period of configs/tiers.yaml."""
    policy = read_policy(parse(TIERS, "tiers.yaml"))
    assert list(policy.thresholds.values()) == [80, 60, 35, 10]
    assert [policy.titles[tier].zh[0] for tier in Tier] == ["红", "橙", "黄", "蓝"]
    assert policy.halflife_ms[Risk.CREDIT] == 6 * 3_600_000
    assert policy.quiet_ms == 24 * 3_600_000


@pytest.mark.parametrize(
    ("score", "current", "expected"),
    [
        (100, None, Tier.RED),
        (80, None, Tier.RED),
        (79.99, None, Tier.ORANGE),
        (60, Tier.BLUE, Tier.ORANGE),
        (75, Tier.RED, Tier.RED),
        (74.99, Tier.RED, Tier.ORANGE),
        (20, Tier.RED, Tier.BLUE),
        (5, Tier.BLUE, Tier.BLUE),
        (9.99, None, None),
        (4.99, Tier.BLUE, None),
        (9.99, Tier.RED, None),
    ],
)
def test_tiers_rise_at_once_and_fall_with_hysteresis(
    score: float, current: Tier | None, expected: Tier | None
) -> None:
    """The table of thresholds, and five points of patience on the way down."""
    assert read_policy(parse(TIERS, "tiers.yaml")).tier(score, current) is expected


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_policy_is_refused_with_its_message(path: Path) -> None:
    """Each file in ``bad/`` opens with the exact message that it must cause."""
    text = path.read_text(encoding="utf-8")
    expected = text.splitlines()[0].removeprefix("# ")
    with pytest.raises(ConfigError) as caught:
        read_policy(parse(text, path.name))
    assert str(caught.value) == expected


def test_there_are_bad_policies() -> None:
    """The test above would pass on an empty folder."""
    assert len(list(BAD.glob("*.yaml"))) >= 8
