"""The queue: which alerts wait, what to do next first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from sqlalchemy import ColumnElement, Integer, case, cast, func, select

from sentinel.database import Database
from sentinel.desk.snoozes import is_put_off
from sentinel.history.tables import ALERTS, REVISIONS
from sentinel.model.alert import Alert, Resolution, Tier
from sentinel.model.signal import Risk

PAGE = 50
"""Rows of the queue that are shown at once."""
COUNTED = 1_000
"""More are "1,000+": nobody needs the exact number, and counting takes time."""
_TIERS = tuple(Tier)
T = TypeVar("T", bound=StrEnum)


class View(StrEnum):
    """Whose alerts are shown."""

    OPEN = "open"  # nobody has them yet
    MINE = "mine"
    ALL = "all"  # all that are open
    SNOOZED = "snoozed"  # open, and put off
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Filter:
    """What is shown of the queue: all of it stands in the URL."""

    view: View = View.OPEN
    tiers: tuple[Tier, ...] = ()
    risk: Risk | None = None
    rule: str = ""
    search: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filter":
        """The filter of a URL's query; what is not known is passed over."""
        tiers = tuple(tier for tier in Tier if tier.value in query.get("tier", "").split(","))
        return cls(
            view=_word(View, query.get("view")) or View.OPEN,
            tiers=tiers,
            risk=_word(Risk, query.get("risk")),
            rule=query.get("rule", "")[:128],
            search=query.get("q", "").strip()[:160],
        )

    def query(self, **changes: object) -> str:
        """The query of the URL that shows this, with changes."""
        changed = replace(self, **changes)  # type: ignore[arg-type]
        parts = {
            "view": "" if changed.view is View.OPEN else changed.view.value,
            "tier": ",".join(changed.tiers),
            "risk": changed.risk.value if changed.risk else "",
            "rule": changed.rule,
            "q": changed.search,
        }
        return urlencode({name: text for name, text in parts.items() if text})


@dataclass(frozen=True, slots=True)
class Row:
    """An alert in the queue."""

    alert: Alert
    amount: float | None
    since_ms: int


@dataclass(frozen=True, slots=True)
class Alike:
    """Alerts of the same rule that were opened lately, and how many of them were false."""

    opened: int = 0
    confirmed: int = 0
    false: int = 0


