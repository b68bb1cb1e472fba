"""Complaints in SQL: each with its steps, and where it stands by the engine's own book."""

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from sentinel.complaints.policy import Policy
from sentinel.complaints.progress import due_first, progress
from sentinel.complaints.record import Record
from sentinel.database import Database
from sentinel.history.tables import COMPLAINT_STEPS, COMPLAINTS
from sentinel.model.events import Complaint, epoch_ms

_AT_ONCE = 500  # complaints changed in one transaction: a writer must not wait long
_FIRST_HAN, _LAST_HAN = "\u4e00", "\u9fff"


@dataclass(frozen=True, slots=True)
class ComplaintStep:
    """An event of a complaint, and the policy that sets its deadlines."""

    event: Complaint
    policy: Policy


def put_complaint(connection: Connection, step: ComplaintStep) -> None:
    """Store a step, and the complaint as it is afterwards; a known step changes nothing."""
    event, steps = step.event, COMPLAINT_STEPS.c
    query = select(steps.number).where(
        steps.complaint_id == event.complaint_id, steps.event_id == event.event_id
    )
    if connection.scalar(query) is not None:
        return
    mine = COMPLAINTS.c.complaint_id == event.complaint_id
    known = connection.execute(select(COMPLAINTS).where(mine)).one_or_none()
    if known is not None and known.customer_id != event.customer_id:
        return  # the engine warns of it: whose complaint it is does not change
    connection.execute(
        insert(COMPLAINT_STEPS).values(
            complaint_id=event.complaint_id,
            event_id=event.event_id,
            status=event.status,
            at_ms=epoch_ms(event.event_time),
            extended_to=event.extended_to,
            approved_by=event.approved_by,
        )
    )
    row = _row(step, known)
    if known is None:
        connection.execute(insert(COMPLAINTS).values(complaint_id=event.complaint_id, **row))
    else:
        connection.execute(update(COMPLAINTS).where(mine).values(**row))


def reschedule(database: Database, policy: Policy) -> int:
    """Compute the deadlines of open complaints by a policy, as the engine does; how many moved."""
    moved, last = 0, ""
    table = COMPLAINTS.c
    while True:
        query = (
            select(table.complaint_id, table.duty, table.due_ms, table.data)
            .where(table.over == 0, table.complaint_id > last)
            .order_by(table.complaint_id)
            .limit(_AT_ONCE)
        )
        with database.writing() as connection:
            found = connection.execute(query).all()
            for row in found:
                record = msgspec.json.decode(row.data, type=Record)
                duty, due_ms = due_first(policy, record)
                if (duty, due_ms) != (row.duty, row.due_ms):
                    # Another process may have stored a step meanwhile: it has the newer deadline.
                    same = (table.complaint_id == row.complaint_id, table.data == row.data)
                    change = update(COMPLAINTS).where(*same).values(duty=duty, due_ms=due_ms)
                    moved += connection.execute(change).rowcount
        if len(found) < _AT_ONCE:
            return moved
        last = found[-1].complaint_id


def _row(step: ComplaintStep, known: Row[tuple[object, ...]] | None) -> dict[str, object]:
    """The complaint's columns after a step."""
    event = step.event
    before = None if known is None else msgspec.json.decode(known.data, type=Record)
    after = progress(step.policy, before, event)
    record = after.record
    amounts = [
        None if event.amount_involved is None else float(event.amount_involved),
        None if known is None else known.amount,
    ]
    return {
        "customer_id": record.customer_id,
        "channel": record.channel,
        "product": record.product,
        "category": record.category,
        "branch": record.branch_id,
        "language": (known.language if known is not None else None) or language_of(event.text),
        "amount": max((each for each in amounts if each is not None), default=None),
        "state": record.status,
        "over": int(after.is_over),
        "late": int(after.was_late or (known is not None and bool(known.late))),
        "duty": after.duty,
        "due_ms": after.due_ms,
        "opened_ms": record.opened_at,
        "since_ms": record.since,
        "data": msgspec.json.encode(record),
    }


def language_of(text: str | None) -> str | None:
    """``zh`` for a text with a Chinese character, ``en`` for one with other letters; else None."""
    if text is None or not any(map(str.isalpha, text)):
        return None
    return "zh" if any(_FIRST_HAN <= each <= _LAST_HAN for each in text) else "en"
