"""Complaints: which are open, what is due next, and how many were handled on time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Integer, and_, case, cast, func, or_, select

from sentinel.complaints import Duty, Status
from sentinel.database import Database
from sentinel.desk.queue import COUNTED, PAGE
from sentinel.history.tables import COMPLAINT_STEPS, COMPLAINTS
from sentinel.model.alert import Entity
from sentinel.model.entity import CUSTOMER

MOST_STEPS = 200
"""Steps of one complaint that are shown."""
_MOST_CHOICES = 200  # values of one filter
_MOST_SHARES = 12  # rows of the table of what was on time, for each of product, branch, channel
_LONGEST = 128
BY = ("product", "branch", "channel", "category", "language")
"""What complaints are filtered by; each is a column of the table."""
SHARED_BY = ("product", "branch", "channel")
"""What the share of complaints on time is told by."""


class Tab(StrEnum):
    """Which complaints are shown."""

    OPEN = "open"
    LATE = "late"  # open, and a deadline has passed
    CLOSED = "closed"  # or withdrawn


@dataclass(frozen=True, slots=True)
class ComplaintFilter:
    """What is shown of the complaints: all of it stands in the URL."""

    tab: Tab = Tab.OPEN
    product: str = ""
    branch: str = ""
    channel: str = ""
    category: str = ""
    language: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "ComplaintFilter":
        """The filter of a URL's query; a tab that is not known is the first."""
        tab = next((each for each in Tab if each.value == query.get("tab")), Tab.OPEN)
        return cls(tab, *(query.get(name, "")[:_LONGEST] for name in BY))

    @property
    def values(self) -> dict[str, str]:
        """The values that complaints must have, by column."""
        return {name: value for name in BY if (value := getattr(self, name))}

    def query(self, **changes: Any) -> str:
        """The query of the URL that shows this, with changes."""
        changed = replace(self, **changes)
        tab = {} if changed.tab is Tab.OPEN else {"tab": changed.tab.value}
        return urlencode({**tab, **changed.values})


@dataclass(frozen=True, slots=True)
class ComplaintRow:
    """A complaint; ``duty`` is due next, at ``due_ms``, both None where nothing is due."""

    complaint_id: str
    customer_id: str
    channel: str
    product: str | None
    category: str | None
    branch: str | None
    amount: float | None
    state: Status
    over: bool
    late: bool
    duty: Duty | None
    due_ms: int | None
    opened_ms: int
    since_ms: int

    @property
    def customer(self) -> Entity:
        """Whose complaint it is."""
        return Entity(CUSTOMER, self.customer_id)


@dataclass(frozen=True, slots=True)
class Step:
    """An event of a complaint."""

    status: Status
    at_ms: int
    extended_to: str | None
    approved_by: str | None


@dataclass(frozen=True, slots=True)
class Share:
    """How many complaints about ``name`` were handled on time, of those that count."""

    name: str | None
    on_time: int
    counted: int


_ROW = [COMPLAINTS.c[name] for name in ComplaintRow.__dataclass_fields__]
_STEP = [COMPLAINT_STEPS.c[name] for name in Step.__dataclass_fields__]


