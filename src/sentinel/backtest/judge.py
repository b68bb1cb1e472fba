"""How good alerts are: what they caught, how early, and what was urgent for nothing.

People are *told* of a case when an alert opens, or rises to a tier, during it: of any kind of
entity, by what rules found.  What is suppressed, rises by age, or stood before the case began tells
nothing.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from sentinel.backtest.run import Episode, Run
from sentinel.backtest.truth import Attack, Truth
from sentinel.model.alert import Tier

URGENT = frozenset({Tier.RED, Tier.ORANGE})
_DAY_MS = 86_400_000
_GRACE_MS = _DAY_MS  # an alert of a victim so long after the last labelled event still counts


@dataclass(slots=True)
class Caught:
    """How the cases of one scenario fared; times in ms, amounts in the base currency."""

    cases: int = 0
    detected: int = 0
    urgent: int = 0
    """Detected at red or orange."""
    to_detect_ms: list[int] = field(default_factory=list)
    """From the first labelled event to the alert."""
    to_detect_events: list[int] = field(default_factory=list)
    """How many labelled events had happened by then."""
    behind_events: list[int] = field(default_factory=list)
    """How many of them came after the first from which on the case could be decided."""
    lead_ms: list[int] = field(default_factory=list)
    """From the alert to the last labelled event; 0 where it came with or after it."""
    value: float = 0.0
    value_ahead: float = 0.0
    """What left after the alert: what could still be stopped."""

    @property
    def recall(self) -> float | None:
        """Share of the cases that were detected; None without cases."""
        return self.detected / self.cases if self.cases else None


@dataclass(slots=True)
class Rule:
    """What one rule did; ``true`` alerts are those of a labelled case."""

    signals: int = 0
    shadow_signals: int = 0
    alerts: int = 0
    true: int = 0


@dataclass(slots=True)
class Judgement:
    """A run's figures, without what fell into the warm-up."""

    version: str
    days: float
    events: int
    alerts: Counter[Tier]
    true: Counter[Tier]
    rules: dict[str, Rule]
    scenarios: dict[str, Caught]
    customers: int
    false_urgent: int
    """Alerts that were red or orange and are of no labelled case, on any kind of entity."""
    labelled: bool

    @property
    def alerts_a_day(self) -> float:
        """Alerts opened, by the day of event time."""
        return self.alerts.total() / self.days if self.days else 0.0

    @property
    def precision(self) -> float | None:
        """Share of the alerts that are of a labelled case; None without labels or alerts."""
        total = self.alerts.total()
        return self.true.total() / total if self.labelled and total else None

    @property
    def false_urgent_per_1000_a_day(self) -> float | None:
        """False urgent alerts by the day and a thousand customers; None without labels."""
        thousands = self.customers / 1_000
        if not self.labelled or not thousands or not self.days:
            return None
        return self.false_urgent / thousands / self.days

    @property
    def whole(self) -> Caught:
        """All scenarios together."""
        every = self.scenarios.values()
        return Caught(
            cases=sum(each.cases for each in every),
            detected=sum(each.detected for each in every),
            urgent=sum(each.urgent for each in every),
            to_detect_ms=[ms for each in every for ms in each.to_detect_ms],
            to_detect_events=[count for each in every for count in each.to_detect_events],
            behind_events=[count for each in every for count in each.behind_events],
            lead_ms=[ms for each in every for ms in each.lead_ms],
            value=sum(each.value for each in every),
            value_ahead=sum(each.value_ahead for each in every),
        )

    def figures(self) -> dict[str, object]:
        """Everything as plain data."""
        whole = self.whole
        return {
            "config_version": self.version,
            "days": round(self.days, 3),
            "events": self.events,
            "alerts": {tier.value: self.alerts[tier] for tier in Tier},
            "alerts_a_day": round(self.alerts_a_day, 3),
            "precision": _rounded(self.precision),
            "recall": _rounded(whole.recall),
            "customers": self.customers,
            "false_urgent": self.false_urgent if self.labelled else None,
            "false_urgent_per_1000_a_day": _rounded(self.false_urgent_per_1000_a_day),
            "cases": _caught(whole),
            "scenarios": {name: _caught(each) for name, each in sorted(self.scenarios.items())},
            "rules": {name: self._rule(rule) for name, rule in sorted(self.rules.items())},
        }

    def _rule(self, rule: Rule) -> dict[str, object]:
        judged = self.labelled and rule.alerts > 0
        return {
            "signals": rule.signals,
            "shadow_signals": rule.shadow_signals,
            "alerts": rule.alerts,
            "precision": _rounded(rule.true / rule.alerts) if judged else None,
        }


