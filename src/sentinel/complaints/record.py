"""One complaint as the book knows it, and the warnings it is to have."""

from typing import Any, NamedTuple

from msgspec import Struct, field

from sentinel.complaints.life import Status, has_reached
from sentinel.complaints.notice import Duty, Kind, Notice
from sentinel.complaints.policy import Policy
from sentinel.model.alert import Tier

_FULFILLED_BY = {
    Duty.ACKNOWLEDGE: Status.INVESTIGATING,
    Duty.RESOLVE: Status.RESOLVED,
    Duty.REPLY: Status.REPLIED,
}


class Record(Struct):
    """A complaint: whose it is, where it stands, which duties are open.

    Times are event time in ms.  ``opened_at`` is when it was received, as far as known;
    ``since`` when it came to ``status``.  ``warned`` has the duties not fulfilled yet, each
    with the number of warnings given.  The newest event is the one with the latest time.
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

    def fulfilled(self) -> list[Duty]:
        """The open duties that the status fulfils."""
        return [duty for duty in self.warned if has_reached(self.status, _FULFILLED_BY[duty])]


class Cause(NamedTuple):
    """The event, and the moment, that a notice comes from."""

    at_ms: int
    event_id: str
    recorded_ms: int


class Reminder(NamedTuple):
    """A warning to come at ``at_ms``, when ``fraction`` of ``days`` working days is used up.

    ``due_ms`` is the deadline that it warns of.
    """

    at_ms: int
    fraction: float
    days: int
    tier: Tier
    due_ms: int


def duties(policy: Policy, record: Record) -> list[Duty]:
    """What is owed to a complaint as it is opened, by what it does not have behind it."""
    needs_reply = policy.terms(record.channel, record.category).needs_reply
    return [
        duty
        for duty, step in _FULFILLED_BY.items()
        if not has_reached(record.status, step) and (needs_reply or duty is not Duty.REPLY)
    ]


def due(policy: Policy, record: Record, duty: Duty) -> tuple[int, int]:
    """Working days and deadline (ms) of a duty."""
    terms = policy.terms(record.channel, record.category)
    days = {
        Duty.ACKNOWLEDGE: terms.acknowledge,
        Duty.RESOLVE: terms.resolve,
        Duty.REPLY: terms.maximum,
    }[duty]
    return days, policy.calendar.deadline_ms(record.opened_at, days)


def next_reminder(policy: Policy, record: Record, duty: Duty) -> Reminder | None:
    """The first warning of an open duty that was not given yet; None after the last.

    Beyond the warnings of the policy comes one at the maximum, which is red; a reply has only
    that one.
    """
    given = record.warned[duty]
    days, due_ms = due(policy, record, duty)
    terms = policy.terms(record.channel, record.category)
    if duty is not Duty.REPLY and given < len(policy.warnings):
        warn = policy.warnings[given]
        at_ms = policy.calendar.fraction_ms(record.opened_at, due_ms, warn.at)
        last = warn.at == 1 and days == terms.maximum
        return Reminder(at_ms, warn.at, days, Tier.RED if last else terms.tier(warn.tier), due_ms)
    if duty is Duty.REPLY and given == 0:
        return Reminder(due_ms, 1.0, days, Tier.RED, due_ms)
    if duty is Duty.RESOLVE and given == len(policy.warnings) and days < terms.maximum:
        at_ms = policy.calendar.deadline_ms(record.opened_at, terms.maximum)
        return Reminder(at_ms, 1.0, terms.maximum, Tier.RED, at_ms)
    return None


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
