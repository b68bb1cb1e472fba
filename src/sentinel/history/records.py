"""The records that history keeps, and how each is stored."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, Table, delete, insert, select, update

from sentinel import database
from sentinel.history.complaints import ComplaintStep, put_complaint
from sentinel.history.dead_letters import (
    DeadLetterRecord,
    RepairRecord,
    dead_letter_row,
    put_repair,
)
from sentinel.history.tables import (
    ACTIONS,
    ALERTS,
    DEAD_LETTERS,
    OUTCOMES,
    REASONS,
    RESPONSES,
    REVISIONS,
)
from sentinel.model.alert import ActionRequest, Alert, Tier
from sentinel.model.events import epoch_ms
from sentinel.model.response import Response
from sentinel.model.response_outcome import ResponseOutcome

_TIERS = tuple(Tier)
_AMOUNT = "amount"
Record = (
    Alert
    | ActionRequest
    | Response
    | ResponseOutcome
    | ComplaintStep
    | DeadLetterRecord
    | RepairRecord
)
Read = database.Read[Record]


def put(connection: Connection, where: str, record: Record) -> None:
    """Store one record; ``where`` (``topic-partition@offset``) names it.

    A record that is stored already changes nothing.
    """
    match record:
        case Alert():
            _put_alert(connection, record)
        case ActionRequest():
            _insert_unless_known(connection, ACTIONS, _action_row(record))
        case Response():
            _insert_unless_known(connection, RESPONSES, _response_row(where, record))
        case ResponseOutcome():
            _insert_unless_known(connection, OUTCOMES, _outcome_row(record))
        case ComplaintStep():
            put_complaint(connection, record)
        case DeadLetterRecord():
            _insert_unless_known(connection, DEAD_LETTERS, dead_letter_row(record))
        case RepairRecord():
            put_repair(connection, record)


def _insert_unless_known(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    """Insert a row, unless the table has one with its primary key."""
    keys = table.primary_key.columns
    known = select(*keys).where(*(key == row[key.key] for key in keys))
    if connection.execute(known).first() is None:
        connection.execute(insert(table).values(row))


def _put_alert(connection: Connection, alert: Alert) -> None:
    mine = ALERTS.c.alert_id == alert.alert_id
    query = select(ALERTS.c.revision, ALERTS.c.urgency, ALERTS.c.since_ms).where(mine)
    known = connection.execute(query).one_or_none()
    if known is not None and known.revision >= alert.revision:
        return
    data, urgency = msgspec.json.encode(alert), _TIERS.index(alert.tier)
    connection.execute(
        insert(REVISIONS).values(
            alert_id=alert.alert_id,
            revision=alert.revision,
            change=alert.change,
            at_ms=alert.updated_at,
            data=data,
        )
    )
    is_same_tier = known is not None and known.urgency == urgency
    row = {
        "revision": alert.revision,
        "entity_kind": alert.entity.kind,
        "entity_id": alert.entity.id,
        "risk": alert.risk,
        "state": alert.state,
        "over": int(alert.resolution is not None),
        "urgency": urgency,
        "score": alert.score,
        "rule": alert.reasons[0].rule_id if alert.reasons else "",
        "amount": amount_of(alert),
        "suppressed": int(bool(alert.suppressed)),
        "owner": alert.assignee or alert.acknowledged_by,
        "resolution": alert.resolution,
        "opened_ms": alert.opened_at,
        "since_ms": known.since_ms if known is not None and is_same_tier else alert.updated_at,
        "updated_ms": alert.updated_at,
        "data": data,
    }
    if known is None:
        connection.execute(insert(ALERTS).values(alert_id=alert.alert_id, **row))
    else:
        connection.execute(update(ALERTS).where(mine).values(**row))
        connection.execute(delete(REASONS).where(REASONS.c.alert_id == alert.alert_id))
    if alert.reasons:
        connection.execute(
            insert(REASONS),
            [
                {
                    "alert_id": alert.alert_id,
                    "rule": reason.rule_id,
                    "contribution": reason.contribution,
                }
                for reason in alert.reasons
            ],
        )


def amount_of(alert: Alert) -> float | None:
    """The largest amount that the reasons of an alert saw, in base currency; None without one."""
    amounts = [
        float(value)
        for reason in alert.reasons
        for clause in reason.clauses
        if isinstance(value := clause.values.get(_AMOUNT), int | float)
    ]
    return max(amounts, default=None)


def _action_row(request: ActionRequest) -> dict[str, object]:
    return {
        "request_id": request.request_id,
        "alert_id": request.alert_id,
        "action": request.action,
        "requested_ms": request.requested_at,
        "data": msgspec.json.encode(request),
    }


def _response_row(where: str, response: Response) -> dict[str, object]:
    return {
        "record": where,
        "response_id": response.response_id,
        "alert_id": response.alert_id,
        "kind": response.kind,
        "actor": response.actor,
        "verdict": response.verdict,
        "assignee": response.assignee,
        "event_id": response.event_id,
        "note": response.note,
        "at_ms": epoch_ms(response.event_time),
    }


def _outcome_row(outcome: ResponseOutcome) -> dict[str, object]:
    """What became of a response: a row beside the response's own, for they come in either order."""
    return {
        "outcome_id": outcome.outcome_id,
        "response_id": outcome.response_id,
        "alert_id": outcome.alert_id,
        "result": outcome.result,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "revision": outcome.revision,
        "at_ms": outcome.processed_at,
    }
