"""From signals to alert updates: the score of each entity and kind of risk, and its tier."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from sentinel.alerting.policy import Policy
from sentinel.alerting.risk_state import Contribution, RiskState, noisy_or
from sentinel.model.alert import Entity, Reason, Tier, Trigger
from sentinel.model.alert_update import AlertUpdate
from sentinel.model.entity import owner_key
from sentinel.model.events import EventKey
from sentinel.model.signal import Action, Risk, Signal
from sentinel.model.step import Limit, SignalDrop
from sentinel.state import newest

_ACTIONS = tuple(Action)
_RISKS = tuple(Risk)

Who = tuple[str, str]
"""Kind and id of an entity: a customer, or one that many customers share."""


class Fusion:
    """Fuses signals into alert updates; memory is bounded by ``policy.max_open_alerts``.

    Over the bound, idle risk states are evicted first: those without an open alert (see
    :meth:`least_recent_idle`).

    An entity's clock is the greatest event time among its contributions, so a late signal never
    makes time go backwards: its weight has faded when it is added.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.dropped: Counter[SignalDrop] = Counter()
        self.limits: Counter[Limit] = Counter()
        self._states: OrderedDict[tuple[Who, Risk], RiskState] = OrderedDict()
        self._idle: OrderedDict[tuple[Who, Risk], None] = OrderedDict()
        self._unexplained: dict[tuple[Who, Risk], dict[str, Signal]] = {}  # by rule, the newest

    def __contains__(self, key: tuple[Who, Risk]) -> bool:
        return key in self._states

    def fuse(self, signals: Sequence[Signal], clock_ms: int) -> Iterator[tuple[AlertUpdate, int]]:
        """Add the live signals of one event; yields an update for each risk that is news.

        All of them count before any is judged.  Each update comes with the number of signals
        behind it.  A late event may complete a sequence whose last step came before: such a
        signal carries that step's event and time, so times within one call may differ.  What is
        older than the quiet period at ``clock_ms`` is stale: its alert would be over, and may have
        been.  A signal that is known changes nothing, not even what has faded.
        """
        who = signals[0].entity_kind, signals[0].entity_id
        states = self._of(who)
        signals, among = self._unknown(signals, states), len(signals)
        self.dropped[SignalDrop.UNCHANGED] += among - len(signals)
        if not signals:
            return
        clocks = [state.updated_at for state in states.values()]
        now_ms = max([signal.event_time for signal in signals] + clocks)
        horizon_ms = now_ms - self.policy.quiet_ms
        stale_ms = max(now_ms, clock_ms) - self.policy.quiet_ms
        for state in states.values():
            state.forget_before(horizon_ms)
        fresh: dict[Risk, list[tuple[Signal, int]]] = {}
        for signal in signals:
            if signal.event_time < stale_ms:
                self.dropped[SignalDrop.STALE] += 1
                continue
            if signal.risk not in states:
                states[signal.risk] = self._states[who, signal.risk] = RiskState()
            state = states[signal.risk]
            if state.answered and signal.event in state.answered:
                self.dropped[SignalDrop.ANSWERED] += 1
            elif count := state.add(signal):
                fresh.setdefault(signal.risk, []).append((signal, count))
            else:
                self.dropped[SignalDrop.UNCHANGED] += 1
        for risk, counted in fresh.items():
            self._touch((who, risk), [signal for signal, _ in counted])
            cause, state = counted[0][0], states[risk]
            state.updated_at = now_ms
            state.trigger = Trigger(
                cause.stream, cause.event_id, cause.event_time, cause.recorded_ms
            )
            verdict = self._judge(state, cause.risk, [count for _, count in counted])
            if isinstance(verdict, Tier):
                yield self._update(who, cause.risk, verdict), len(counted)
            else:
                self.dropped[verdict] += len(counted)

    def explain(self) -> None:
        """Read the clauses of what was added since the last call; the step ends.

        Of many events of one rule in a step only the newest is explained, and those of which
        an update tells.
        """
        for key in list(self._unexplained):
            self._explain(key)

    def _touch(self, key: tuple[Who, Risk], signals: Sequence[Signal]) -> None:
        """Note that signals were added: their state is the most recent, and has to be explained."""
        self._states.move_to_end(key)
        if key in self._idle:
            self._idle.move_to_end(key)
        unexplained = self._unexplained.setdefault(key, {})
        for signal in signals:
            unexplained[signal.rule_id] = signal

    def _explain(self, key: tuple[Who, Risk]) -> None:
        signals, state = self._unexplained.pop(key, None), self._states.get(key)
        if signals is not None and state is not None:
            for signal in signals.values():
                state.explain(signal)

    def retract(
        self, who: Who, risk: Risk, events: Sequence[EventKey]
    ) -> AlertUpdate | bool | None:
        """Retract events; an update by those left, None if none is, False if none is known."""
        state = self._states.get((who, risk))
        if state is None:
            return False
        known = [event for event in events if state.retract(event)]
        if not known:
            return False
        self._rescore(state, risk)
        if state.tier is None:
            return None
        return self._update(who, risk, state.tier)

    def quiet_at_ms(self, who: Who, risk: Risk) -> int:
        """When the quiet period of a risk state ends (ms UTC)."""
        return self._states[who, risk].last_event_time() + self.policy.quiet_ms + 1

    def answer(self, who: Who, risk: Risk) -> list[EventKey]:
        """Apply a verdict: the contributions count no more.  Returns the events behind them."""
        state = self._states.get((who, risk))
        return [] if state is None else state.answer()

    def forget(self, who: Who, risk: Risk) -> None:
        """Drop the risk state."""
        self._states.pop((who, risk), None)
        self._idle.pop((who, risk), None)

    def note(self, who: Who, risk: Risk, *, idle: bool) -> None:
        """Note whether a risk state has an open alert; without a state nothing changes."""
        key = who, risk
        if not idle:
            self._idle.pop(key, None)
        elif key in self._states and key not in self._idle:
            self._states.move_to_end(key)
            self._idle[key] = None

    def note_all(self, is_idle: Callable[[Who, Risk], bool]) -> None:
        """Restore which risk states are idle, that is, have no open alert."""
        self._idle = OrderedDict((key, None) for key in self._states if is_idle(*key))

    @property
    def is_over(self) -> bool:
        """Whether there are more risk states than the bound allows."""
        return len(self._states) > self.policy.max_open_alerts

    def least_recent_idle(self) -> tuple[Who, Risk] | None:
        """The idle risk state that was updated least recently; None without one."""
        return next(iter(self._idle), None)

    def snapshot(self) -> bytes:
        """All risk states, least recently updated first; equal states give equal bytes."""
        return msgspec.msgpack.encode(
            [(who, risk, state) for (who, risk), state in self._states.items()]
        )

    def spot(self) -> bytes:
        """The risk states that were updated last."""
        return msgspec.msgpack.encode(newest(self._states))

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""
        entries = msgspec.msgpack.decode(data, type=list[tuple[Who, Risk, RiskState]])
        self._states = OrderedDict(((who, risk), state) for who, risk, state in entries)

    def _unknown(
        self, signals: Sequence[Signal], states: Mapping[Risk, RiskState]
    ) -> Sequence[Signal]:
        """The signals whose event their rule has not counted yet."""
        if not states:
            return signals
        return [
            signal
            for signal in signals
            if signal.risk not in states or not states[signal.risk].has_counted(signal)
        ]

    def _of(self, who: Who) -> dict[Risk, RiskState]:
        found = {}
        for risk in _RISKS:
            state = self._states.get((who, risk))
            if state is not None:
                found[risk] = state
        return found

    def _rescore(self, state: RiskState, risk: Risk) -> None:
        state.previous_tier = state.tier
        weights = state.weights(state.updated_at, self.policy.halflife_ms[risk])
        state.score = noisy_or(weights)
        state.tier = self.policy.tier(state.score, state.previous_tier)

    def _judge(self, state: RiskState, risk: Risk, counts: list[int]) -> Tier | SignalDrop:
        """Move the risk state to the tier of its score; returns it if it is news, or why not.

        An alert that fell below all tiers and rises again goes on under its id; only the
        quiet period or a verdict ends it.
        """
        self._rescore(state, risk)
        if state.tier is None:
            return SignalDrop.BELOW_TIERS
        if state.tier is state.previous_tier and not any(map(self.policy.is_news, counts)):
            return SignalDrop.UNCHANGED
        return state.tier

    def _update(self, who: Who, risk: Risk, tier: Tier) -> AlertUpdate:
        """The update of an entity and risk by its current state."""
        self._explain((who, risk))
        states = self._of(who)
        state = states[risk]
        now_ms, trigger = state.updated_at, state.trigger
        assert trigger is not None, "a risk state has a trigger"  # noqa: S101
        ranked = state.ranked(now_ms, self.policy.halflife_ms[risk])
        if len(ranked) > self.policy.max_reasons:
            self.limits[Limit.REASONS] += 1
            del ranked[self.policy.max_reasons :]
        strongest = ranked[0][1]
        actions = {action for _, reason in ranked for action in reason.actions}
        return AlertUpdate(
            key=owner_key(*who),
            entity=Entity(*who),
            risk=risk,
            tier=tier,
            score=state.score,
            customer_score=self._score(states, now_ms),
            title=strongest.title,
            dedup_key=f"{trigger.stream} {trigger.event_id}",
            trigger=trigger,
            at_ms=now_ms,
            reasons=tuple(
                self._reason(contribution, state.score, without) for without, contribution in ranked
            ),
            actions=tuple(sorted(actions, key=_ACTIONS.index)),
            runbook=strongest.runbook,
            is_news=True,
            renews=state.previous_tier is None,
        )

    def _score(self, states: Mapping[Risk, RiskState], now_ms: int) -> float:
        weights: list[float] = []
        for risk, state in states.items():
            weights += state.weights(now_ms, self.policy.halflife_ms[risk])
        return noisy_or(weights)

    def _reason(self, contribution: Contribution, score: float, without: float) -> Reason:
        return Reason(
            rule_id=contribution.rule_id,
            title=contribution.title,
            severity=contribution.severity,
            contribution=max(0.0, round(score - without, 2)),
            tier_without=self.policy.tier(without, None),
            count=contribution.count,
            first_event_time=contribution.first_event_time,
            last_event_time=contribution.last_event_time,
            clauses=contribution.clauses,
        )
