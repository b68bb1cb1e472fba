"""The outbox: what is to be sent, kept in a database until it has been.

A record of the alerts topic and the pages that it causes are stored in one transaction with
its offset, so a record that is read again does nothing.  SQLite by default; PostgreSQL by URL.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from sentinel.delivery import late
from sentinel.delivery.declare import Plan
from sentinel.delivery.page import Content, Page, PageKind, content
from sentinel.delivery.plan import NoPage, Paged, decide
from sentinel.delivery.tables import (
    ALERTS,
    CANCELLED,
    DEAD,
    DIGESTS,
    DUE,
    META,
    OFFSETS,
    PAGES,
    SENT,
)
from sentinel.model.alert import Alert, Tier

_TIERS = tuple(Tier)


class OutboxError(Exception):
    """The database cannot be used; the message says why, without its password."""


class Outbox:
    """Everything that the pager remembers; calls block, and come one at a time."""

    def __init__(self, url: str) -> None:
        try:
            self._engine: Engine = create_engine(url)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _make_durable)
            META.create_all(self._engine)
        except (SQLAlchemyError, ImportError, ValueError) as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise OutboxError(f"SENTINEL_OUTBOX: {reason}") from None

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def accept(
        self, place: str, records: Sequence[tuple[int, Alert]], plan: Plan, now_ms: int
    ) -> Counter[NoPage]:
        """Take in alerts with their offsets in ``place`` (``topic-partition``); all or nothing.

        What lies at or before the last offset that was taken in is skipped.  Returns why
        pages are not to be sent.
        """
        unsent: Counter[NoPage] = Counter()
        with self._engine.begin() as connection:
            last = connection.scalar(select(OFFSETS.c.last).where(OFFSETS.c.place == place))
            for offset, alert in records:
                if last is None or offset > last:
                    unsent += _take(connection, alert, plan, now_ms)
            if last is None:
                connection.execute(insert(OFFSETS).values(place=place, last=records[-1][0]))
            else:
                most = max(last, records[-1][0])
                connection.execute(
                    update(OFFSETS).where(OFFSETS.c.place == place).values(last=most)
                )
        return unsent

    def due(self, channel: str, now_ms: int, most: int) -> list[Page]:
        """The channel's pages that are due, the most urgent first, then the longest due."""
        wanted = (PAGES.c.channel == channel, PAGES.c.state == DUE, PAGES.c.due_ms <= now_ms)
        query = (
            select(
                PAGES.c.page_id,
                PAGES.c.kind,
                PAGES.c.content,
                PAGES.c.since_ms,
                PAGES.c.prompt,
                PAGES.c.attempts,
            )
            .where(*wanted)
            .order_by(PAGES.c.urgency, PAGES.c.due_ms, PAGES.c.page_id)
            .limit(most)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            Page(
                page_id=page_id,
                channel=channel,
                kind=PageKind(kind),
                content=msgspec.msgpack.decode(said, type=Content),
                since_ms=since_ms,
                prompt=bool(prompt),
                attempts=attempts,
            )
            for page_id, kind, said, since_ms, prompt, attempts in rows
        ]

    def next_due_ms(self, channel: str) -> int | None:
        """When the channel's next page or digest of late alerts is due."""
        pages = select(PAGES.c.due_ms).where(PAGES.c.channel == channel, PAGES.c.state == DUE)
        digests = select(DIGESTS.c.due_ms).where(DIGESTS.c.channel == channel)
        # One statement: between two a digest may become a page, and be in neither.
        both = union_all(pages, digests).subquery()
        with self._engine.connect() as connection:
            due_ms: int | None = connection.scalar(select(func.min(both.c.due_ms)))
        return due_ms

    def close_digests(self, channel: str, plan: Plan, now_ms: int) -> None:
        """Make pages of the channel's digests of late alerts that are due."""
        wanted = (DIGESTS.c.channel == channel, DIGESTS.c.due_ms <= now_ms)
        with self._engine.connect() as connection:
            due = connection.scalars(select(DIGESTS.c.page_id).where(*wanted)).all()
        for page_id in due:
            with self._engine.begin() as connection:
                late.close(connection, page_id, plan, now_ms)

    def begin(self, pages: Iterable[Page]) -> None:
        """Count an attempt, before it is made: from now on the receiver may have the pages."""
        ids = [page.page_id for page in pages]
        with self._engine.begin() as connection:
            connection.execute(
                update(PAGES).where(PAGES.c.page_id.in_(ids)).values(attempts=PAGES.c.attempts + 1)
            )

    def sent(self, pages: Iterable[Page], now_ms: int) -> None:
        """The receiver has them."""
        self._end(pages, SENT, "", now_ms)

    def failed(self, page: Page, reason: NoPage, now_ms: int) -> None:
        """The page will not be sent."""
        self._end([page], DEAD, reason, now_ms)

    def retry(self, page: Page, due_ms: int) -> None:
        """Try the page again then, unless it was taken back."""
        with self._engine.begin() as connection:
            connection.execute(
                update(PAGES)
                .where(PAGES.c.page_id == page.page_id, PAGES.c.state == DUE)
                .values(due_ms=due_ms)
            )

    def counts(self) -> dict[str, int]:
        """How many pages are in each state."""
        query = select(PAGES.c.state, func.count()).group_by(PAGES.c.state)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {DUE: 0, SENT: 0, DEAD: 0, CANCELLED: 0} | {str(row[0]): int(row[1]) for row in rows}

    def prune(self, before_ms: int) -> int:
        """Forget alerts that have been over, and pages that have been done, since before then."""
        with self._engine.begin() as connection:
            old = (PAGES.c.state != DUE, PAGES.c.ended_ms < before_ms)
            gone = connection.execute(delete(PAGES).where(*old)).rowcount
            over = (ALERTS.c.over == 1, ALERTS.c.updated_ms < before_ms)
            connection.execute(delete(ALERTS).where(*over))
        return gone

    def _end(self, pages: Iterable[Page], state: str, reason: str, now_ms: int) -> None:
        values = {"state": state, "reason": reason, "ended_ms": now_ms}
        ids = [page.page_id for page in pages]
        with self._engine.begin() as connection:
            connection.execute(update(PAGES).where(PAGES.c.page_id.in_(ids)).values(**values))


