"""A step's alerting, in order: what happened in the stream, what people said, what is due."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from sentinel.alerting.book import AlertBook
from sentinel.alerting.fusion import Fusion, Who
from sentinel.alerting.policy import Policy
from sentinel.alerting.suppression import SuppressionRules
from sentinel.alerting.suppressors import Suppressors
from sentinel.model.alert import ActionRequest, Alert, AlertState, Resolution, Tier
from sentinel.model.claim import Claim, Ending
from sentinel.model.response import (
    Response,
    ResponseKind,
    ResponseResult,
    Silence,
    Verdict,
)
from sentinel.model.signal import Risk, Signal, Stage
from sentinel.model.step import Limit, SignalDrop
from sentinel.state import Timers

QUIET = "quiet"
_TIMERS_OF_AN_ALERT = 4  # quiet, age, capacity, cooldown
_NEVER = -(2**62)


@dataclass(slots=True)
class Said:
    """What a step made alerting say, and what it counted."""

    alerts: list[Alert] = field(default_factory=list)
    action_requests: list[ActionRequest] = field(default_factory=list)
    dropped: Counter[SignalDrop] = field(default_factory=Counter)
    limits: Counter[Limit] = field(default_factory=Counter)
    responses: Counter[tuple[ResponseKind, ResponseResult]] = field(default_factory=Counter)


class Alerting:
    """All alerting state of one shard.

    Its clock is the greatest event time seen and moment given; deadlines fire by it, before
    what came at or after it is looked at, so it does not matter how the input is cut.
    """

    def __init__(self, policy: Policy, rules: SuppressionRules) -> None:
        room = _TIMERS_OF_AN_ALERT * policy.max_open_alerts
        self._policy = policy
        self._timers = Timers(room + rules.max_silences + len(rules.mutes))
        self._fusion = Fusion(policy)
        self._suppressors = Suppressors(rules, self._timers)
        self._book = AlertBook(policy, self._suppressors, self._timers)
        self._clock_ms = _NEVER
        self._said = Said()

    def begin(self, config_version: str) -> None:
        """Start a step: name the configuration under which it is taken."""
        self._book.begin(config_version)

    def silence(self, silence: Silence) -> None:
        """Take in a silence; open alerts that it touches get a revision."""
        if not self._suppressors.silence(silence, self._clock_ms):
            self._said.limits[Limit.SILENCES] += 1
        self._book.reconsider(None, self._clock_ms)

    def advance(self, clock_ms: int) -> None:
        """Move the clock on, never back, and do what is due by then."""
        self._count_room(self._suppressors.arm(max(self._clock_ms, clock_ms)))
        for due_ms, timer in self._timers.pop_due(clock_ms):
            self._clock_ms = max(self._clock_ms, due_ms)
            self._fire(timer, due_ms)
        self._clock_ms = max(self._clock_ms, clock_ms)

    def take(self, signals: Sequence[Signal]) -> None:
        """Take in the signals of one event."""
        live = [signal for signal in signals if signal.stage is Stage.LIVE]
        if len(live) < len(signals):
            self._said.dropped[SignalDrop.SHADOW] += len(signals) - len(live)
        if not live:
            return
        who = live[0].entity_kind, live[0].entity_id
        for claim, count in self._fusion.fuse(live, self._clock_ms):
            if not self._book.claim(claim, self._clock_ms):
                self._said.dropped[SignalDrop.UNCHANGED] += count
        for risk in {signal.risk: None for signal in live}:
            self._watch_quiet(who, risk)
        for gone, risk in self._fusion.displaced():
            self._timers.cancel((QUIET, *gone, risk))
            self._end((*gone, risk), Resolution.DISPLACED, self._clock_ms)

    def claim(self, claim: Claim) -> None:
        """Take in what another stage says of an entity of its own."""
        self._book.claim(claim, self._clock_ms)

    def end(self, ending: Ending) -> None:
        """What another stage had claimed is over."""
        place = (ending.entity.kind, ending.entity.id, ending.risk)
        self._end(place, ending.resolution, ending.at_ms)

    def respond(self, response: Response, at_ms: int) -> list[str]:
        """Do what a person said of an alert at ``at_ms``; the events that a verdict is on."""
        assert response.alert_id is not None  # noqa: S101 - checked when it was decoded
        alert, events = self._book.find(response.alert_id), list[str]()
        if alert is None:
            result = ResponseResult.NOT_OPEN
        elif response.kind is ResponseKind.DISPOSITION:
            events, result = self._dispose(response, alert, at_ms), ResponseResult.APPLIED
        elif self._apply(response, alert, at_ms):
            result = ResponseResult.APPLIED
        else:
            result = ResponseResult.UNCHANGED
        self._said.responses[response.kind, result] += 1
        return events

    def next_due_ms(self) -> int:
        """When the next deadline fires (ms UTC); far ahead if none is set."""
        return self._timers.next_due_ms()

    def finish(self) -> Said:
        """What was said and counted since the last call."""
        said, self._said = self._said, Said()
        written = self._book.take()
        said.alerts, said.action_requests = written.alerts, written.action_requests
        said.dropped += self._fusion.dropped
        said.limits += written.limits + self._fusion.limits
        self._fusion.dropped, self._fusion.limits = Counter(), Counter()
        return said

    def standings(self) -> dict[tuple[Tier, AlertState, bool], int]:
        """How many alerts are open, by tier, state and whether they are suppressed."""
        return self._book.standings()

    def carry(self, old: "Alerting", config_version: str) -> None:
        """Go on where ``old`` stands; what is open is judged anew by these suppressions."""
        self.restore(old.snapshot())
        self._suppressors.disarm(old._suppressors)  # noqa: SLF001
        self._count_room(self._suppressors.arm(self._clock_ms))
        self._book.begin(config_version)
        self._book.reconsider(None, self._clock_ms)

    def snapshot(self) -> bytes:
        """All state; equal states give equal bytes."""
        parts = (self._fusion, self._book, self._suppressors, self._timers)
        return msgspec.msgpack.encode((self._clock_ms, *(part.snapshot() for part in parts)))

    def restore(self, data: bytes) -> None:
        """Continue from what :meth:`snapshot` gave."""
        kind = tuple[int, bytes, bytes, bytes, bytes]
        self._clock_ms, fusion, book, suppressors, timers = msgspec.msgpack.decode(data, type=kind)
        self._fusion.restore(fusion)
        self._book.restore(book)
        self._suppressors.restore(suppressors)
        self._timers.restore(timers)

    def _apply(self, response: Response, alert: Alert, at_ms: int) -> bool:
        who = (alert.entity.kind, alert.entity.id)
        place = (*who, alert.risk)
        match response.kind:
            case ResponseKind.ACKNOWLEDGE:
                return self._book.acknowledge(alert, response.actor, at_ms, self._clock_ms)
            case ResponseKind.ASSIGN:
                assert response.assignee is not None  # noqa: S101 - checked when it was decoded
                return self._book.assign(alert, response.assignee, at_ms, self._clock_ms)
            case ResponseKind.NOTE:
                return True
        assert response.event_id is not None  # noqa: S101 - checked when it was decoded
        left = self._fusion.retract(who, alert.risk, response.event_id)
        if left is False:
            return False
        if isinstance(left, Claim):
            self._book.correct(left, self._clock_ms)
        else:
            self._end(place, Resolution.RETRACTED, at_ms)
        self._watch_quiet(who, alert.risk)
        return True

    def _dispose(self, response: Response, alert: Alert, at_ms: int) -> list[str]:
        who = (alert.entity.kind, alert.entity.id)
        if response.verdict is Verdict.FALSE_POSITIVE:
            until_ms = self._clock_ms + self._policy.cooldown_ms
            self._count_room(self._suppressors.cool_down(alert, until_ms))
        events = self._fusion.answer(who, alert.risk)
        self._end((*who, alert.risk), Resolution(str(response.verdict)), at_ms)
        return events

    def _fire(self, timer: tuple[str, ...], due_ms: int) -> None:
        kind, *rest = timer
        match kind, rest:
            case "quiet", [entity_kind, entity_id, risk]:
                self._fusion.forget((entity_kind, entity_id), Risk(risk))
                self._end((entity_kind, entity_id, risk), Resolution.QUIET, due_ms)
            case "age", [entity_kind, entity_id, risk]:
                self._book.escalate_by_age((entity_kind, entity_id, risk), due_ms, self._clock_ms)
            case "capacity", [entity_kind, entity_id, risk]:
                self._book.reconsider([(entity_kind, entity_id, risk)], self._clock_ms)
            case "cooldown", [entity_kind, entity_id, risk]:
                place = (entity_kind, entity_id, risk)
                self._suppressors.warm_up(place)
                self._book.reconsider([place] if self._book.is_open(place) else [], self._clock_ms)
            case "mute", [reason, name]:
                self._count_room(self._suppressors.change(reason, name, due_ms))
                self._book.reconsider(None, self._clock_ms)

    def _end(self, place: tuple[str, str, str], resolution: Resolution, at_ms: int) -> None:
        self._book.resolve(place, resolution, at_ms, self._clock_ms)

    def _watch_quiet(self, who: Who, risk: Risk) -> None:
        if (who, risk) in self._fusion:
            due_ms = self._fusion.quiet_at_ms(who, risk)
            self._count_room(self._timers.set((QUIET, *who, risk), due_ms))

    def _count_room(self, found: bool) -> None:
        if not found:
            self._said.limits[Limit.TIMERS] += 1
