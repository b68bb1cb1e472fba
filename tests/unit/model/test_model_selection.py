"""Matchers over alerts' labels: what no alert can satisfy is refused, with a hint."""

import pytest
from tests.delivery.alerts import alert

from sentinel.model.document import WrongTextError
from sentinel.model.matcher import parse_matcher
from sentinel.model.selection import (
    LABELS,
    parse_alert_matcher,
    refuse_contradiction,
    select_nearly_all,
)

KINDS = "customer, device, ip, merchant, counterparty, product, branch, channel, bank"
QUOTE = "quote the value, or write each matcher as a text of its own"


def test_the_labels_are_those_of_an_alert() -> None:
    """What matchers are checked against is what they are asked about."""
    assert set(LABELS) == set(alert().labels)


@pytest.mark.parametrize(
    "text",
    [
        "tier=red",
        'tier!="red"',
        'tier=~"red|orange"',
        'tier=~"re.*"',
        'risk!~"legal"',
        'entity_kind="ip"',
        'entity="C,1=2"',
        'rule=~"mule\\\\..*"',
        'rule=""',
    ],
)
def test_what_an_alert_can_satisfy_is_read_as_before(text: str) -> None:
    """Alertmanager's language is not changed by the check."""
    assert parse_alert_matcher(text) == parse_matcher(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'severity!="red"',
            'alerts have no label "severity" (labels are tier, risk, entity_kind, entity, rule)',
        ),
        ("tir=red", 'alerts have no label "tir" (did you mean "tier"?)'),
        ("tier=organe", 'no alert has the tier "organe" (did you mean "orange"?)'),
        (
            'entity_kind="person"',
            f'no alert has the entity_kind "person" (it is one of {KINDS})',
        ),
        (
            'tier!~"Red"',
            '"Red" matches no tier (it is one of red, orange, yellow, blue)',
        ),
        (
            "risk=legal,tier=red",
            f'"legal,tier=red" is not a plain value ({QUOTE})',
        ),
        (
            "entity=a=b",
            f'"a=b" is not a plain value ({QUOTE})',
        ),
    ],
)
def test_what_no_alert_can_satisfy_is_refused(text: str, message: str) -> None:
    """The message names what is wrong, the hint what is right."""
    with pytest.raises(WrongTextError) as caught:
        parse_alert_matcher(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "texts",
    [
        ['tier="red"', 'tier="blue"'],
        ['tier=~"red|blue"', 'tier=~"orange|yellow"'],
        ['tier!~".*"'],
        ['rule="a"', 'risk="legal"', 'rule!="a"'],
        ['entity="C1"', 'entity=~"D.*"'],
    ],
)
def test_matchers_that_no_value_satisfies_contradict(texts: list[str]) -> None:
    """Of a closed set no member, of an open one none that is asked for by name."""
    with pytest.raises(WrongTextError, match="this never matches"):
        refuse_contradiction([parse_alert_matcher(text) for text in texts])


def test_matchers_that_one_value_satisfies_do_not_contradict() -> None:
    """Each label for itself; of open ones nothing is known unless a value is asked for."""
    texts = ['tier=~"red|blue"', 'tier!="red"', 'rule=~"a.*"', 'rule=~".*b"', 'risk="legal"']
    refuse_contradiction([parse_alert_matcher(text) for text in texts])


@pytest.mark.parametrize(
    ("texts", "all_of_them"),
    [
        (['tier=~".*"'], True),
        (['tier=~"red|orange|yellow|blue"', 'entity!=""'], True),
        (['entity!="C1"'], True),
        (['tier!="red"'], False),
        (['tier=~".*"', 'rule="a"'], False),
        (['entity=~"TEST.*"'], False),
    ],
)
def test_matchers_that_select_nearly_all_alerts_are_known(
    texts: list[str], *, all_of_them: bool
) -> None:
    """Every member of a closed set, and whatever an open label may be."""
    assert select_nearly_all(map(parse_alert_matcher, texts)) == all_of_them