def _make_durable(connection: Any, _: object) -> None:
    """What has been committed survives the machine; readers do not wait for writers."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _take(connection: Connection, alert: Alert, plan: Plan, now_ms: int) -> Counter[NoPage]:
    where = ALERTS.c.alert_id == alert.alert_id
    row = connection.scalar(select(ALERTS.c.paged).where(where))
    known = None if row is None else msgspec.msgpack.decode(row, type=Paged)
    decision, reason = decide(alert, known, plan.root, now_ms, plan.ignore_older_than_ms)
    unsent = Counter([reason] if reason is not None else [])
    said = msgspec.msgpack.encode(content(alert, plan.link))
    if decision.cancel is not None:
        unsent += _cancel(connection, alert.alert_id, decision.cancel, now_ms)
    if decision.finish is not None:
        _finish(connection, alert, decision.finish, said, now_ms)
    if known is not None and known.late is not None:
        late.note_answer(connection, alert)
    for route in decision.late:
        late.collect(connection, alert, route, now_ms)
    for due in decision.dues:
        page = (due.page_id, due.channel, due.kind, due.due_ms)
        _put(connection, page, alert, said, now_ms)
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


def _cancel(connection: Connection, alert_id: str, reason: NoPage, now_ms: int) -> Counter[NoPage]:
    """Take back the triggers that wait; what has been tried may have been heard, and goes on.

    A page that may have reached somebody must be finished by its own kind of page later.
    """
    waiting = (
        PAGES.c.alert_id == alert_id,
        PAGES.c.state == DUE,
        PAGES.c.kind == PageKind.TRIGGER,
    )
    values = {"state": CANCELLED, "reason": reason, "ended_ms": now_ms}
    gone = connection.execute(update(PAGES).where(*waiting).values(**values)).rowcount
    return Counter({reason: gone}) if gone else Counter()


def _finish(connection: Connection, alert: Alert, kind: PageKind, said: bytes, now_ms: int) -> None:
    """Tell every channel that was, or may have been, told of the alert."""
    told = (
        PAGES.c.alert_id == alert.alert_id,
        PAGES.c.kind == PageKind.TRIGGER,
        (PAGES.c.state == SENT) | (PAGES.c.attempts > 0),
    )
    channels = connection.scalars(select(PAGES.c.channel).where(*told).distinct()).all()
    for channel in sorted(channels):
        page_id = f"{alert.alert_id}.{alert.revision}.{kind}.{channel}"
        _put(connection, (page_id, channel, kind, now_ms), alert, said, now_ms)


def _put(
    connection: Connection,
    page: tuple[str, str, PageKind, int],
    alert: Alert,
    said: bytes,
    now_ms: int,
) -> None:
    page_id, channel, kind, due_ms = page
    connection.execute(
        insert(PAGES).values(
            page_id=page_id,
            alert_id=alert.alert_id,
            channel=channel,
            kind=kind,
            urgency=_TIERS.index(alert.tier),
            state=DUE,
            reason="",
            due_ms=due_ms,
            since_ms=due_ms,
            prompt=int(due_ms <= now_ms),
            attempts=0,
            content=said,
            ended_ms=0,
        )
    )
