"""Reading complaints.yaml: the shipped one is right, wrong ones say where and why."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sentinel.complaints.policy import Policy, read_policy
from sentinel.complaints.term import Term
from sentinel.model.alert import Tier
from sentinel.model.document import ConfigError, parse

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHIPPED = (Path(__file__).parents[3] / "configs" / "complaints.yaml").read_text(encoding="utf-8")
BAD = Path(__file__).parent / "bad"


def _policy(old: str = "", new: str = "") -> Policy:
    assert old in SHIPPED
    return read_policy(parse(SHIPPED.replace(old, new), "complaints.yaml"), SHANGHAI)


def test_the_shipped_policy_is_the_handbook() -> None:
    """Fifteen days, thirty working days at most, a reply before the end, early warnings."""
    policy = _policy()
    terms = policy.terms("hotline", None)
    assert terms.acknowledge == (Term(2, working=True),)
    assert terms.resolve == (Term(15, working=False),)
    assert terms.maximum == Term(30, working=True)
    assert terms.needs_reply
    assert [(warn.at, warn.tier) for warn in policy.warnings] == [
        (0.5, Tier.BLUE),
        (0.8, Tier.YELLOW),
        (1.0, Tier.ORANGE),
    ]
    assert (policy.repeated_days, policy.repeated_count) == (30, 3)


def test_the_regulator_and_the_media_raise_every_tier() -> None:
    """A tier higher than for others, red being the highest."""
    terms = _policy().terms("regulator", "fees")
    assert [terms.tier(tier) for tier in Tier] == [Tier.RED, Tier.RED, Tier.ORANGE, Tier.YELLOW]
    assert _policy().terms("app", "fees").tier(Tier.ORANGE) is Tier.ORANGE


@pytest.mark.parametrize(
    ("channel", "category", "expected"),
    [
        ("hotline", "collection", ("2wd", "30d", False, 2)),
        ("media", "collection", ("1wd", "10d 30d", False, 2)),
        ("media", "fees", ("1wd", "10d", True, 1)),
        ("hotline", None, ("2wd", "15d", True, 0)),
    ],
)
def test_the_stricter_of_channel_and_category_holds(
    channel: str, category: str | None, expected: tuple[str, str, bool, int]
) -> None:
    """All their terms and the higher tier; a category may also be given longer than default."""
    policy = _policy(
        "categories: {} ",
        "categories: {collection: {resolve: 30d, raise: 2, reply_before_close: false}} ",
    )
    terms = policy.terms(channel, category)
    acknowledge, resolve = (" ".join(map(str, each)) for each in (terms.acknowledge, terms.resolve))
    assert (acknowledge, resolve, terms.needs_reply, terms.raised) == expected


def test_a_reply_is_needed_where_channel_or_category_says_so() -> None:
    """If the two disagree, the customer gets the reply."""
    policy = _policy(
        "  media: {acknowledge: 1wd, resolve: 10d, raise: 1}\ncategories: {} ",
        "  media: {reply_before_close: false}\n"
        "  app: {reply_before_close: false}\n"
        "categories: {fees: {reply_before_close: true}} ",
    )
    assert policy.terms("media", "fees").needs_reply
    assert not policy.terms("app", "service").needs_reply


def test_days_of_the_calendar_may_be_given() -> None:
    """Quoted or not, they go before the package's."""
    calendar = _policy(
        "working: [], off: []", 'working: [2027-02-20], off: ["2027-02-11"]'
    ).calendar
    assert calendar.is_working_day(dt.date(2027, 2, 20))
    assert not calendar.is_working_day(dt.date(2027, 2, 11))


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_policy_is_refused_with_its_message(path: Path) -> None:
    """Each file in ``bad/`` opens with the exact message that it must cause."""
    text = path.read_text(encoding="utf-8")
    expected = text.splitlines()[0].removeprefix("# ")
    with pytest.raises(ConfigError) as caught:
        read_policy(parse(text, path.name), SHANGHAI)
    assert str(caught.value) == expected


def test_there_are_bad_policies() -> None:
    """The test above would pass on an empty folder."""
    assert len(list(BAD.glob("*.yaml"))) >= 15
