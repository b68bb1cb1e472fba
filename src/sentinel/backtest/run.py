"""One configuration over the data: every alert as an episode, and the labelled events met."""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sentinel.alerting import read_policy, tier_found
from sentinel.backtest.truth import Truth
from sentinel.engine import Configuration, Engine, Gauges, Outcome
from sentinel.model.alert import Alert, Tier
from sentinel.model.events import Stream
from sentinel.model.network import network_of
from sentinel.model.reading import UNREADABLE
from sentinel.model.step import Step
from sentinel.replay.loop import LoopBack
from sentinel.replay.run import Origin, Summary, replay

_LOSSES = frozenset({"approved", None})


@dataclass(slots=True)
class Episode:
    """One alert from its opening to its end.

    ``tier`` is the highest that it reached by what rules found: nobody answers in a backtest,
    and an alert that rose by age found nothing.  ``reached`` has the moment (ms) at which people
    were first told of each tier;
    ``triggers`` the ids of the events behind its revisions.
    """

    alert_id: str
    kind: str
    entity: str
    risk: str
    title: str
    opened_ms: int
    last_ms: int
    tier: Tier
    reached: dict[Tier, int] = field(default_factory=dict)
    rules: set[str] = field(default_factory=set)
    triggers: set[str] = field(default_factory=set)

    def told_ms(self, from_ms: int = 0, tiers: Collection[Tier] = tuple(Tier)) -> int | None:
        """When people were first told of it at one of these tiers, not before ``from_ms``."""
        found = (at for tier, at in self.reached.items() if tier in tiers and at >= from_ms)
        return min(found, default=None)


@dataclass(slots=True)
class Run:
    """The results of one configuration on the data."""

    version: str
    episodes: dict[str, Episode] = field(default_factory=dict)
    signals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By rule and mode."""
    summary: Summary = field(default_factory=Summary)
    customers: int = 0
    first_ms: int = 0
    last_ms: int = 0

    def note(self, alert: Alert, tier: Tier | None) -> None:
        """Add a revision to its episode; ``tier`` is what it stands at by what rules found."""
        at_ms = alert.updated_at
        episode = self.episodes.get(alert.alert_id)
        if episode is None:
            episode = self.episodes[alert.alert_id] = Episode(
                alert.alert_id,
                alert.entity.kind,
                alert.entity.id,
                alert.risk.value,
                alert.title.en,
                alert.opened_at,
                at_ms,
                alert.tier,
            )
        episode.last_ms = at_ms
        episode.rules.update(reason.rule_id for reason in alert.reasons)
        episode.triggers.add(alert.trigger.event_id)
        if tier is not None:
            episode.tier = _worse(episode.tier, tier)
            if not alert.suppressed:
                episode.reached.setdefault(tier, at_ms)


def run(
    configuration: Configuration,
    sources: Sequence[Origin],
    truth: Truth | None,
    *,
    limit: int | None = None,
    progress: Callable[[], object] = lambda: None,
) -> Run:
    """Run the live engine over the sources; ``progress`` is called after each step.

    Moments and amounts of ``truth`` are filled in as its events are met.  Raises OSError and
    ReplayError.
    """
    found = Run(configuration.version)
    policy = read_policy(configuration.documents["tiers.yaml"])
    engine = _Watching(LoopBack(Engine(configuration)), found, truth)
    for outcome in replay(engine, sources, found.summary, limit=limit):
        for alert in outcome.emitted.alerts:
            found.note(alert, tier_found(alert, policy))
        found.signals.update(outcome.counts.signals)
        progress()
    found.customers = engine.gauges().slots_used
    return found


class _Watching:
    """The engine; on the way it sees when events are, and which are labelled."""

    def __init__(self, engine: LoopBack, found: Run, truth: Truth | None) -> None:
        self._engine, self._found, self._truth = engine, found, truth
        self._ids = msgspec.json.Decoder(_Labelled)

    def process(self, step: Step) -> Outcome:
        found = self._found
        for chunk in step.chunks:
            if chunk.recorded_ms:
                first, last = min(chunk.recorded_ms), max(chunk.recorded_ms)
                found.first_ms = min(found.first_ms or first, first)
                found.last_ms = max(found.last_ms, last)
            if self._truth is not None:
                for value, at_ms in zip(chunk.values, chunk.recorded_ms, strict=True):
                    self._note(chunk.stream, value, at_ms)
        return self._engine.process(step)

    def gauges(self) -> Gauges:
        return self._engine.gauges()

    def _note(self, stream: Any, value: bytes | None, at_ms: int) -> None:
        try:
            event = self._ids.decode(value or b"")
        except UNREADABLE:  # a dead letter, which the engine counts
            return
        truth = self._truth
        attack = truth.of_event.get(event.event_id) if truth else None
        if truth is None or attack is None:
            return
        if event.event_id not in truth.undecided:
            attack.decidable.append(at_ms)
        left = stream is Stream.TRANSACTION and event.direction == "debit"
        lost = event.amount if left and event.status in _LOSSES else 0.0
        insort(attack.moments, (at_ms, float(lost or 0.0)))
        attack.entities |= event.entities


class _Labelled(msgspec.Struct, gc=False):
    """Of an event, what a label is matched by and judged with."""

    event_id: str
    customer_id: str = ""
    device_id: str = ""
    ip: str = ""
    merchant_id: str = ""
    counterparty_id: str = ""
    direction: str | None = None
    status: str | None = None
    amount: float | None = None

    @property
    def entities(self) -> set[tuple[str, str]]:
        """Whom and what it happened to; what many share anyway (branches, the bank) is left out."""
        named = (
            ("customer", self.customer_id),
            ("device", self.device_id),
            ("ip", network_of(self.ip)),
            ("merchant", self.merchant_id),
            ("counterparty", self.counterparty_id),
        )
        return {(kind, name) for kind, name in named if name}


def _worse(a: Tier, b: Tier) -> Tier:
    order = list(Tier)
    return min(a, b, key=order.index)
