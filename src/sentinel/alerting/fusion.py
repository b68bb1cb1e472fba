"""Signals in, alert revisions out: one open alert per customer and kind of risk."""

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import msgspec

from sentinel.alerting.policy import Policy, read_policy
from sentinel.alerting.standing import Contribution, Standing, noisy_or
from sentinel.model.alert import ActionRequest, Alert, Entity, Reason, Tier, Trigger
from sentinel.model.document import Document
from sentinel.model.signal import Action, Risk, Signal, Stage
from sentinel.model.step import Limit, Suppression

_ACTIONS = tuple(Action)


def load(document: Document) -> "Fusion":
    """A fusion with nothing standing, by the policy in ``document`` (tiers.yaml).

    Raises :class:`~sentinel.model.document.ConfigError`.
    """
    return Fusion(read_policy(document))


@dataclass(slots=True)
class Fused:
    """What a batch of signals came to, and what it counted."""

    alerts: list[Alert] = field(default_factory=list)
    action_requests: list[ActionRequest] = field(default_factory=list)
    suppressed: Counter[Suppression] = field(default_factory=Counter)
    limits: Counter[Limit] = field(default_factory=Counter)


class Fusion:
    """Fuses signals into alerts; memory is bounded by ``policy.max_open_alerts``.

    A customer's clock is the greatest event time among what stands against them, so a
    late signal never makes time go backwards: it arrives already faded.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._standings: OrderedDict[tuple[str, Risk], Standing] = OrderedDict()

    def fuse(self, signals: Sequence[Signal], config_version: str) -> Fused:
        """Alert revisions for ``signals``, which are ordered by place (one place, one event).

        The signals of an event come in one call.  All of them count before any is judged, so
        an event causes at most one revision of each risk.
        """
        fused = Fused()
        for _, same_event in groupby(signals, key=lambda signal: signal.place):
            live: list[Signal] = []
            for signal in same_event:
                if signal.stage is Stage.LIVE:
                    live.append(signal)
                else:
                    fused.suppressed[Suppression.SHADOW] += 1
            if live:
                self._fuse_event(live, config_version, fused)
        return fused

    def snapshot(self) -> bytes:
        """All that stands, least recently updated first; equal states give equal bytes."""
        return msgspec.msgpack.encode(
            [(customer, risk, standing) for (customer, risk), standing in self._standings.items()]
        )

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""
        entries = msgspec.msgpack.decode(data, type=list[tuple[str, Risk, Standing]])
        self._standings = OrderedDict(
            ((customer, risk), standing) for customer, risk, standing in entries
        )

    def _fuse_event(self, signals: list[Signal], config_version: str, fused: Fused) -> None:
        """Take in the signals that one arriving event caused.

        A late event may complete a sequence whose last step came before: such a signal
        carries that step's event and time, so times within one call may differ.
        """
        customer_id = signals[0].customer_id
        standings = self._of_customer(customer_id)
        clocks = [standing.updated_at for standing in standings.values()]
        now_ms = max([signal.event_time for signal in signals] + clocks)
        horizon_ms = now_ms - self.policy.quiet_ms
        for risk, standing in standings.items():
            standing.forget_before(horizon_ms)
            if not standing.contributions:
                del self._standings[customer_id, risk]
        fresh: dict[Risk, list[tuple[Signal, int]]] = {}
        for signal in signals:
            if signal.event_time < horizon_ms:
                fused.suppressed[Suppression.STALE] += 1
                continue
            key = customer_id, signal.risk
            standing = self._standings.setdefault(key, Standing())
            if count := standing.add(signal):
                standing.updated_at = now_ms
                self._standings.move_to_end(key)
                fresh.setdefault(signal.risk, []).append((signal, count))
            else:
                fused.suppressed[Suppression.UNCHANGED] += 1
        for counted in fresh.values():
            cause = counted[0][0]
            verdict = self._judge(cause, [count for _, count in counted])
            if isinstance(verdict, Tier):
                alert = self._revision(cause, verdict, config_version, fused.limits)
                fused.alerts.append(alert)
                fused.action_requests += self._requests(alert)
            else:
                fused.suppressed[verdict] += len(counted)
        while len(self._standings) > self.policy.max_open_alerts:
            self._standings.popitem(last=False)
            fused.limits[Limit.OPEN_ALERTS] += 1

    def _of_customer(self, customer_id: str) -> dict[Risk, Standing]:
        found = ((risk, self._standings.get((customer_id, risk))) for risk in Risk)
        return {risk: standing for risk, standing in found if standing is not None}

    def _judge(self, cause: Signal, counts: list[int]) -> Tier | Suppression:
        """Move the standing to the tier of its score: that tier if it is news, or why not.

        An alert that fell below all tiers and rises again goes on under its id; only the
        quiet period ends it.
        """
        standing = self._standings[cause.customer_id, cause.risk]
        standing.previous_tier = standing.tier
        standing.score = self._score({cause.risk: standing}, standing.updated_at)
        standing.tier = self.policy.tier(standing.score, standing.previous_tier)
        if standing.tier is None:
            return Suppression.BELOW_TIERS
        if standing.tier is standing.previous_tier and not any(map(self.policy.is_news, counts)):
            return Suppression.UNCHANGED
        if not standing.alert_id:
            standing.alert_id, standing.opened_at = _alert_id(cause), standing.updated_at
        return standing.tier

    def _revision(
        self, cause: Signal, tier: Tier, config_version: str, limits: Counter[Limit]
    ) -> Alert:
        """The next revision of an open alert, as everything stands now."""
        standings = self._of_customer(cause.customer_id)
        standing = standings[cause.risk]
        standing.revision += 1
        now_ms = standing.updated_at
        ranked = standing.ranked(now_ms, self.policy.halflife_ms[cause.risk])
        if len(ranked) > self.policy.max_reasons:
            limits[Limit.REASONS] += 1
            del ranked[self.policy.max_reasons :]
        strongest = ranked[0][1]
        actions = {action for _, reason in ranked for action in reason.actions}
        return Alert(
            alert_id=standing.alert_id,
            revision=standing.revision,
            entity=Entity("customer", cause.customer_id),
            risk=cause.risk,
            tier=tier,
            previous_tier=standing.previous_tier,
            score=standing.score,
            customer_score=self._score(standings, now_ms),
            title=strongest.title,
            opened_at=standing.opened_at,
            updated_at=now_ms,
            trigger=Trigger(cause.stream, cause.event_id, cause.event_time, cause.recorded_ms),
            reasons=tuple(_reason(contribution, part) for part, contribution in ranked),
            actions=tuple(sorted(actions, key=_ACTIONS.index)),
            runbook=strongest.runbook,
            config_version=config_version,
        )

    def _requests(self, alert: Alert) -> list[ActionRequest]:
        """The actions that the alert recommends for the first time."""
        requested = self._standings[alert.entity.id, alert.risk].requested
        fresh = [action for action in alert.actions if action not in requested]
        requested += fresh
        return [
            ActionRequest(
                request_id=f"{alert.alert_id}.{action}",
                action=action,
                alert_id=alert.alert_id,
                revision=alert.revision,
                entity=alert.entity,
                risk=alert.risk,
                tier=alert.tier,
                score=alert.score,
                title=alert.title,
                requested_at=alert.updated_at,
                runbook=alert.runbook,
                config_version=alert.config_version,
            )
            for action in fresh
        ]

    def _score(self, standings: Mapping[Risk, Standing], now_ms: int) -> float:
        """Two decimals, so that the tier follows from the score that people see."""
        weights = (
            weight
            for risk, standing in standings.items()
            for weight in standing.weights(now_ms, self.policy.halflife_ms[risk])
        )
        return round(noisy_or(weights), 2)


def _reason(contribution: Contribution, part: float) -> Reason:
    return Reason(
        rule_id=contribution.rule_id,
        title=contribution.title,
        severity=contribution.severity,
        contribution=part,
        count=contribution.count,
        first_event_time=contribution.first_event_time,
        last_event_time=contribution.last_event_time,
        clauses=contribution.clauses,
    )


def _alert_id(opening: Signal) -> str:
    """BLAKE2b-128 of the JSON array [entity kind, entity id, risk, opening event id], in hex."""
    parts = ("customer", opening.customer_id, opening.risk, opening.event_id)
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()