class ComplaintList:
    """Reads complaints from history; calls block, and raise DatabaseError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(
        self, wanted: ComplaintFilter, now_ms: int, *, skip: int = 0, most: int = PAGE
    ) -> list[ComplaintRow]:
        """The complaints to show: those due first at first, ended ones from the latest on."""
        query = (
            select(*_ROW)
            .where(*_conditions(wanted, now_ms))
            .order_by(*_order(wanted))
            .offset(skip)
            .limit(most)
        )
        with self._database.reading() as connection:
            return [_row(each) for each in connection.execute(query)]

    def counts(self, wanted: ComplaintFilter, now_ms: int) -> dict[Tab, int]:
        """How many complaints are open and late, at most ``COUNTED`` each."""
        counts = {}
        with self._database.reading() as connection:
            for tab in (Tab.OPEN, Tab.LATE):
                some = (
                    select(COMPLAINTS.c.complaint_id)
                    .where(*_conditions(replace(wanted, tab=tab), now_ms))
                    .limit(COUNTED)
                    .subquery()
                )
                counts[tab] = int(connection.scalar(select(func.count()).select_from(some)) or 0)
        return counts

    def choices(self, since_ms: int) -> dict[str, list[str]]:
        """By filter the values of complaints that are open, or ended since then."""
        lately = or_(COMPLAINTS.c.over == 0, _ended_since(since_ms))
        query = select(*(COMPLAINTS.c[name] for name in BY)).where(lately).distinct()
        found: dict[str, set[str]] = {name: set() for name in BY}
        with self._database.reading() as connection:
            for values in connection.execute(query):
                for name, value in zip(BY, values, strict=True):
                    if value is not None:
                        found[name].add(value)
        return {name: sorted(values)[:_MOST_CHOICES] for name, values in found.items()}

    def shares(self, since_ms: int, now_ms: int) -> dict[str, list[Share]]:
        """By product, branch and channel how many were on time, the most frequent first.

        Those count that were closed since then, and those that are open and late.  On time is what
        was closed with every duty fulfilled before its deadline.
        """
        table = COMPLAINTS.c
        closed = and_(_ended_since(since_ms), table.state == Status.CLOSED)
        overdue = and_(table.over == 0, or_(table.late == 1, table.due_ms <= now_ms))
        on_time = cast(case((and_(table.over == 1, table.late == 0), 1), else_=0), Integer)
        columns = [table[name] for name in SHARED_BY]
        query = (
            select(*columns, func.sum(on_time), func.count())
            .where(or_(closed, overdue))
            .group_by(*columns)
        )
        totals: dict[str, dict[str | None, Share]] = {name: {} for name in SHARED_BY}
        with self._database.reading() as connection:
            for *values, good, counted in connection.execute(query):
                for name, value in zip(SHARED_BY, values, strict=True):
                    before = totals[name].get(value, Share(value, 0, 0))
                    totals[name][value] = Share(
                        value, before.on_time + int(good), before.counted + int(counted)
                    )
        return {
            name: sorted(shares.values(), key=_most_frequent)[:_MOST_SHARES]
            for name, shares in totals.items()
        }

    def find(self, complaint_id: str) -> ComplaintRow | None:
        """A complaint; None if history has none of this id."""
        query = select(*_ROW).where(COMPLAINTS.c.complaint_id == complaint_id)
        with self._database.reading() as connection:
            found = connection.execute(query).one_or_none()
        return None if found is None else _row(found)

    def steps(self, complaint_id: str) -> list[Step]:
        """The steps of a complaint by their times, the newest ``MOST_STEPS``."""
        query = (
            select(*_STEP)
            .where(COMPLAINT_STEPS.c.complaint_id == complaint_id)
            .order_by(COMPLAINT_STEPS.c.at_ms.desc(), COMPLAINT_STEPS.c.number.desc())
            .limit(MOST_STEPS)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).all()
        return [Step(Status(status), *rest) for status, *rest in reversed(found)]


def _row(found: Any) -> ComplaintRow:
    fields = found._asdict()
    return ComplaintRow(
        **{
            **fields,
            "state": Status(found.state),
            "over": bool(found.over),
            "late": bool(found.late),
            "duty": None if found.duty is None else Duty(found.duty),
        }
    )


def _conditions(wanted: ComplaintFilter, now_ms: int) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [COMPLAINTS.c.over == int(wanted.tab is Tab.CLOSED)]
    if wanted.tab is Tab.LATE:
        conditions.append(COMPLAINTS.c.due_ms <= now_ms)
    conditions += [COMPLAINTS.c[name] == value for name, value in wanted.values.items()]
    return conditions


def _most_frequent(share: Share) -> tuple[int, bool, str]:
    return -share.counted, share.name is None, share.name or ""


def _ended_since(since_ms: int) -> ColumnElement[bool]:
    return and_(COMPLAINTS.c.over == 1, COMPLAINTS.c.since_ms >= since_ms)


def _order(wanted: ComplaintFilter) -> list[ColumnElement[Any]]:
    if wanted.tab is Tab.CLOSED:
        return [COMPLAINTS.c.since_ms.desc(), COMPLAINTS.c.complaint_id]
    return [COMPLAINTS.c.due_ms.nulls_last(), COMPLAINTS.c.opened_ms, COMPLAINTS.c.complaint_id]
