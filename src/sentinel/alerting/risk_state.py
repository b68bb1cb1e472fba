"""The risk state of one entity and kind of risk: the rules that fired, their score and tier.

The score is a noisy-or over the rules that fired: each rule alone would leave
``1 - weight`` of doubt, and doubts multiply.  A weight is the rule's severity as a
share, halved every half-life of event time since the rule last fired.
"""

import math
from collections.abc import Iterable

from msgspec import Struct, field

from sentinel.model.alert import Tier, Trigger
from sentinel.model.events import EventKey
from sentinel.model.signal import Action, Clause, Signal, Title

_REMEMBERED_EVENTS = 32


class Contribution(Struct, kw_only=True):
    """One rule's part of the score: how often it fired, and its newest firing.

    ``recent`` are the event times (ms UTC) of its newest events: kept to recognise an event, and
    to retract it.  ``explained_by`` is the event whose clauses these are; after
    :meth:`RiskState.add` they are still those of the event before, until somebody explains.
    """

    rule_id: str
    title: Title
    severity: int
    count: int
    first_event_time: int
    last_event_time: int
    clauses: tuple[Clause, ...]
    actions: tuple[Action, ...]
    runbook: str
    recent: dict[EventKey, int]
    explained_by: EventKey | None

    def retract(self, event: EventKey) -> bool:
        """Retract an event; False if it is not among the remembered ones."""
        if self.recent.pop(event, None) is None:
            return False
        self.count -= 1
        if self.recent:
            self.last_event_time = max(self.recent.values())
            if self.count == len(self.recent):
                self.first_event_time = min(self.recent.values())
        if self.explained_by == event:  # the clauses of the other events were not kept
            self.clauses, self.explained_by = (), None
        return True


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
        event, time = signal.event, signal.event_time
        found = self.contributions.get(signal.rule_id)
        if found is None:
            found = self.contributions[signal.rule_id] = Contribution(
                rule_id=signal.rule_id,
                title=signal.title,
                severity=signal.severity,
                count=0,
                first_event_time=time,
                last_event_time=time,
                clauses=(),
                actions=signal.actions,
                runbook=signal.runbook,
                recent={},
                explained_by=event,
            )
        elif event in found.recent:
            return 0
        found.count += 1
        found.title, found.severity, found.explained_by = signal.title, signal.severity, event
        found.actions, found.runbook = signal.actions, signal.runbook
        found.first_event_time = min(found.first_event_time, time)
        found.last_event_time = max(found.last_event_time, time)
        found.recent[event] = time
        if len(found.recent) > _REMEMBERED_EVENTS:
            del found.recent[next(iter(found.recent))]
        return found.count

    def explain(self, signal: Signal) -> None:
        """Read the clauses of a signal that was added, if it still is its rule's newest."""
        found = self.contributions.get(signal.rule_id)
        if found is not None and found.explained_by == signal.event:
            found.clauses = signal.explain()

    def has_counted(self, signal: Signal) -> bool:
        """Whether the signal's event is among those that its rule remembers."""
        found = self.contributions.get(signal.rule_id)
        return found is not None and signal.event in found.recent

    def retract(self, event: EventKey) -> bool:
        """Retract an event from every rule that fired on it; False if none remembers it."""
        found = [each for each in self.contributions.values() if each.retract(event)]
        for each in found:
            if each.count == 0:
                del self.contributions[each.rule_id]
        return bool(found)

    def answer(self) -> list[EventKey]:
        """Apply a verdict: drop all contributions, and from now on their events; returns these."""
        events = sorted({event for each in self.contributions.values() for event in each.recent})
        self.answered = sorted({*self.answered, *events})
        self.contributions, self.tier, self.previous_tier, self.score = {}, None, None, 0.0
        return events

    def forget_before(self, moment_ms: int) -> None:
        """Drop the contributions that last fired before ``moment_ms``."""
        for each in self.contributions.values():
            if each.last_event_time < moment_ms:
                self.contributions = {
                    rule_id: contribution
                    for rule_id, contribution in self.contributions.items()
                    if contribution.last_event_time >= moment_ms
                }
                return

    def weights(self, now_ms: int, halflife_ms: int) -> list[float]:
        """Every contribution's weight at ``now_ms``, in the order in which they joined.

        That is its severity as a share from 0 to 1, faded since its last firing.
        """
        return [
            each.severity / 100 * math.exp2((each.last_event_time - now_ms) / halflife_ms)
            for each in self.contributions.values()
        ]

    def last_event_time(self) -> int:
        """When a rule fired last (ms UTC); the state's clock if all are retracted or answered."""
        times = [each.last_event_time for each in self.contributions.values()]
        return max(times) if times else self.updated_at

    def ranked(self, now_ms: int, halflife_ms: int) -> list[tuple[float, Contribution]]:
        """Contributions with the score of the others alone, strongest first."""
        weights = self.weights(now_ms, halflife_ms)
        without = [
            (noisy_or(weights[:i] + weights[i + 1 :]), contribution)
            for i, contribution in enumerate(self.contributions.values())
        ]
        return sorted(without, key=lambda each: (each[0], -each[1].severity, each[1].rule_id))


def noisy_or(weights: Iterable[float]) -> float:
    """The score from 0 to 100 of independent weights from 0 to 1.

    Two decimals, so that the tier follows from the score that people see.
    """
    return round(100.0 * (1.0 - math.prod([1.0 - weight for weight in weights])), 2)
