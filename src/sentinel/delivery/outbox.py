"""The outbox: what is to be sent, kept in a database until it has been.

A record of the alerts topic and the pages that it causes are stored in one transaction with
its offset, so a record that is read again does nothing.  SQLite by default; PostgreSQL by URL.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from sentinel.delivery.declare import Plan
from sentinel.delivery.page import Content, Page, PageKind, content
from sentinel.delivery.plan import NoPage, Paged, decide
from sentinel.model.alert import Alert, Tier

DUE, SENT, DEAD, CANCELLED = "due", "sent", "dead", "cancelled"

_TIERS = tuple(Tier)
_META = MetaData()
_ALERTS = Table(
    "alerts",
    _META,
    Column("alert_id", String(64), primary_key=True),
    Column("paged", LargeBinary, nullable=False),
    Column("over", Integer, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)
_PAGES = Table(
    "pages",
    _META,
    Column("page_id", String(255), primary_key=True),
    Column("alert_id", String(64), nullable=False, index=True),
    Column("channel", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("urgency", Integer, nullable=False),  # place of the tier: 0 is red
    Column("state", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("prompt", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("ended_ms", BigInteger, nullable=False),
    Index("pages_to_send", "channel", "state", "due_ms"),
)
_OFFSETS = Table(
    "offsets",
    _META,
    Column("place", String(255), primary_key=True),
    Column("last", BigInteger, nullable=False),
)


class OutboxError(Exception):
    """The database cannot be used; the message says why, without its password."""


class Outbox:
    """Everything that the pager remembers; calls block, and come one at a time."""

    def __init__(self, url: str) -> None:
        try:
            self._engine: Engine = create_engine(url)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _make_durable)
            _META.create_all(self._engine)
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
            last = connection.scalar(select(_OFFSETS.c.last).where(_OFFSETS.c.place == place))
            for offset, alert in records:
                if last is None or offset > last:
                    unsent += _take(connection, alert, plan, now_ms)
            if last is None:
                connection.execute(insert(_OFFSETS).values(place=place, last=records[-1][0]))
            else:
                most = max(last, records[-1][0])
                connection.execute(
                    update(_OFFSETS).where(_OFFSETS.c.place == place).values(last=most)
                )
        return unsent

    def due(self, channel: str, now_ms: int, most: int) -> list[Page]:
        """The channel's pages that are due, the most urgent first, then the longest due."""
        wanted = (_PAGES.c.channel == channel, _PAGES.c.state == DUE, _PAGES.c.due_ms <= now_ms)
        query = (
            select(
                _PAGES.c.page_id,
                _PAGES.c.kind,
                _PAGES.c.content,
                _PAGES.c.since_ms,
                _PAGES.c.prompt,
                _PAGES.c.attempts,
            )
            .where(*wanted)
            .order_by(_PAGES.c.urgency, _PAGES.c.due_ms, _PAGES.c.page_id)
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
        """When the channel's next page is due."""
        wanted = (_PAGES.c.channel == channel, _PAGES.c.state == DUE)
        with self._engine.connect() as connection:
            found: int | None = connection.scalar(select(func.min(_PAGES.c.due_ms)).where(*wanted))
        return found

    def begin(self, pages: Iterable[Page]) -> None:
        """Count an attempt, before it is made: from now on the receiver may have the pages."""
        ids = [page.page_id for page in pages]
        with self._engine.begin() as connection:
            connection.execute(
                update(_PAGES)
                .where(_PAGES.c.page_id.in_(ids))
                .values(attempts=_PAGES.c.attempts + 1)
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
                update(_PAGES)
                .where(_PAGES.c.page_id == page.page_id, _PAGES.c.state == DUE)
                .values(due_ms=due_ms)
            )

    def counts(self) -> dict[str, int]:
        """How many pages are in each state."""
        query = select(_PAGES.c.state, func.count()).group_by(_PAGES.c.state)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {DUE: 0, SENT: 0, DEAD: 0, CANCELLED: 0} | {str(row[0]): int(row[1]) for row in rows}

    def prune(self, before_ms: int) -> int:
        """Forget alerts that have been over, and pages that have been done, since before then."""
        with self._engine.begin() as connection:
            old = (_PAGES.c.state != DUE, _PAGES.c.ended_ms < before_ms)
            gone = connection.execute(delete(_PAGES).where(*old)).rowcount
            over = (_ALERTS.c.over == 1, _ALERTS.c.updated_ms < before_ms)
            connection.execute(delete(_ALERTS).where(*over))
        return gone

    def _end(self, pages: Iterable[Page], state: str, reason: str, now_ms: int) -> None:
        values = {"state": state, "reason": reason, "ended_ms": now_ms}
        ids = [page.page_id for page in pages]
        with self._engine.begin() as connection:
            connection.execute(update(_PAGES).where(_PAGES.c.page_id.in_(ids)).values(**values))


def _make_durable(connection: Any, _: object) -> None:
    """What has been committed survives the machine; readers do not wait for writers."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _take(connection: Connection, alert: Alert, plan: Plan, now_ms: int) -> Counter[NoPage]:
    where = _ALERTS.c.alert_id == alert.alert_id
    row = connection.scalar(select(_ALERTS.c.paged).where(where))
    known = None if row is None else msgspec.msgpack.decode(row, type=Paged)
    decision, reason = decide(alert, known, plan.root, now_ms, plan.ignore_older_than_ms)
    unsent = Counter([reason] if reason is not None else [])
    said = msgspec.msgpack.encode(content(alert, plan.link))
    if decision.cancel is not None:
        unsent += _cancel(connection, alert.alert_id, decision.cancel, now_ms)
    if decision.finish is not None:
        _finish(connection, alert, decision.finish, said, now_ms)
    for due in decision.dues:
        page = (due.page_id, due.channel, due.kind, due.due_ms)
        _put(connection, page, alert, said, now_ms)
    values = {
        "paged": msgspec.msgpack.encode(decision.paged),
        "over": int(alert.resolution is not None),
        "updated_ms": now_ms,
    }
    if row is None:
        connection.execute(insert(_ALERTS).values(alert_id=alert.alert_id, **values))
    else:
        connection.execute(update(_ALERTS).where(where).values(**values))
    return unsent


def _cancel(connection: Connection, alert_id: str, reason: NoPage, now_ms: int) -> Counter[NoPage]:
    """Take back the triggers that wait; what has been tried may have been heard, and goes on.

    A page that may have reached somebody must be finished by its own kind of page later.
    """
    waiting = (
        _PAGES.c.alert_id == alert_id,
        _PAGES.c.state == DUE,
        _PAGES.c.kind == PageKind.TRIGGER,
    )
    values = {"state": CANCELLED, "reason": reason, "ended_ms": now_ms}
    gone = connection.execute(update(_PAGES).where(*waiting).values(**values)).rowcount
    return Counter({reason: gone}) if gone else Counter()


def _finish(connection: Connection, alert: Alert, kind: PageKind, said: bytes, now_ms: int) -> None:
    """Tell every channel that was, or may have been, told of the alert."""
    told = (
        _PAGES.c.alert_id == alert.alert_id,
        _PAGES.c.kind == PageKind.TRIGGER,
        (_PAGES.c.state == SENT) | (_PAGES.c.attempts > 0),
    )
    channels = connection.scalars(select(_PAGES.c.channel).where(*told).distinct()).all()
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
        insert(_PAGES).values(
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
