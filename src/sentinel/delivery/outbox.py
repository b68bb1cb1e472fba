"""The outbox: what is to be sent, kept in a database until it has been.

Records of the alerts topic and the pages that they cause are stored in one transaction with
their offsets, so a record that is read again does nothing, and one that was never handed over is
noticed.  SQLite by default; PostgreSQL by URL.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Select,
    bindparam,
    delete,
    func,
    select,
    union_all,
    update,
)

from sentinel import database
from sentinel.database import Database, DatabaseError, UnstorableError, advance, first_missing
from sentinel.database.database import reason
from sentinel.delivery import late
from sentinel.delivery.declare import Plan
from sentinel.delivery.intake import put, store
from sentinel.delivery.page import Content, Page, PageKind
from sentinel.delivery.plan import NoPage, fallback
from sentinel.delivery.routes import Route
from sentinel.delivery.tables import (
    ALERTS,
    CANCELLED,
    DEAD,
    DIGESTS,
    DUE,
    OFFSETS,
    PAGES,
    SCHEMA,
    SENT,
)
from sentinel.model.alert import Alert, Tier

_TIERS = tuple(Tier)
Read = database.Read[Alert]


def _next_due() -> Select[Any]:
    """When the next page or digest of the channel ``of`` is due: asked every second, made once."""
    mine: BindParameter[str] = bindparam("of")
    pages = select(PAGES.c.due_ms).where(PAGES.c.channel == mine, PAGES.c.state == DUE)
    digests = select(DIGESTS.c.due_ms).where(DIGESTS.c.channel == mine)
    # One statement: between two a digest may become a page, and be in neither.
    return select(func.min(union_all(pages, digests).subquery().c.due_ms))


_NEXT_DUE = _next_due()


class Outbox:
    """Everything that the pager remembers; calls block, and raise DatabaseError."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, SCHEMA, "SENTINEL_OUTBOX")

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def latest_ms(self) -> int:
        """The latest moment at which something was noted, 0 if nothing has been."""
        noted = (select(func.max(ALERTS.c.updated_ms)), select(func.max(PAGES.c.ended_ms)))
        with self._database.reading() as connection:
            return max(connection.scalar(each) or 0 for each in noted)

    def overdue(self, before_ms: int, most: int) -> list[Page]:
        """Triggers that should have been sent before then, the most urgent and oldest first."""
        wanted = (
            PAGES.c.state == DUE,
            PAGES.c.kind == PageKind.TRIGGER,
            PAGES.c.since_ms < before_ms,
        )
        return self._pages(*wanted, order=(PAGES.c.urgency, PAGES.c.since_ms), most=most)

    def position(self, partition: str) -> int | None:
        """The first offset of ``partition`` that is not stored; None if nothing is."""
        with self._database.reading() as connection:
            return first_missing(connection, OFFSETS, partition)

    def accept(self, read: Read, plan: Plan, now_ms: int) -> Counter[NoPage]:
        """Store alerts that are not stored yet, and their pages; returns why pages are not sent.

        Raises UnstorableError where no page can be made of one.  Whether there is a gap before
        them is the caller's question.
        """
        unsent: Counter[NoPage] = Counter()
        try:
            with self._database.writing() as connection:
                for _, alert in advance(connection, OFFSETS, read):
                    unsent += store(connection, alert, plan, now_ms)
        except DatabaseError:
            raise
        except Exception as error:
            raise UnstorableError(f"{type(error).__name__}: {reason(error)}") from error
        return unsent

    def due(self, channel: str, now_ms: int, most: int) -> list[Page]:
        """The channel's pages that are due, the most urgent first, then the longest due."""
        wanted = (PAGES.c.channel == channel, PAGES.c.state == DUE, PAGES.c.due_ms <= now_ms)
        order = (PAGES.c.urgency, PAGES.c.due_ms, PAGES.c.page_id)
        return self._pages(*wanted, order=order, most=most)

    def _pages(
        self, *wanted: ColumnElement[bool], order: Sequence[Column[Any]], most: int
    ) -> list[Page]:
        query = (
            select(
                PAGES.c.page_id,
                PAGES.c.channel,
                PAGES.c.kind,
                PAGES.c.content,
                PAGES.c.since_ms,
                PAGES.c.prompt,
                PAGES.c.attempts,
            )
            .where(*wanted)
            .order_by(*order)
            .limit(most)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [
            Page(
                page_id=page_id,
                channel=channel,
                kind=PageKind(kind),
                content=msgspec.msgpack.decode(content, type=Content),
                since_ms=since_ms,
                prompt=bool(prompt),
                attempts=attempts,
            )
            for page_id, channel, kind, content, since_ms, prompt, attempts in rows
        ]

    def next_due_ms(self, channel: str) -> int | None:
        """When the channel's next page or digest of late alerts is due."""
        with self._database.reading() as connection:
            due_ms = connection.scalar(_NEXT_DUE, {"of": channel})
        return None if due_ms is None else int(due_ms)

    def close_digests(self, channel: str, plan: Plan, now_ms: int) -> None:
        """Make pages of the channel's digests of late alerts that are due."""
        wanted = (DIGESTS.c.channel == channel, DIGESTS.c.due_ms <= now_ms)
        with self._database.reading() as connection:
            due = connection.scalars(select(DIGESTS.c.page_id).where(*wanted)).all()
        for page_id in due:
            with self._database.writing() as connection:
                late.close(connection, page_id, plan, now_ms)

    def begin(self, pages: Iterable[Page]) -> None:
        """Count an attempt, before it is made: from now on the receiver may have the pages."""
        ids = [page.page_id for page in pages]
        with self._database.writing() as connection:
            connection.execute(
                update(PAGES).where(PAGES.c.page_id.in_(ids)).values(attempts=PAGES.c.attempts + 1)
            )

    def sent(self, pages: Iterable[Page], now_ms: int) -> None:
        """The receiver has them."""
        self._end(pages, SENT, "", now_ms)

    def failed(self, page: Page, reason: NoPage, now_ms: int) -> None:
        """The page will not be sent."""
        self._end([page], DEAD, reason, now_ms)

    def fall_back(self, page: Page, root: Route) -> int:
        """Make the fallback's pages for one that its channel does not deliver; returns how many."""
        made = 0
        with self._database.writing() as connection:
            # Cancelled meanwhile, or sent before: it is not to be sent.
            row = connection.execute(
                select(PAGES.c.alert_id, PAGES.c.urgency, PAGES.c.content).where(
                    PAGES.c.page_id == page.page_id, PAGES.c.state == DUE
                )
            ).one_or_none()
            for due in fallback(page, root) if row is not None else []:
                known = select(PAGES.c.page_id).where(PAGES.c.page_id == due.page_id)
                if connection.scalar(known) is None:
                    put(connection, due, row, page.since_ms)
                    made += 1
        return made

    def oldest_due_ms(self, now_ms: int) -> dict[Tier, int]:
        """Since when the oldest page that should have been sent by now waits, by tier."""
        query = (
            select(PAGES.c.urgency, func.min(PAGES.c.since_ms))
            .where(PAGES.c.state == DUE, PAGES.c.since_ms <= now_ms)
            .group_by(PAGES.c.urgency)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return {_TIERS[row[0]]: int(row[1]) for row in rows}

    def open_pages(self, channel: str) -> list[Page]:
        """The newest trigger that each alert which is not over has been sent on a channel."""
        sent = (
            PAGES.c.channel == channel,
            PAGES.c.kind == PageKind.TRIGGER,
            PAGES.c.state == SENT,
            ALERTS.c.over == 0,
        )
        query = (
            select(PAGES.c.page_id, PAGES.c.alert_id, PAGES.c.content, PAGES.c.since_ms)
            .join(ALERTS, ALERTS.c.alert_id == PAGES.c.alert_id)
            .where(*sent)
            .order_by(PAGES.c.ended_ms, PAGES.c.page_id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        newest = {
            row.alert_id: Page(
                page_id=row.page_id,
                channel=channel,
                kind=PageKind.TRIGGER,
                content=msgspec.msgpack.decode(row.content, type=Content),
                since_ms=row.since_ms,
            )
            for row in rows
        }
        return list(newest.values())

    def retry(self, page: Page, due_ms: int) -> None:
        """Try the page again at ``due_ms``, unless it was cancelled."""
        with self._database.writing() as connection:
            connection.execute(
                update(PAGES)
                .where(PAGES.c.page_id == page.page_id, PAGES.c.state == DUE)
                .values(due_ms=due_ms)
            )

    def counts(self) -> dict[str, int]:
        """How many pages are in each state."""
        query = select(PAGES.c.state, func.count()).group_by(PAGES.c.state)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return {DUE: 0, SENT: 0, DEAD: 0, CANCELLED: 0} | {str(row[0]): int(row[1]) for row in rows}

    def prune(self, before_ms: int) -> int:
        """Delete alerts that ended before then, and their finished pages.

        The pages of an open alert are kept: their channels are notified of its end.
        """
        is_open = select(ALERTS.c.alert_id).where(ALERTS.c.over == 0)
        with self._database.writing() as connection:
            old = (PAGES.c.state != DUE, PAGES.c.ended_ms < before_ms)
            done = delete(PAGES).where(*old, PAGES.c.alert_id.not_in(is_open))
            gone = connection.execute(done).rowcount
            over = (ALERTS.c.over == 1, ALERTS.c.updated_ms < before_ms)
            connection.execute(delete(ALERTS).where(*over))
        return gone

    def _end(self, pages: Iterable[Page], state: str, reason: str, now_ms: int) -> None:
        values = {"state": state, "reason": reason, "ended_ms": now_ms}
        ids = [page.page_id for page in pages]
        with self._database.writing() as connection:
            connection.execute(update(PAGES).where(PAGES.c.page_id.in_(ids)).values(**values))
