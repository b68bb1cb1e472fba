"""The alerting of one shard: signals, responses and silences, and deadlines."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from sentinel.alerting.book import AlertBook
from sentinel.alerting.fusion import Fusion, Who
from sentinel.alerting.policy import Policy
from sentinel.alerting.suppression import SuppressionRules
from sentinel.alerting.suppressors import Suppressors
from sentinel.model.alert import ActionRequest, Alert, AlertState, Resolution, Suppression, Tier
from sentinel.model.alert_update import AlertResolution, AlertUpdate
from sentinel.model.counts import move, tally
from sentinel.model.entity import CUSTOMER
from sentinel.model.events import EventKey
from sentinel.model.response import (
    Response,
    ResponseKind,
    ResponseResult,
    Silence,
    Verdict,
)
from sentinel.model.share import Share
from sentinel.model.signal import Action, Mode, Risk, Signal
from sentinel.model.stage import WHOLE_STATE, Buffer, Parts
from sentinel.model.step import Limit, SignalDrop
from sentinel.state import Timers

QUIET = "quiet"
_STREAM_TIMERS_OF_AN_ALERT = 2  # quiet, age
_WALL_TIMERS_OF_AN_ALERT = 1  # cooldown
_NEVER = -(2**62)


@dataclass(slots=True)
class AlertingOutput:
    """The output of alerting for one step, and its counts."""

    alerts: list[Alert] = field(default_factory=list)
    action_requests: list[ActionRequest] = field(default_factory=list)
    withheld: Counter[tuple[Action, Suppression]] = field(default_factory=tally)
    dropped: Counter[SignalDrop] = field(default_factory=tally)
    responses: Counter[tuple[ResponseKind, ResponseResult]] = field(default_factory=tally)


class Responded(NamedTuple):
    """What a response came to.

    ``revision`` is the alert's newest after it, None if it is not open; ``events`` are those that
    the response's verdict is about.
    """

    result: ResponseResult
    revision: int | None
    events: Sequence[EventKey] = ()


class Alerting:
    """All alerting state of one shard, under clocks that never go back.

    Stream time is how far the shard's inputs are known.  Quiet periods end by it, and so do
    unanswered alerts age: an answer given in time counts, however late it is read.  What shared
    entities do is known as far as all shards are; their quiet periods have that clock.  Wall-clock
    time is when people can act: silences, maintenance, cooldown and capacity hold by it, and
    no deadline for people starts before it.  What is due fires before anything that came at or
    after it is processed, so it does not matter how the input is cut into steps.
    """

    def __init__(
        self,
        policy: Policy,
        rules: SuppressionRules,
        key: bytes,
        share: Share,
        longest_ms: Mapping[Action, int],
    ) -> None:
        room = _WALL_TIMERS_OF_AN_ALERT * policy.max_open_alerts
        self._policy = policy
        self._stream_timers = Timers(_STREAM_TIMERS_OF_AN_ALERT * policy.max_open_alerts)
        self._shared_timers = Timers(policy.max_open_alerts)
        self._wall_timers = Timers(room + rules.silences.most + len(rules.mutes) + 1)
        self._fusion = Fusion(policy)
        self._suppressors = Suppressors(rules, self._wall_timers, share)
        self._book = AlertBook(
            policy, self._suppressors, self._stream_timers, self._wall_timers, key, longest_ms
        )
        self._stream_ms, self._shared_ms, self._wall_ms = _NEVER, _NEVER, _NEVER
        self._is_simulated = False
        self._output = AlertingOutput()
        self.limits: Counter[Limit] = Counter()

    def begin(self, config_version: str) -> None:
        """Start a step: name the configuration under which it is processed."""
        self._book.begin(config_version)

    def silence(self, silence: Silence, signer: str | None = None) -> str | None:
        """Apply a silence; open alerts that it matches get a revision.

        Returns why it is refused, if it is.  ``signer`` is who signed it, or None.
        """
        refusal = self._suppressors.refusal(silence, signer, self._wall_ms)
        if refusal is not None:
            return refusal
        key = (Suppression.SILENCE, silence.silence_id)
        before = self._suppressors.mute(key)
        self._count_room(self._suppressors.silence(silence, self._wall_ms))
        changed = (before, self._suppressors.mute(key))
        near = self._book.near(each for each in changed if each is not None)
        self._book.reconsider(near, self._wall_ms)
        return None

    def advance(
        self, stream_ms: int, wall_ms: int | None = None, shared_ms: int | None = None
    ) -> None:
        """Move the clocks on and do what is due by then, in the order of the deadlines.

        Without ``wall_ms`` nothing is behind: wall-clock time is stream time.  ``shared_ms`` is
        the stream time of shared entities; it is ``stream_ms`` if it is not given.
        """
        shared_ms = stream_ms if shared_ms is None else shared_ms
        self._is_simulated = wall_ms is None
        wall_ms = max(self._wall_ms, stream_ms if wall_ms is None else wall_ms)
        self._count_room(self._suppressors.arm(wall_ms))
        if self.is_due(stream_ms, wall_ms, shared_ms):
            self._fire_due(stream_ms, wall_ms, shared_ms)
        self._stream_ms = max(self._stream_ms, stream_ms)
        self._shared_ms = max(self._shared_ms, shared_ms)
        self._wall_ms = wall_ms

    def process(self, signals: Sequence[Signal]) -> None:
        """Process the signals of one event."""
        live = [signal for signal in signals if signal.mode is Mode.LIVE]
        if len(live) < len(signals):
            self._output.dropped[SignalDrop.SHADOW] += len(signals) - len(live)
        if not live:
            return
        who = live[0].entity_kind, live[0].entity_id
        # A rule on verdicts about a shared entity fires after later events: whether its signal is
        # stale is judged by when the verdict was recorded.
        clock_ms = self._stream_ms if who[0] == CUSTOMER else live[0].recorded_ms
        for update, count in self._fusion.fuse(live, clock_ms):
            if not self._book.update(update, self._moment_ms(who)):
                self._output.dropped[SignalDrop.UNCHANGED] += count
        for risk in {signal.risk: None for signal in live}:
            self._schedule_quiet(who, risk)
            self._fusion.note(who, risk, idle=not self._book.is_open((*who, risk)))
        while self._fusion.is_over:
            self._displace()

    def update(self, update: AlertUpdate) -> None:
        """Open or revise an alert at the request of another stage."""
        self._book.update(update, self._wall_ms)

    def resolve(self, resolution: AlertResolution) -> None:
        """End an alert at the request of another stage."""
        key = (resolution.entity.kind, resolution.entity.id, resolution.risk)
        self._end(key, resolution.resolution, resolution.at_ms)

    def respond(self, response: Response, at_ms: int) -> Responded:
        """Apply a person's response to an alert at ``at_ms``."""
        assert response.alert_id is not None  # noqa: S101 - checked when it was decoded
        alert, events = self._book.find(response.alert_id), list[EventKey]()
        if alert is None:
            result = ResponseResult.NOT_OPEN
        elif response.kind is ResponseKind.DISPOSITION:
            events, result = self._dispose(response, alert, at_ms), ResponseResult.APPLIED
        elif self._apply(response, alert, at_ms):
            result = ResponseResult.APPLIED
        else:
            result = ResponseResult.UNCHANGED
        self._output.responses[response.kind, result] += 1
        revision = None if alert is None else self._newest_revision(alert)
        return Responded(result, revision, events)

    @property
    def stream_ms(self) -> int:
        """Stream time (ms UTC); far back before the first step."""
        return self._stream_ms

    @property
    def wall_ms(self) -> int:
        """Wall-clock time of the last step (ms UTC), which never goes back."""
        return self._wall_ms

    def is_due(self, stream_ms: int, wall_ms: int, shared_ms: int) -> bool:
        """Whether a deadline would fire if the clocks moved on to these times."""
        return (
            self._stream_timers.next_due_ms() <= stream_ms
            or self._shared_timers.next_due_ms() <= shared_ms
            or self._wall_timers.next_due_ms() <= wall_ms
        )

    def drain(self) -> AlertingOutput:
        """Return the output and counts since the last call, and clear them."""
        output, self._output = self._output, AlertingOutput()
        self._fusion.explain()
        written = self._book.drain()
        output.alerts, output.action_requests = written.alerts, written.action_requests
        output.withheld = written.withheld
        move(self._fusion.dropped, output.dropped)
        move(self._fusion.limits, self.limits)
        move(written.limits, self.limits)
        return output

    def spot(self) -> bytes:
        """The clocks, what was updated last, and how many deadlines there are."""
        clocks = (self._stream_ms, self._shared_ms, self._wall_ms)
        timers = (self._stream_timers, self._shared_timers, self._wall_timers)
        parts = (self._fusion, self._book, self._suppressors)
        return msgspec.msgpack.encode(
            (
                clocks,
                [(len(each), each.next_due_ms()) for each in timers],
                [each.spot() for each in parts],
            )
        )

    def states(self) -> dict[tuple[Tier, AlertState, bool], int]:
        """How many alerts are open, by tier, state and whether they are suppressed."""
        return self._book.states()

    def carry(self, old: "Alerting") -> None:
        """Go on where ``old`` stands; what is open is judged anew by these suppressions.

        :meth:`begin` has named the configuration under which that is done.
        """
        self.restore(old.snapshot())
        self._suppressors.disarm(old._suppressors)  # noqa: SLF001
        self._count_room(self._suppressors.arm(self._wall_ms))
        self._book.reconsider(None, self._wall_ms)

    def snapshot(self) -> dict[str, Buffer]:
        """All state; equal states give equal bytes."""
        parts = (
            self._fusion,
            self._book,
            self._suppressors,
            self._stream_timers,
            self._shared_timers,
            self._wall_timers,
        )
        clocks = (self._stream_ms, self._shared_ms, self._wall_ms)
        return {
            WHOLE_STATE: msgspec.msgpack.encode((*clocks, *(part.snapshot() for part in parts)))
        }

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave."""
        kind = tuple[int, int, int, bytes, bytes, bytes, bytes, bytes, bytes]
        clocks_and_parts = msgspec.msgpack.decode(bytes(parts[WHOLE_STATE]), type=kind)
        self._stream_ms, self._shared_ms, self._wall_ms, *state = clocks_and_parts
        fusion, book, suppressors, stream_timers, shared_timers, wall_timers = state
        self._fusion.restore(fusion)
        self._book.restore(book)
        self._fusion.note_all(lambda who, risk: not self._book.is_open((*who, risk)))
        self._suppressors.restore(suppressors)
        self._stream_timers.restore(stream_timers)
        self._shared_timers.restore(shared_timers)
        self._wall_timers.restore(wall_timers)

    def _apply(self, response: Response, alert: Alert, at_ms: int) -> bool:
        who = (alert.entity.kind, alert.entity.id)
        key = (*who, alert.risk)
        match response.kind:
            case ResponseKind.ACKNOWLEDGE:
                return self._book.acknowledge(alert, response.actor, at_ms, self._wall_ms)
            case ResponseKind.ASSIGN:
                assert response.assignee is not None  # noqa: S101 - checked when it was decoded
                return self._book.assign(alert, response.assignee, at_ms, self._wall_ms)
            case ResponseKind.NOTE:
                return True
        left = self._fusion.retract(who, alert.risk, response.events)
        if left is False:
            return False
        if isinstance(left, AlertUpdate):
            self._book.correct(left, self._wall_ms)
        else:
            self._end(key, Resolution.RETRACTED, at_ms)
        self._schedule_quiet(who, alert.risk)
        return True

    def _newest_revision(self, alert: Alert) -> int:
        """The newest revision of an alert that was open: the one after it, if it is resolved."""
        found = self._book.find(alert.alert_id)
        return alert.revision + 1 if found is None else found.revision

    def _dispose(self, response: Response, alert: Alert, at_ms: int) -> list[EventKey]:
        who = (alert.entity.kind, alert.entity.id)
        if response.verdict is Verdict.FALSE_POSITIVE:
            until_ms = self._wall_ms + self._policy.cooldown_ms
            self._count_room(self._suppressors.cool_down(alert, until_ms))
        events = self._fusion.answer(who, alert.risk)
        self._end((*who, alert.risk), Resolution(str(response.verdict)), at_ms)
        return events

    def _fire_due(self, stream_ms: int, wall_ms: int, shared_ms: int) -> None:
        """Do what is due by these times; the clocks move with the deadlines."""
        clocks = (
            (self._wall_timers, wall_ms),
            (self._stream_timers, stream_ms),
            (self._shared_timers, shared_ms),
        )
        while True:
            due_ms, which = min((timers.next_due_ms(), n) for n, (timers, _) in enumerate(clocks))
            if due_ms > clocks[which][1]:
                due = [
                    (at_ms, n)
                    for n, (timers, until_ms) in enumerate(clocks)
                    if (at_ms := timers.next_due_ms()) <= until_ms
                ]
                if not due:
                    break
                due_ms, which = min(due)
            _, timer = clocks[which][0].pop()
            if clocks[which][0] is self._shared_timers:
                self._shared_ms = max(self._shared_ms, due_ms)
            else:
                self._wall_ms = max(self._wall_ms, due_ms)
            self._fire(timer, due_ms)

    def _fire(self, timer: tuple[str, ...], due_ms: int) -> None:
        kind, *rest = timer
        match kind, rest:
            case "quiet", [entity_kind, entity_id, risk]:
                self._fusion.forget((entity_kind, entity_id), Risk(risk))
                self._end((entity_kind, entity_id, risk), Resolution.QUIET, due_ms)
            case "age", [entity_kind, entity_id, risk]:
                self._book.escalate_by_age((entity_kind, entity_id, risk), due_ms, self._wall_ms)
            case "capacity", []:
                self._book.reconsider(self._book.over_capacity(), self._wall_ms)
            case "cooldown", [entity_kind, entity_id, risk]:
                key = (entity_kind, entity_id, risk)
                self._suppressors.warm_up(key)
                self._book.reconsider([key] if self._book.is_open(key) else [], self._wall_ms)
            case "mute", [reason, name]:
                changed = self._suppressors.mute((Suppression(reason), name))
                self._count_room(self._suppressors.change(reason, name, due_ms))
                near = self._book.near([] if changed is None else [changed])
                self._book.reconsider(near, self._wall_ms)

    def _displace(self) -> None:
        """Evict what is least urgent: a risk state without an alert, else an open alert."""
        idle = self._fusion.least_recent_idle()
        if idle is not None:
            who, risk = idle
        else:
            alert = self._book.least_urgent()
            who, risk = (alert.entity.kind, alert.entity.id), Risk(alert.risk)
            if alert.tier is Tier.RED and alert.state is AlertState.FIRING:
                self.limits[Limit.RED_ALERTS] += 1
        self.limits[Limit.OPEN_ALERTS] += 1
        self._quiet_timers(who).cancel((QUIET, *who, risk))
        self._end((*who, risk), Resolution.DISPLACED, self._stream_ms)
        self._fusion.forget(who, risk)

    def _end(self, key: tuple[str, str, str], resolution: Resolution, at_ms: int) -> None:
        kind, id_, risk = key
        self._book.resolve(key, resolution, at_ms, self._moment_ms((kind, id_)))
        self._fusion.note((kind, id_), Risk(risk), idle=True)

    def _schedule_quiet(self, who: Who, risk: Risk) -> None:
        if (who, risk) in self._fusion:
            due_ms = self._fusion.quiet_at_ms(who, risk)
            self._count_room(self._quiet_timers(who).set((QUIET, *who, risk), due_ms))

    def _moment_ms(self, who: Who) -> int:
        """Wall-clock time of a revision about an entity.

        In a simulation, a revision about a shared entity is written at its own stream time.
        """
        is_shared = self._is_simulated and self._quiet_timers(who) is self._shared_timers
        return self._shared_ms if is_shared else self._wall_ms

    def _quiet_timers(self, who: Who) -> Timers:
        return self._stream_timers if who[0] == CUSTOMER else self._shared_timers

    def _count_room(self, found: bool) -> None:
        if not found:
            self.limits[Limit.TIMERS] += 1
