"""Intents and severity: the shipped lexicon, negation, and what is inside words."""

import pytest
from tests.unit.text.shipped import DECLARATION

from sentinel.text.lexicon import Lexicon, severity

LEXICON = Lexicon(DECLARATION.severities, DECLARATION.phrases, DECLARATION.reach)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我的信用卡被盗刷了", {"unauthorised"}),
        ("我没有授权这笔交易", {"unauthorised"}),
        ("这不是诈骗", set()),
        ("并没有任何诈骗行为，但是手续费太高", {"fees"}),
        ("不是没有诈骗", {"fraud"}),
        ("不仅诈骗，还泄露了我的隐私", {"fraud", "data_breach"}),
        ("如果不解决我就起诉", {"lawsuit_threat"}),
        ("再打电话我就打１２３７８", {"regulator_threat"}),
        ("There was no fraud on my account", set()),
        ("I did NOT authorise this payment", {"unauthorised"}),
        ("Not only fraud but discrimination", {"fraud", "discrimination"}),
        ("The issue with the tissue is a pursuit", set()),
        ("They denied it. I was scammed", {"fraud"}),
        ("I will not sue", set()),
        ("If this is not resolved I will sue", {"lawsuit_threat"}),
        ("No one and nobody in that long list of people ever helped against fraud", {"fraud"}),
        ("the collector’s harassment", {"collector_harassment"}),
        ("ＦＲＡＵＤ！", {"fraud"}),
        ("", set()),
    ],
)
def test_what_is_said_is_found_and_what_is_denied_is_not(text: str, expected: set[str]) -> None:
    """Terms, negation within its scope, double negation, look-alikes, turns, whole words."""
    assert set(LEXICON.intents(text)) == expected


def test_severity_grows_with_every_intent_and_stays_below_a_hundred() -> None:
    """Independent doubts multiply; nothing said is nothing grave."""
    assert severity({}) == 0
    assert severity({"fraud": 75}) == 75
    assert severity({"fraud": 75, "lawsuit_threat": 60}) == 90
    assert severity(LEXICON.intents("fraud suicide lawsuit cfpb hacked")) < 100