class Queue:
    """Reads alerts from history; calls block, and raise DatabaseError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(
        self, wanted: Filter, user: str, now_ms: int, *, skip: int = 0, most: int = PAGE
    ) -> list[Row]:
        """The alerts to show: the most urgent first, then who waits longest, then the amount."""
        query = (
            select(ALERTS.c.data, ALERTS.c.amount, ALERTS.c.since_ms)
            .where(*_conditions(wanted, user, now_ms))
            .order_by(*_order(wanted))
            .offset(skip)
            .limit(most)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).all()
        return [
            Row(msgspec.json.decode(data, type=Alert), amount, since_ms)
            for data, amount, since_ms in found
        ]

    def counts(self, wanted: Filter, user: str, now_ms: int) -> dict[View, int]:
        """How many alerts each view would show, at most :data:`COUNTED`."""
        counts = {}
        with self._database.reading() as connection:
            for view in (View.MINE, View.OPEN, View.ALL, View.SNOOZED):
                some = (
                    select(ALERTS.c.alert_id)
                    .where(*_conditions(replace(wanted, view=view), user, now_ms))
                    .limit(COUNTED)
                    .subquery()
                )
                counts[view] = int(connection.scalar(select(func.count()).select_from(some)) or 0)
        return counts

    def next(self, wanted: Filter, others: Sequence[str], now_ms: int) -> str | None:
        """The id of the first alert that nobody has, beside ``others``."""
        query = (
            select(ALERTS.c.alert_id)
            .where(*_conditions(replace(wanted, view=View.OPEN), "", now_ms))
            .where(ALERTS.c.alert_id.not_in(others))
            .order_by(*_order(wanted))
            .limit(1)
        )
        with self._database.reading() as connection:
            return connection.scalar(query)

    def alert(self, alert_id: str) -> Alert | None:
        """The newest revision of an alert."""
        query = select(ALERTS.c.data).where(ALERTS.c.alert_id == alert_id)
        with self._database.reading() as connection:
            data = connection.scalar(query)
        return None if data is None else msgspec.json.decode(data, type=Alert)

    def alike(self, rules: Sequence[str], since_ms: int) -> dict[str, Alike]:
        """By rule, the alerts with it as strongest reason that were opened since then."""
        query = (
            select(
                ALERTS.c.rule,
                func.count(),
                _number_of(Resolution.CONFIRMED),
                _number_of(Resolution.FALSE_POSITIVE),
            )
            .where(ALERTS.c.rule.in_(set(rules)), ALERTS.c.opened_ms >= since_ms)
            .group_by(ALERTS.c.rule)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).all()
        return {rule: Alike(*counts) for rule, *counts in found}

    def newest(self) -> int:
        """The number of the newest revision, 0 if there is none."""
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.max(REVISIONS.c.number))) or 0)

    def changed_since(self, wanted: Filter, user: str, number: int, now_ms: int) -> int:
        """How many alerts of the view were opened or changed after revision ``number``.

        Of the newest changes :data:`COUNTED` are looked at.
        """
        changed = (
            select(REVISIONS.c.alert_id)
            .where(REVISIONS.c.number > number)
            .order_by(REVISIONS.c.number.desc())
            .limit(COUNTED)
        )
        with self._database.reading() as connection:
            ids = set(connection.scalars(changed))
        some = (
            select(ALERTS.c.alert_id)
            .where(*_conditions(wanted, user, now_ms, of_few=True), ALERTS.c.alert_id.in_(ids))
            .limit(COUNTED)
            .subquery()
        )
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.count()).select_from(some)) or 0)


def _conditions(
    wanted: Filter, user: str, now_ms: int, *, of_few: bool = False
) -> list[ColumnElement[bool]]:
    """The conditions of a view; ``of_few``: of a few alerts that are named."""
    # A sum is in no index: else the database would read all open alerts to find the few.
    is_over = ALERTS.c.over + 0 if of_few or wanted.search else ALERTS.c.over
    conditions: list[ColumnElement[bool]] = [is_over == int(wanted.view is View.ENDED)]
    if wanted.view is View.MINE:
        conditions += [ALERTS.c.owner == user, ~is_put_off(now_ms)]
    elif wanted.view is View.OPEN:
        conditions += [ALERTS.c.owner.is_(None), ALERTS.c.suppressed == 0, ~is_put_off(now_ms)]
    elif wanted.view is View.SNOOZED:
        conditions.append(is_put_off(now_ms))
    if wanted.tiers:
        conditions.append(ALERTS.c.urgency.in_([_TIERS.index(tier) for tier in wanted.tiers]))
    if wanted.risk:
        conditions.append(ALERTS.c.risk == wanted.risk)
    if wanted.rule:
        conditions.append(ALERTS.c.rule == wanted.rule)
    if wanted.search:
        # Two looks into an index: with "or" all open alerts would be read.
        by_id = select(ALERTS.c.alert_id).where(ALERTS.c.alert_id == wanted.search)
        of_entity = select(ALERTS.c.alert_id).where(ALERTS.c.entity_id == wanted.search)
        conditions.append(ALERTS.c.alert_id.in_(by_id.union_all(of_entity)))
    return conditions


def _order(wanted: Filter) -> list[ColumnElement[object]]:
    if wanted.view is View.ENDED:
        return [ALERTS.c.updated_ms.desc(), ALERTS.c.alert_id]
    return [ALERTS.c.urgency, ALERTS.c.since_ms, ALERTS.c.amount.desc(), ALERTS.c.alert_id]


def _number_of(resolution: Resolution) -> ColumnElement[int]:
    return func.coalesce(
        func.sum(cast(case((ALERTS.c.resolution == resolution, 1), else_=0), Integer)), 0
    )


def _word(kind: type[T], text: str | None) -> T | None:
    return next((each for each in kind if each.value == text), None)