def judge(
    run: Run, truth: Truth | None, warm_up_ms: int, only_rule: str | None = None
) -> Judgement:
    """Judge a run; what opens, or begins, in the first ``warm_up_ms`` of event time is left out.

    With ``only_rule`` just the alerts count in which that rule has a part.
    """
    begin_ms = run.first_ms + warm_up_ms
    episodes = [
        each
        for each in run.episodes.values()
        if each.opened_ms >= begin_ms and (only_rule is None or only_rule in each.rules)
    ]
    attacks = [
        attack
        for attack in (truth.attacks if truth else ())
        if attack.moments and attack.moments[0][0] >= begin_ms
    ]
    of_attack = _matched(episodes, attacks, truth)
    true_ids = {each.alert_id for found in of_attack for each in found}
    rules: dict[str, Rule] = {}
    for (name, stage), count in run.signals.items():
        rule = rules.setdefault(name, Rule())
        if stage == "live":
            rule.signals += count
        else:
            rule.shadow_signals += count
    for episode in episodes:
        for name in episode.rules:
            rule = rules.setdefault(name, Rule())
            rule.alerts += 1
            rule.true += episode.alert_id in true_ids
    scenarios: dict[str, Caught] = {}
    for attack, found in zip(attacks, of_attack, strict=True):
        _add(scenarios.setdefault(attack.scenario, Caught()), attack, found)
    false_urgent = sum(
        each.told_ms(tiers=URGENT) is not None and each.alert_id not in true_ids
        for each in episodes
    )
    return Judgement(
        version=run.version,
        days=max(0, run.last_ms - begin_ms) / _DAY_MS,
        events=run.summary.events.total(),
        alerts=Counter(each.tier for each in episodes),
        true=Counter(each.tier for each in episodes if each.alert_id in true_ids),
        rules=rules,
        scenarios=scenarios,
        customers=run.customers,
        false_urgent=false_urgent,
        labelled=truth is not None,
    )


def _matched(
    episodes: Iterable[Episode], attacks: list[Attack], truth: Truth | None
) -> list[list[Episode]]:
    """The alerts of each attack: those its events triggered, or on its entities during it.

    An alert that stood before and did not rise since is not about it.
    """
    found: dict[int, list[Episode]] = {id(attack): [] for attack in attacks}
    begins = {id(attack): attack.moments[0][0] for attack in attacks}
    by_entity: dict[tuple[str, str], list[Attack]] = {}
    for attack in attacks:
        for entity in attack.entities:
            by_entity.setdefault(entity, []).append(attack)
    for episode in episodes:
        events = truth.of_event if truth else {}
        mine = {id(events[event]) for event in episode.triggers if event in events}
        mine |= {
            id(attack)
            for attack in by_entity.get((episode.kind, episode.entity), ())
            if episode.last_ms >= attack.moments[0][0]
            and episode.opened_ms <= attack.moments[-1][0] + _GRACE_MS
        }
        for attack_id in mine & found.keys():
            if episode.told_ms(begins[attack_id]) is not None or not episode.reached:
                found[attack_id].append(episode)
    return [found[id(attack)] for attack in attacks]


def _add(caught: Caught, attack: Attack, episodes: list[Episode]) -> None:
    caught.cases += 1
    caught.value += attack.value
    first_ms, last_ms = attack.moments[0][0], attack.moments[-1][0]
    told = [at for each in episodes if (at := each.told_ms(first_ms)) is not None]
    if not told:
        return
    at_ms = min(told)
    caught.detected += 1
    caught.urgent += any(each.told_ms(first_ms, URGENT) is not None for each in episodes)
    caught.to_detect_ms.append(at_ms - first_ms)
    caught.to_detect_events.append(sum(moment <= at_ms for moment, _ in attack.moments))
    decidable_ms = min(attack.decidable, default=first_ms)
    caught.behind_events.append(sum(decidable_ms < at <= at_ms for at, _ in attack.moments))
    caught.lead_ms.append(max(0, last_ms - at_ms))
    caught.value_ahead += sum(amount for moment, amount in attack.moments if moment > at_ms)


def _caught(caught: Caught) -> dict[str, object]:
    return {
        "cases": caught.cases,
        "detected": caught.detected,
        "urgent": caught.urgent,
        "recall": _rounded(caught.recall),
        "median_to_detect_s": _median_s(caught.to_detect_ms),
        "median_to_detect_events": median(caught.to_detect_events)
        if caught.to_detect_events
        else None,
        "median_events_behind": median(caught.behind_events) if caught.behind_events else None,
        "median_lead_s": _median_s(caught.lead_ms),
        "value": round(caught.value, 2),
        "value_ahead": round(caught.value_ahead, 2),
    }


def _median_s(values: list[int]) -> float | None:
    return round(median(values) / 1000, 3) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
