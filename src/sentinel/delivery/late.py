"""The digest of late alerts: one page for alerts too old to be paged one by one.

After an outage the workers write alerts that are hours old.  Those older than
``ignore_older_than`` are collected per route and channel, until none has come for a minute or
the first has waited five minutes; then the digest becomes one page.  An alert is collected in
the transaction that stores its offset, and a digest becomes a page in one transaction, so a
crash loses no alert and counts none twice.
"""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, case, delete, insert, select, update

from sentinel.delivery.declare import Plan
from sentinel.delivery.page import Content, FoundLate, PageKind
from sentinel.delivery.plan import after_quiet_hours
from sentinel.delivery.routes import Route
from sentinel.delivery.tables import DIGESTS, DUE, FOUND_LATE, PAGES
from sentinel.model.alert import Alert, AlertState, Tier
from sentinel.model.signal import Title

QUIET_MS = 60_000
LONGEST_MS = 5 * 60_000
_TIERS = tuple(Tier)
_CHINESE = {Tier.RED: "红色", Tier.ORANGE: "橙色", Tier.YELLOW: "黄色", Tier.BLUE: "蓝色"}
_RUNBOOK = "docs/operations.md#after-an-outage"


def collect(connection: Connection, alert: Alert, route: Route, now_ms: int) -> None:
    """Count the alert in the route's digests: one for each channel of its first rung."""
    for channel in route.ladder[0].channels:
        page_id = _open_digest(connection, alert, route, channel, now_ms)
        urgency = _TIERS.index(alert.tier)
        known = (FOUND_LATE.c.page_id == page_id, FOUND_LATE.c.alert_id == alert.alert_id)
        newer = {"urgency": urgency, "last_ms": alert.updated_at, "unanswered": 1}
        if not connection.execute(update(FOUND_LATE).where(*known).values(**newer)).rowcount:
            connection.execute(
                insert(FOUND_LATE).values(
                    page_id=page_id, alert_id=alert.alert_id, first_ms=alert.updated_at, **newer
                )
            )


def note_answer(connection: Connection, alert: Alert) -> None:
    """Note in open digests whether the alert still waits for an answer."""
    connection.execute(
        update(FOUND_LATE)
        .where(FOUND_LATE.c.alert_id == alert.alert_id)
        .values(unanswered=int(alert.state is AlertState.FIRING))
    )


def close(connection: Connection, page_id: str, plan: Plan, now_ms: int) -> None:
    """Make a page of a digest that is due, unless it has grown or another process did."""
    digest = connection.execute(
        select(DIGESTS.c.route, DIGESTS.c.channel).where(DIGESTS.c.page_id == page_id)
    ).one_or_none()
    # The deletion locks the digest before its alerts are read: none can be added any more.
    gone = delete(DIGESTS).where(DIGESTS.c.page_id == page_id, DIGESTS.c.due_ms <= now_ms)
    if digest is None or not connection.execute(gone).rowcount:
        return
    route, channel = digest
    alerts = connection.execute(
        select(
            FOUND_LATE.c.urgency,
            FOUND_LATE.c.first_ms,
            FOUND_LATE.c.last_ms,
            FOUND_LATE.c.unanswered,
        ).where(FOUND_LATE.c.page_id == page_id)
    ).all()
    counts = Counter(_TIERS[each.urgency] for each in alerts)
    late = FoundLate(
        route=route,
        found=len(alerts),
        unanswered=sum(each.unanswered for each in alerts),
        tiers={tier: counts[tier] for tier in _TIERS if counts[tier]},
    )
    first_ms = min(each.first_ms for each in alerts)
    last_ms = max(each.last_ms for each in alerts)
    content = _content(page_id, late, first_ms, last_ms, plan)
    connection.execute(
        insert(PAGES).values(
            page_id=page_id,
            alert_id="",
            channel=channel,
            kind=PageKind.LATE,
            urgency=_TIERS.index(content.tier),
            state=DUE,
            reason="",
            due_ms=now_ms,
            since_ms=now_ms,
            prompt=0,
            attempts=0,
            content=msgspec.msgpack.encode(content),
            ended_ms=0,
        )
    )
    connection.execute(delete(FOUND_LATE).where(FOUND_LATE.c.page_id == page_id))


def _open_digest(
    connection: Connection, alert: Alert, route: Route, channel: str, now_ms: int
) -> str:
    """The id of the digest that collects for a route and channel, made if there is none."""
    found = connection.execute(
        select(DIGESTS.c.page_id, DIGESTS.c.since_ms, DIGESTS.c.urgency)
        .where(DIGESTS.c.route == route.name, DIGESTS.c.channel == channel)
        .order_by(DIGESTS.c.since_ms, DIGESTS.c.page_id)
        .limit(1)
        .with_for_update()
    ).one_or_none()
    urgency = _TIERS.index(alert.tier)
    if found is not None:
        page_id: str = found.page_id
        most = min(urgency, found.urgency)
        due_ms = min(now_ms + QUIET_MS, found.since_ms + LONGEST_MS)
        grown = {
            "urgency": case((DIGESTS.c.urgency > urgency, urgency), else_=DIGESTS.c.urgency),
            "due_ms": after_quiet_hours(route, _TIERS[most], due_ms),
        }
        same = update(DIGESTS).where(DIGESTS.c.page_id == page_id)
        if connection.execute(same.values(**grown)).rowcount:
            return page_id  # else it has become a page in between
    page_id = f"late.{alert.alert_id}.{alert.revision}.{route.name}.{channel}"
    connection.execute(
        insert(DIGESTS).values(
            page_id=page_id,
            route=route.name,
            channel=channel,
            urgency=urgency,
            since_ms=now_ms,
            due_ms=after_quiet_hours(route, alert.tier, now_ms + QUIET_MS),
        )
    )
    return page_id


def _content(page_id: str, late: FoundLate, first_ms: int, last_ms: int, plan: Plan) -> Content:
    """The content of the digest in both languages; red alerts are named in the title."""
    begin, end = (_local(each, plan.zone) for each in (first_ms, last_ms))
    noun = "alert" if late.found == 1 else "alerts"
    verb = "was" if late.found == 1 else "were"
    red = late.tiers.get(Tier.RED, 0)
    english = f"{late.found} {noun} from {begin.en} to {end.en} {verb} found late, {red} red"
    chinese = f"补报预警 {late.found} 条（{begin.zh} 至 {end.zh}），其中红色 {red} 条"
    return Content(
        alert_id=page_id,
        revision=1,
        tier=next(iter(late.tiers)),
        risk=None,
        title=Title(english, chinese),
        reason=Title(
            f"Route {late.route}: "
            + ", ".join(f"{count} {tier}" for tier, count in late.tiers.items())
            + f"; {late.unanswered} unanswered",
            f"通知路由 {late.route}："
            + "、".join(f"{_CHINESE[tier]} {count} 条" for tier, count in late.tiers.items())
            + f"；尚未处理 {late.unanswered} 条",
        ),
        rule="",
        opened_at=first_ms,
        updated_at=last_ms,
        recorded_ms=first_ms,
        runbook=_RUNBOOK,
        link=plan.late_link,
        late=late,
    )


def _local(time_ms: int, zone: ZoneInfo) -> Title:
    """Day and time in the bank's time zone, in both languages."""
    moment = datetime.fromtimestamp(time_ms / 1000, zone)
    return Title(f"{moment:%Y-%m-%d %H:%M}", f"{moment.month}月{moment.day}日 {moment:%H:%M}")
