"""What one revision of an alert does to the outbox' tables, in the caller's transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from sentinel.delivery import late
from sentinel.delivery.declare import Plan
from sentinel.delivery.page import PageKind, content
from sentinel.delivery.plan import Due, NoPage, Paged, decide
from sentinel.delivery.tables import ALERTS, CANCELLED, DUE, PAGES, SENT
from sentinel.model.alert import Alert, Tier

_TIERS = tuple(Tier)


@dataclass(frozen=True, slots=True)
class _PageValues:
    """What the pages of one revision have in common."""

    alert_id: str
    urgency: int
    content: bytes


def store(connection: Connection, alert: Alert, plan: Plan, now_ms: int) -> Counter[NoPage]:
    """Store the revision and its pages; returns why pages are not to be sent."""
    where = ALERTS.c.alert_id == alert.alert_id
    row = connection.scalar(select(ALERTS.c.paged).where(where))
    known = None if row is None else msgspec.msgpack.decode(row, type=Paged)
    decision, reason = decide(alert, known, plan.root, now_ms, plan.ignore_older_than_ms)
    unsent = Counter([reason] if reason is not None else [])
    content_ = msgspec.msgpack.encode(content(alert, plan.link))
    common = _PageValues(alert.alert_id, _TIERS.index(alert.tier), content_)
    if decision.cancel is not None:
        triggers = (PageKind.TRIGGER,)
        unsent += _cancel(connection, alert.alert_id, triggers, decision.cancel, now_ms)
    if decision.finish is not None or decision.dues:
        # An acknowledgement that comes late would quiet what has begun again since.
        news = (PageKind.ACKNOWLEDGE, PageKind.RESOLVE)
        unsent += _cancel(connection, alert.alert_id, news, NoPage.SUPERSEDED, now_ms)
    if decision.finish is not None:
        _finish(connection, alert, decision.finish, common, now_ms)
    if known is not None and known.late is not None:
        late.note_answer(connection, alert)
    for route in decision.late:
        late.collect(connection, alert, route, now_ms)
    for due in decision.dues:
        put(connection, due, common, now_ms)
    values = {
        "paged": msgspec.msgpack.encode(decision.paged),
        "over": int(alert.resolution is not None),
        "updated_ms": now_ms,
    }
    if row is None:
        connection.execute(insert(ALERTS).values(alert_id=alert.alert_id, **values))
    else:
        connection.execute(update(ALERTS).where(where).values(**values))
    return unsent


def _cancel(
    connection: Connection,
    alert_id: str,
    kinds: Sequence[PageKind],
    reason: NoPage,
    now_ms: int,
) -> Counter[NoPage]:
    """Cancel the pages that wait; returns how many, by reason.

    A trigger that was tried may have arrived: its channel is notified of the end, too.
    """
    unsent_pages = (
        PAGES.c.alert_id == alert_id,
        PAGES.c.state == DUE,
        PAGES.c.kind.in_(kinds),
    )
    values = {"state": CANCELLED, "reason": reason, "ended_ms": now_ms}
    gone = connection.execute(update(PAGES).where(*unsent_pages).values(**values)).rowcount
    return Counter({reason: gone}) if gone else Counter()


def _finish(
    connection: Connection, alert: Alert, kind: PageKind, values: _PageValues, now_ms: int
) -> None:
    """Notify every channel to which the alert was, or may have been, sent."""
    sent = (
        PAGES.c.alert_id == alert.alert_id,
        PAGES.c.kind == PageKind.TRIGGER,
        (PAGES.c.state == SENT) | (PAGES.c.attempts > 0),
    )
    channels = connection.scalars(select(PAGES.c.channel).where(*sent).distinct()).all()
    for channel in sorted(channels):
        page_id = f"{alert.alert_id}.{alert.revision}.{kind}.{channel}"
        put(connection, Due(page_id, channel, kind, now_ms), values, now_ms)


def put(connection: Connection, due: Due, values: Any, now_ms: int) -> None:
    """A page that waits; ``values`` has its ``alert_id``, ``urgency`` and ``content``."""
    connection.execute(
        insert(PAGES).values(
            page_id=due.page_id,
            alert_id=values.alert_id,
            channel=due.channel,
            kind=due.kind,
            urgency=values.urgency,
            state=DUE,
            reason="",
            due_ms=due.due_ms,
            since_ms=due.due_ms,
            prompt=int(due.due_ms <= now_ms),
            attempts=0,
            content=values.content,
            ended_ms=0,
        )
    )
