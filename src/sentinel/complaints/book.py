"""The book of complaints of one shard: where each stands, what is due, who was warned."""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field

import msgspec

from sentinel.complaints.extension import judge_extension
from sentinel.complaints.life import Status, Transition, is_over, judge
from sentinel.complaints.notice import DUE, Notice
from sentinel.complaints.policy import Policy
from sentinel.complaints.record import (
    Cause,
    Record,
    about,
    due,
    duties,
    next_reminder,
    tell,
)
from sentinel.complaints.repeats import Repeats
from sentinel.model.complaint import Duty, Kind, Problem
from sentinel.model.stage import WHOLE_STATE, Buffer, Parts
from sentinel.model.step import Limit
from sentinel.state import newest
from sentinel.state.timers import Timers


@dataclass(slots=True)
class Counts:
    """What happened since somebody cleared it.

    ``duties`` are those that were fulfilled, by duty, channel and ``on_time`` or ``late``.
    """

    problems: Counter[Problem] = field(default_factory=Counter)
    duties: Counter[tuple[Duty, str, str]] = field(default_factory=Counter)


class Complaints:
    """Applies events and the clock, returns notices; bounded by the policy's three maxima.

    ``backlog`` is the number of open complaints by status and channel.  A complaint has at
    most one deadline for each duty, so that open complaints bound the deadlines, too.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.backlog: Counter[tuple[Status, str]] = Counter()
        self._open: OrderedDict[str, Record] = OrderedDict()  # the least recently changed first
        self._over: OrderedDict[str, Record] = OrderedDict()  # the first ended first
        self._timers = self._no_timers()
        self._repeats = Repeats(policy.repeated_days, policy.repeated_count, policy.max_customers)
        self.counts = Counts()
        self.limits: Counter[Limit] = Counter()

    def process(
        self,
        complaint_id: str,
        customer_id: str,
        status: str,
        channel: str,
        product: str | None,
        category: str | None,
        branch_id: str | None,
        event_id: str,
        event_time: int,
        recorded_ms: int,
        extended_to: str | None = None,
        approved_by: str | None = None,
    ) -> list[Notice]:
        """Apply one event of a complaint; raises ValueError if the status is no status.

        An extension in the event is applied before its step.
        """
        to = Status(status)
        cause = Cause(event_time, event_id, recorded_ms)
        record = self.record(complaint_id)
        if record is None:
            record = Record(
                complaint_id=complaint_id,
                customer_id=customer_id,
                channel=channel,
                product=product,
                category=category,
                branch_id=branch_id,
                status=to,
                opened_at=event_time,
                since=event_time,
                newest_at=event_time,
                event_id=event_id,
                recorded_ms=recorded_ms,
                seen=[to],
            )
            opened = self._begin(record, cause)
            return opened + self._extend(record, extended_to, approved_by, cause)
        if record.customer_id != customer_id:
            return [self._problem(record, Problem.OTHER_CUSTOMER, to, cause)]
        extended = self._extend(record, extended_to, approved_by, cause)
        return extended + self._go_on(record, to, cause)

    def advance(self, clock_ms: int) -> list[Notice]:
        """The warnings due until ``clock_ms`` (stream time, ms UTC), by the moment each was due.

        No warnings if the clock is behind that of the call before.
        """
        notices = []
        for at_ms, (complaint_id, name) in self._timers.pop_due(clock_ms):
            record, duty = self._open[complaint_id], Duty(name)
            reminder = next_reminder(self.policy, record, duty)
            assert reminder is not None  # noqa: S101 - it is what the timer was set for
            record.warned[duty] += 1
            self._set_warnings(record, duty)
            notices.append(
                tell(
                    DUE[duty],
                    record,
                    Cause(at_ms, record.event_id, record.recorded_ms),
                    tier=reminder.tier,
                    fraction=reminder.fraction,
                    **about(self.policy, record, duty, reminder.deadline),
                )
            )
        return notices

    def resume(self, record: Record) -> None:
        """Continue with a complaint where it stands; its deadlines are computed anew."""
        if is_over(record.status):
            self._over[record.complaint_id] = record
            return
        self._open[record.complaint_id] = record
        self.backlog[record.status, record.channel] += 1
        warned = record.warned
        record.warned = {duty: warned.get(duty, 0) for duty in duties(self.policy, record)}
        self._set_warnings(record, *record.warned)

    def record(self, complaint_id: str) -> Record | None:
        """The state of a complaint; None if it is not known."""
        return self._open.get(complaint_id) or self._over.get(complaint_id)

    def next_due_ms(self) -> int:
        """When the next warning is due (ms UTC); far ahead if none is."""
        return self._timers.next_due_ms()

    def carry(self, old: "Complaints") -> None:
        """Continue where ``old`` stands."""
        self.restore(old.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """Everything known; equal states give equal bytes."""
        parts = list(self._open.values()), list(self._over.values()), self._repeats.snapshot()
        return {WHOLE_STATE: msgspec.msgpack.encode(parts)}

    def spot(self) -> bytes:
        """The complaints that changed last, and those that ended last."""
        parts = newest(self._open), newest(self._over), self._repeats.spot()
        return msgspec.msgpack.encode((*parts, self._timers.next_due_ms()))

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave.

        Deadlines are computed anew, so that a changed policy and a calendar published
        meanwhile hold for the complaints that are open; a warning given is not given again.
        """
        opened, over, repeats = msgspec.msgpack.decode(
            bytes(parts[WHOLE_STATE]), type=tuple[list[Record], list[Record], bytes]
        )
        self._open, self._over = OrderedDict(), OrderedDict()
        self._repeats.restore(repeats)
        self._timers = self._no_timers()
        self.backlog = Counter()
        for record in (*opened, *over):
            self.resume(record)

    def _no_timers(self) -> Timers:
        return Timers(len(Duty) * (self.policy.max_open + 1))  # one more until the eviction

    def _begin(self, record: Record, cause: Cause) -> list[Notice]:
        """Open a complaint at the status of its first event."""
        notices = []
        if record.status is not Status.RECEIVED:
            notices.append(self._problem(record, Problem.UNKNOWN, record.status, cause))
        policy = self.policy
        if self._repeats.add(record.customer_id, record.complaint_id, record.opened_at):
            notices.append(
                tell(
                    Kind.REPEATED,
                    record,
                    cause,
                    tier=policy.repeated_tier,
                    days=policy.repeated_days,
                    count=policy.repeated_count,
                )
            )
        if evicted := self._repeats.shrink():
            self.limits[Limit.COMPLAINING_CUSTOMERS] += evicted
        if is_over(record.status):
            return [*notices, self._end(record, cause)]
        self._open[record.complaint_id] = record
        self.backlog[record.status, record.channel] += 1
        record.warned = dict.fromkeys(duties(policy, record), 0)
        self._set_warnings(record, *record.warned)
        if len(self._open) > policy.max_open:
            notices.append(self._forget(next(iter(self._open.values())), cause))
        return notices

    def _go_on(self, record: Record, to: Status, cause: Cause) -> list[Notice]:
        """Apply an event of a known complaint."""
        if cause.at_ms >= record.newest_at:
            record.newest_at, record.event_id, record.recorded_ms = cause
        if record.complaint_id in self._open:
            self._open.move_to_end(record.complaint_id)
        terms = self.policy.terms(record.channel, record.category)
        transition, problem = judge(
            record.status,
            record.since,
            to,
            cause.at_ms,
            seen=to in record.seen,
            needs_reply=terms.needs_reply,
        )
        notices = [] if problem is None else [self._problem(record, problem, to, cause)]
        if transition in (Transition.MOVE, Transition.HOLD, Transition.HISTORY):
            record.seen = sorted({*record.seen, to})
        if transition is Transition.HISTORY and to is Status.RECEIVED:
            record.opened_at = min(record.opened_at, cause.at_ms)
            self._set_warnings(record, *record.warned)
        elif transition is Transition.MOVE:
            notices += self._move(record, to, cause)
            if to is Status.REPLIED and Status.CLOSED in record.seen:  # it was held back
                notices += self._move(record, Status.CLOSED, cause)
        return notices

    def _move(self, record: Record, to: Status, cause: Cause) -> list[Notice]:
        self._count_in_backlog(record, -1)
        record.status, record.since = to, max(record.since, cause.at_ms)
        if to is Status.WITHDRAWN:
            return [self._end(record, cause)]
        notices = [
            notice
            for duty in record.fulfilled()
            if (notice := self._met(record, duty, cause)) is not None
        ]
        if is_over(to):
            return [*notices, self._end(record, cause)]
        self._count_in_backlog(record, 1)
        return notices

    def _extend(
        self, record: Record, to: str | None, approved_by: str | None, cause: Cause
    ) -> list[Notice]:
        """Apply the extension in an event; warnings not given yet are computed again."""
        extension, problem = judge_extension(self.policy, record, to, approved_by, cause.at_ms)
        notices = []
        if problem is not None:
            self.counts.problems[problem] += 1
            tier = self.policy.extension_tier
            notices.append(tell(Kind.EXTENSION_PROBLEM, record, cause, tier=tier, problem=problem))
        if extension is None:
            return notices
        record.extension = extension
        # After the warning of the old deadline, the new one has a warning of its own.
        last = len(self.policy.warnings) - 1
        record.warned[Duty.RESOLVE] = min(record.warned[Duty.RESOLVE], last)
        self._set_warnings(record, Duty.RESOLVE)
        deadline = due(self.policy, record, Duty.RESOLVE)
        facts = about(self.policy, record, Duty.RESOLVE, deadline)
        return [*notices, tell(Kind.EXTENDED, record, cause, **facts)]

    def _met(self, record: Record, duty: Duty, cause: Cause) -> Notice | None:
        """Mark a duty as met; returns a notice if a warning had been given."""
        deadline = due(self.policy, record, duty)
        in_time = cause.at_ms < deadline.at_ms
        punctual = "on_time" if in_time else "late"
        self.counts.duties[duty, record.channel, punctual] += 1
        self._timers.cancel((record.complaint_id, duty))
        if not record.warned.pop(duty):
            return None
        return tell(Kind.MET, record, cause, **about(self.policy, record, duty, deadline))

    def _end(self, record: Record, cause: Cause) -> Notice:
        """Put a complaint among those that are over."""
        self._drop(record)
        self._over[record.complaint_id] = record
        if len(self._over) > self.policy.max_ended:
            self._over.popitem(last=False)
            self.limits[Limit.ENDED_COMPLAINTS] += 1
        return tell(Kind.COMPLETED, record, cause)

    def _forget(self, record: Record, cause: Cause) -> Notice:
        """Evict an open complaint to make room for the one that ``cause`` opened."""
        self._drop(record)
        self._count_in_backlog(record, -1)
        self.limits[Limit.OPEN_COMPLAINTS] += 1
        own = Cause(cause.at_ms, record.event_id, record.recorded_ms)
        return tell(Kind.FORGOTTEN, record, own)

    def _drop(self, record: Record) -> None:
        self._open.pop(record.complaint_id, None)
        for duty in record.warned:
            self._timers.cancel((record.complaint_id, duty))
        record.warned = {}

    def _set_warnings(self, record: Record, *duties: Duty) -> None:
        """Set the next warning of each duty, or none where none is left."""
        for duty in duties:
            reminder = next_reminder(self.policy, record, duty)
            if reminder is None:
                self._timers.cancel((record.complaint_id, duty))
            else:
                self._timers.set((record.complaint_id, duty), reminder.at_ms)

    def _count_in_backlog(self, record: Record, change: int) -> None:
        key = record.status, record.channel
        self.backlog[key] += change
        if not self.backlog[key]:
            del self.backlog[key]

    def _problem(self, record: Record, problem: Problem, asked: Status, cause: Cause) -> Notice:
        self.counts.problems[problem] += 1
        if problem is not Problem.CLOSED_WITHOUT_REPLY:
            tier = self.policy.illegal_tier
            return tell(
                Kind.ILLEGAL_TRANSITION, record, cause, tier=tier, problem=problem, asked=asked
            )
        terms = self.policy.terms(record.channel, record.category)
        return tell(
            Kind.REPLY_MISSING,
            record,
            cause,
            tier=terms.tier(self.policy.closed_without_reply_tier),
            problem=problem,
            asked=asked,
            **about(self.policy, record, Duty.REPLY, due(self.policy, record, Duty.REPLY)),
        )
