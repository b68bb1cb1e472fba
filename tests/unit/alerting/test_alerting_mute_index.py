"""Mutes by label: the same suppressors in the same order, and few comparisons."""

import pytest
from tests.delivery.alerts import CUSTOMER, NOW, alert

from sentinel.alerting.mute import Mute
from sentinel.alerting.mute_index import MuteIndex
from sentinel.model.alert import Suppression, Suppressor
from sentinel.model.hours import Span
from sentinel.model.matcher import Matcher, parse_matcher

ALERT = alert(alert_id="a1")


def _mute(name: str, *texts: str, until_ms: int = NOW + 1) -> Mute:
    matchers = tuple(map(parse_matcher, texts))
    return Mute(Suppression.SILENCE, name, matchers, Span(NOW - 1, until_ms))


def _index(*mutes: Mute) -> MuteIndex:
    return MuteIndex({(each.reason, each.name): each for each in mutes})


def _names(index: MuteIndex) -> list[str]:
    return [each.by for each in index.suppressors(ALERT, NOW)]


def test_all_that_match_are_found_in_the_order_in_which_they_were_put() -> None:
    """By any label, by none, and not those that are over or about others."""
    index = _index(
        _mute("everything", 'entity=~".*"'),
        _mute("red", 'tier="red"'),
        _mute("over", 'tier="red"', until_ms=NOW - 1),
        _mute("customer", 'risk="operational"', f'entity="{CUSTOMER}"'),
        _mute("another", 'entity="C1"'),
        _mute("drain", 'rule="ato.drain"', 'tier!="blue"'),
        _mute("legal", 'risk="legal"'),
    )
    assert index.suppressors(ALERT, NOW)[0] == Suppressor(Suppression.SILENCE, "everything")
    assert _names(index) == ["everything", "red", "customer", "drain"]


def test_a_mute_that_is_put_again_keeps_its_place() -> None:
    """Whatever it asks for now; one that was taken out comes last."""
    index = _index(_mute("a", 'tier="red"'), _mute("b", 'tier="red"'), _mute("c", 'tier="red"'))
    index.put((Suppression.SILENCE, "a"), _mute("a", f'entity="{CUSTOMER}"'))
    assert _names(index) == ["a", "b", "c"]
    index.remove((Suppression.SILENCE, "b"))
    index.put((Suppression.SILENCE, "b"), _mute("b", 'tier="red"'))
    assert _names(index) == ["a", "c", "b"]


def test_a_thousand_silences_of_others_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """One comparison, not a thousand."""
    index = _index(*(_mute(f"s{n}", f'entity="C{n}"') for n in range(1_000)))
    index.put((Suppression.SILENCE, "mine"), _mute("mine", f'entity="{CUSTOMER}"'))
    looked: list[Matcher] = []
    matches = Matcher.matches

    def counted(self: Matcher, labels: dict[str, str]) -> bool:
        looked.append(self)
        return matches(self, labels)

    monkeypatch.setattr(Matcher, "matches", counted)
    assert _names(index) == ["mine"]
    assert len(looked) == 1
