"""The state of one complaint, and its next warnings."""

from operator import itemgetter
from typing import Any, NamedTuple

from msgspec import Struct, field

from sentinel.complaints.life import Status, has_reached
from sentinel.complaints.notice import Notice
from sentinel.complaints.policy import Policy
from sentinel.complaints.term import Term, parse_extended
from sentinel.model.alert import Tier
from sentinel.model.complaint import Duty, Kind

_FULFILLED_BY = {
    Duty.ACKNOWLEDGE: Status.INVESTIGATING,
    Duty.RESOLVE: Status.RESOLVED,
    Duty.REPLY: Status.REPLIED,
}
_MOMENT = itemgetter(0)


class Extension(Struct, frozen=True):
    """An approved extension: ``to`` is a term or a last day as written, ``at`` its event's time."""

    to: str
    approved_by: str
    at: int


class Record(Struct):
    """A complaint: whose it is, where it stands, which duties are open.

    Times are event time in ms.  ``opened_at`` is when it was received, as far as known;
    ``since`` when it came to ``status``.  ``warned`` has the duties not fulfilled yet, each
    with the number of warnings given.  ``extension`` is the one in force.  The newest event is
    the one with the latest time.
    """

    complaint_id: str
    customer_id: str
    channel: str
    product: str | None
    category: str | None
    branch_id: str | None
    status: Status
    opened_at: int
    since: int
    newest_at: int
    event_id: str
    recorded_ms: int
    seen: list[Status]
    warned: dict[Duty, int] = field(default_factory=dict)
    extension: Extension | None = None

    def fulfilled(self) -> list[Duty]:
        """The open duties that the status fulfils."""
        return [duty for duty in self.warned if has_reached(self.status, _FULFILLED_BY[duty])]


class Cause(NamedTuple):
    """The event, and the moment, that a notice comes from."""

    at_ms: int
    event_id: str
    recorded_ms: int


class Deadline(NamedTuple):
    """The moment that a duty is late, the term that sets it, and who extended it, or None."""

    at_ms: int
    term: Term
    approved_by: str | None = None


class Reminder(NamedTuple):
    """A warning to come at ``at_ms``, when ``fraction`` of the time to ``deadline`` is used up."""

    at_ms: int
    fraction: float
    tier: Tier
    deadline: Deadline


def duties(policy: Policy, record: Record) -> list[Duty]:
    """What is owed to a complaint as it is opened, by what it does not have behind it."""
    needs_reply = policy.terms(record.channel, record.category).needs_reply
    return [
        duty
        for duty, step in _FULFILLED_BY.items()
        if not has_reached(record.status, step) and (needs_reply or duty is not Duty.REPLY)
    ]


def due(policy: Policy, record: Record, duty: Duty) -> Deadline:
    """The deadline of a duty: the first of its terms to end, extended, never beyond the maximum."""
    terms = policy.terms(record.channel, record.category)
    maximum = _deadline(policy, record, terms.maximum)
    if duty is Duty.REPLY:
        return maximum
    own = terms.acknowledge if duty is Duty.ACKNOWLEDGE else terms.resolve
    first = min((_deadline(policy, record, term) for term in own), key=_MOMENT)
    if duty is Duty.RESOLVE and record.extension is not None:
        extended = min(extended_to(policy, record, record.extension), maximum, key=_MOMENT)
        if extended.at_ms > first.at_ms:
            return extended._replace(approved_by=record.extension.approved_by)
    return min(first, maximum, key=_MOMENT)


def extended_to(policy: Policy, record: Record, extension: Extension) -> Deadline:
    """The deadline that ``extension`` asks for; raises ValueError if it cannot be read."""
    received = policy.calendar.local_day(record.opened_at)
    return _deadline(policy, record, parse_extended(extension.to, received))


def about(policy: Policy, record: Record, duty: Duty, deadline: Deadline) -> dict[str, Any]:
    """The fields of a notice that tell of a deadline.

    A deadline in working days is provisional while a calendar that may move it is not published.
    """
    working, calendar = deadline.term.working, policy.calendar
    return {
        "duty": duty,
        "term": deadline.term,
        "due_ms": deadline.at_ms,
        "approved_by": deadline.approved_by,
        "provisional": working and calendar.is_provisional(record.opened_at, deadline.at_ms),
    }


def next_reminder(policy: Policy, record: Record, duty: Duty) -> Reminder | None:
    """The first warning of an open duty that was not given yet; None after the last.

    Beyond the warnings of the policy comes one at the maximum, which is red; a reply has only
    that one.
    """
    given = record.warned[duty]
    deadline, maximum = due(policy, record, duty), due(policy, record, Duty.REPLY)
    terms = policy.terms(record.channel, record.category)
    if duty is not Duty.REPLY and given < len(policy.warnings):
        warn = policy.warnings[given]
        at_ms = policy.calendar.fraction_ms(
            record.opened_at, deadline.at_ms, warn.at, working=deadline.term.working
        )
        last = warn.at == 1 and deadline.at_ms == maximum.at_ms
        return Reminder(at_ms, warn.at, Tier.RED if last else terms.tier(warn.tier), deadline)
    if duty is Duty.REPLY and given == 0:
        return Reminder(maximum.at_ms, 1.0, Tier.RED, maximum)
    warned_last = duty is Duty.RESOLVE and given == len(policy.warnings)
    if warned_last and deadline.at_ms < maximum.at_ms:
        return Reminder(maximum.at_ms, 1.0, Tier.RED, maximum)
    return None


def _deadline(policy: Policy, record: Record, term: Term) -> Deadline:
    return Deadline(policy.calendar.deadline_ms(record.opened_at, term), term)


def tell(kind: Kind, record: Record, cause: Cause, **rest: Any) -> Notice:
    """A notice about a complaint as it stands; ``rest`` are the notice's own fields."""
    return Notice(
        kind=kind,
        complaint_id=record.complaint_id,
        customer_id=record.customer_id,
        channel=record.channel,
        product=record.product,
        category=record.category,
        branch_id=record.branch_id,
        status=record.status,
        at_ms=cause.at_ms,
        event_id=cause.event_id,
        recorded_ms=cause.recorded_ms,
        **rest,
    )
