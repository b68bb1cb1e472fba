"""Inhibition: an alert suppresses a lesser one of the same customer.

The semantics are Alertmanager's: inhibited alerts inhibit others all the same, a label that
neither has counts as equal, and an alert on both sides of a rule is not inhibited by another
that is on both sides, too.  Unlike there, alerts of different customers never inhibit each
other: they may live on different shards.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sentinel.model.alert import Alert
from sentinel.model.matcher import Matcher, all_match


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """Alerts that ``source`` matches suppress those that ``target`` matches."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]

    def inhibits(self, source: Mapping[str, str], target: Mapping[str, str]) -> bool:
        """Whether an alert with the labels ``source`` suppresses another with ``target``."""
        if not (all_match(self.target, target) and all_match(self.source, source)):
            return False
        if any(source.get(name, "") != target.get(name, "") for name in self.equal):
            return False
        return not (all_match(self.source, target) and all_match(self.target, source))


def inhibitor(rules: Iterable[InhibitRule], alert: Alert, others: Iterable[Alert]) -> Alert | None:
    """The first of the other open alerts that inhibits ``alert``; None without one."""
    labels, open_alerts = alert.labels, list(others)
    for rule in rules:
        for other in open_alerts:
            if rule.inhibits(other.labels, labels):
                return other
    return None
