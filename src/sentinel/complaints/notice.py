"""Notices: the output of the book of complaints."""

from msgspec import Struct

from sentinel.complaints.life import Status
from sentinel.complaints.term import Term
from sentinel.model.alert import Tier
from sentinel.model.complaint import Duty, Kind, Problem

DUE = {
    Duty.ACKNOWLEDGE: Kind.ACKNOWLEDGE_DUE,
    Duty.RESOLVE: Kind.RESOLVE_DUE,
    Duty.REPLY: Kind.REPLY_MISSING,
}
"""The kind of a warning about a duty."""


class Notice(Struct, frozen=True, kw_only=True):
    """Something that happened to a complaint, or is due.

    ``customer_id``, ``channel``, ``product``, ``category`` and ``branch_id`` are those of the
    complaint's first event, ``status`` where it stands now.  Times are milliseconds UTC:
    ``at_ms`` is the moment a warning was due, or the event's time; ``due_ms`` the deadline
    of ``duty``, which ``term`` sets, ``provisional`` while a calendar it depends on is not
    published; ``approved_by`` (staff) extended it.  ``fraction`` of the time to it was used up at
    ``at_ms``.  ``asked`` is the status that an event with a ``problem`` wanted.  With repeated,
    ``count`` complaints came within ``days`` calendar days.  ``event_id`` and ``recorded_ms``
    belong to the event that caused it, or to the complaint's newest.
    """

    kind: Kind
    complaint_id: str
    customer_id: str
    channel: str
    product: str | None
    category: str | None
    branch_id: str | None
    status: Status
    at_ms: int
    event_id: str
    recorded_ms: int
    tier: Tier | None = None
    duty: Duty | None = None
    term: Term | None = None
    fraction: float | None = None
    due_ms: int | None = None
    approved_by: str | None = None
    provisional: bool = False
    problem: Problem | None = None
    asked: Status | None = None
    count: int = 0
    days: int = 0
