"""The risk state of one entity and kind of risk: the rules that fired, their score and tier.

The score is a noisy-or over the rules that fired: each rule alone would leave
``1 - weight`` of doubt, and doubts multiply.  A weight is the rule's severity as a
share, halved every half-life of event time since the rule last fired.
"""

import math
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from sentinel.model.alert import Tier, Trigger
from sentinel.model.events import EventKey
from sentinel.model.signal import Action, Clause, Signal, Title

_REMEMBERED_EVENTS = 32


class Firing(Struct, frozen=True):
    """One event of a rule: kept to recognise it, and to retract it."""

    event: EventKey
    event_time: int


class Contribution(Struct, kw_only=True):
    """One rule's part of the score: how often it fired, and its newest firing."""

    rule_id: str
    title: Title
    severity: int
    count: int
    first_event_time: int
    last_event_time: int
    clauses: tuple[Clause, ...]
    actions: tuple[Action, ...]
    runbook: str
    recent: list[Firing]
    explained_by: EventKey | None  # the event whose clauses these are

    def has_counted(self, event: EventKey) -> bool:
        """Whether the event is among the remembered ones; it most often is the last."""
        return any(firing.event == event for firing in reversed(self.recent))

    def retract(self, event: EventKey) -> bool:
        """Retract an event; False if it is not among the remembered ones."""
        kept = [firing for firing in self.recent if firing.event != event]
        if len(kept) == len(self.recent):
            return False
        self.recent, self.count = kept, self.count - 1
        if kept:
            self.last_event_time = max(firing.event_time for firing in kept)
            if self.count == len(kept):
                self.first_event_time = min(firing.event_time for firing in kept)
        if self.explained_by == event:  # the clauses of the other events were not kept
            self.clauses, self.explained_by = (), None
        return True

    def weight(self, now_ms: int, halflife_ms: int) -> float:
        """Severity as a share from 0 to 1, faded from its last firing to ``now_ms``."""
        age_ms = now_ms - self.last_event_time
        return self.severity / 100 * math.exp2(-age_ms / halflife_ms)


class RiskState(Struct, kw_only=True):
    """The contributions of one entity and risk, and the tier of their score.

    ``tier`` is None while none is reached, ``previous_tier`` what it was one event before;
    ``updated_at`` is the entity's clock (the greatest event time seen) when this state
    last changed, and ``score`` is as of then.  ``answered`` are the events that a verdict has
    been given on, ``trigger`` the newest event that counted.
    """

    contributions: dict[str, Contribution] = field(default_factory=dict)
    updated_at: int = 0
    score: float = 0.0
    tier: Tier | None = None
    previous_tier: Tier | None = None
    trigger: Trigger | None = None
    answered: list[EventKey] = field(default_factory=list)

    def add(self, signal: Signal) -> int:
        """Count the signal's event for its rule; returns the new count, 0 if known already."""
        found = self.contributions.get(signal.rule_id)
        if found is None:
            found = self.contributions[signal.rule_id] = Contribution(
                rule_id=signal.rule_id,
                title=signal.title,
                severity=signal.severity,
                count=0,
                first_event_time=signal.event_time,
                last_event_time=signal.event_time,
                clauses=signal.clauses,
                actions=signal.actions,
                runbook=signal.runbook,
                recent=[],
                explained_by=signal.event,
            )
        elif found.has_counted(signal.event):
            return 0
        found.count += 1
        found.title, found.severity, found.clauses = signal.title, signal.severity, signal.clauses
        found.actions, found.runbook = signal.actions, signal.runbook
        found.first_event_time = min(found.first_event_time, signal.event_time)
        found.last_event_time = max(found.last_event_time, signal.event_time)
        found.explained_by = signal.event
        found.recent.append(Firing(signal.event, signal.event_time))
        del found.recent[:-_REMEMBERED_EVENTS]
        return found.count

    def has_counted(self, signal: Signal) -> bool:
        """Whether the signal's event is among those that its rule remembers."""
        found = self.contributions.get(signal.rule_id)
        return found is not None and found.has_counted(signal.event)

    def retract(self, event: EventKey) -> bool:
        """Retract an event from every rule that fired on it; False if none remembers it."""
        found = [each for each in self.contributions.values() if each.retract(event)]
        for each in found:
            if each.count == 0:
                del self.contributions[each.rule_id]
        return bool(found)

    def answer(self) -> list[EventKey]:
        """Apply a verdict: drop all contributions, and from now on their events; returns these."""
        recent = (firing for each in self.contributions.values() for firing in each.recent)
        events = sorted({firing.event for firing in recent})
        self.answered = sorted({*self.answered, *events})
        self.contributions, self.tier, self.previous_tier, self.score = {}, None, None, 0.0
        return events

    def forget_before(self, moment_ms: int) -> None:
        """Drop the contributions that last fired before ``moment_ms``."""
        self.contributions = {
            rule_id: contribution
            for rule_id, contribution in self.contributions.items()
            if contribution.last_event_time >= moment_ms
        }

    def weights(self, now_ms: int, halflife_ms: int) -> Iterator[float]:
        """Every contribution's weight at ``now_ms``, in the order in which they joined."""
        return (each.weight(now_ms, halflife_ms) for each in self.contributions.values())

    def ranked(self, now_ms: int, halflife_ms: int) -> list[tuple[float, Contribution]]:
        """Contributions with the score of the others alone, strongest first."""
        weights = list(self.weights(now_ms, halflife_ms))
        without = [
            (noisy_or(weights[:i] + weights[i + 1 :]), contribution)
            for i, contribution in enumerate(self.contributions.values())
        ]
        return sorted(without, key=lambda each: (each[0], -each[1].severity, each[1].rule_id))


def noisy_or(weights: Iterable[float]) -> float:
    """The score from 0 to 100 of independent weights from 0 to 1.

    Two decimals, so that the tier follows from the score that people see.
    """
    return round(100.0 * (1.0 - math.prod(1.0 - weight for weight in weights)), 2)
