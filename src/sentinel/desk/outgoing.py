"""Responses on their way: deferred while they may be withdrawn, sent, and what became of them.

A response is stored before anything else happens, so it is sent even if the browser or the desk
ends meanwhile.  It may be sent twice after a crash: the engine applies it once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from sqlalchemy import delete, func, insert, select, update

from sentinel.database import Database
from sentinel.desk.tables import OUTGOING
from sentinel.history.tables import OUTCOMES, RESPONSES
from sentinel.model.response import Response, ResponseKind, ResponseResult, Verdict

MOST_DEFERRED = 10_000
"""Responses that may wait to be sent; more are refused: Kafka does not answer."""
_AT_ONCE = 200
_KEEP_MS = 7 * 86_400_000  # afterwards history has them


class SendState(StrEnum):
    """Where a response is before the engine has it."""

    DEFERRED = "deferred"  # may be taken back
    SENDING = "sending"
    SENT = "sent"
    WITHDRAWN = "withdrawn"


class Status(StrEnum):
    """What a person sees of a response."""

    DEFERRED = "deferred"
    PENDING = "pending"  # sent, and not yet processed
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    NOT_OPEN = "not_open"
    NOT_KEPT = "not_held"
    REFUSED = "refused"


class TooManyDeferredError(Exception):
    """Too many responses wait to be sent."""


@dataclass(frozen=True, slots=True)
class GivenResponse:
    """A response to an alert, and what became of it; times in ms UTC.

    ``due_ms`` is when it is sent, 0 if it was not given here.
    """

    response_id: str
    kind: ResponseKind
    actor: str
    verdict: Verdict | None
    assignee: str | None
    note: str | None
    at_ms: int
    due_ms: int
    status: Status
    detail: str


class Outgoing:
    """The responses that were given at this desk, and those in history; calls block."""

    def __init__(self, desk: Database, history: Database) -> None:
        self._desk, self._history = desk, history

    def defer(self, responses: Sequence[Response], now_ms: int, due_ms: int) -> None:
        """Store responses that are sent at ``due_ms``; raises TooManyDeferredError."""
        unsent = select(func.count()).where(OUTGOING.c.state == SendState.DEFERRED)
        with self._desk.writing() as connection:
            if (connection.scalar(unsent) or 0) + len(responses) > MOST_DEFERRED:
                raise TooManyDeferredError
            connection.execute(
                insert(OUTGOING),
                [
                    {
                        "response_id": response.response_id,
                        "alert_id": response.alert_id,
                        "actor": response.actor,
                        "state": SendState.DEFERRED,
                        "made_ms": now_ms,
                        "due_ms": due_ms,
                        "data": msgspec.json.encode(response),
                    }
                    for response in responses
                ],
            )

    def withdraw(self, response_id: str, actor: str) -> str | None:
        """Take one's own response back while deferred; returns its alert, None if it is not."""
        deferred = (
            OUTGOING.c.response_id == response_id,
            OUTGOING.c.actor == actor,
            OUTGOING.c.state == SendState.DEFERRED,
        )
        with self._desk.writing() as connection:
            alert_id = connection.scalar(select(OUTGOING.c.alert_id).where(*deferred))
            withdrawn = update(OUTGOING).where(*deferred).values(state=SendState.WITHDRAWN)
            is_mine = connection.execute(withdrawn).rowcount > 0
        return alert_id if is_mine else None

    def send_due(self, now_ms: int, send: Callable[[Response], None]) -> int:
        """Send what is due, in order; returns how many.  Raises what ``send`` raises.

        What was being sent when a process ended is sent again.
        """
        due = (
            select(OUTGOING.c.response_id)
            .where(OUTGOING.c.state == SendState.DEFERRED, OUTGOING.c.due_ms <= now_ms)
            .order_by(OUTGOING.c.due_ms, OUTGOING.c.made_ms)
            .limit(_AT_ONCE)
        )
        sending = (
            select(OUTGOING.c.data)
            .where(OUTGOING.c.state == SendState.SENDING)
            .order_by(OUTGOING.c.due_ms, OUTGOING.c.made_ms)
        )
        with self._desk.writing() as connection:
            ids = list(connection.scalars(due))
            deferred = (OUTGOING.c.response_id.in_(ids), OUTGOING.c.state == SendState.DEFERRED)
            connection.execute(update(OUTGOING).where(*deferred).values(state=SendState.SENDING))
            found = list(connection.scalars(sending))
        for data in found:
            response = msgspec.json.decode(data, type=Response)
            send(response)
            mine = OUTGOING.c.response_id == response.response_id
            with self._desk.writing() as connection:
                connection.execute(update(OUTGOING).where(mine).values(state=SendState.SENT))
        return len(found)

    def next_due_ms(self) -> int | None:
        """When the next response is sent."""
        unsent = OUTGOING.c.state.in_([SendState.DEFERRED, SendState.SENDING])
        with self._desk.reading() as connection:
            due_ms = connection.scalar(select(func.min(OUTGOING.c.due_ms)).where(unsent))
        return None if due_ms is None else int(due_ms)

    def of(self, alert_id: str) -> list[GivenResponse]:
        """All responses to an alert, the newest first: those given here and those in history."""
        with self._desk.reading() as connection:
            columns = (OUTGOING.c.data, OUTGOING.c.state, OUTGOING.c.made_ms, OUTGOING.c.due_ms)
            mine = connection.execute(
                select(*columns).where(
                    OUTGOING.c.alert_id == alert_id, OUTGOING.c.state != SendState.WITHDRAWN
                )
            ).all()
        with self._history.reading() as connection:
            known = connection.execute(
                select(RESPONSES).where(RESPONSES.c.alert_id == alert_id)
            ).all()
            results = connection.execute(
                select(OUTCOMES.c.response_id, OUTCOMES.c.result, OUTCOMES.c.detail).where(
                    OUTCOMES.c.alert_id == alert_id
                )
            ).all()
        outcomes: dict[str, tuple[Status, str]] = {}
        for response_id, result, detail in results:
            # A refused record may be another's that claims this id.
            if response_id not in outcomes or result != ResponseResult.REFUSED:
                outcomes[response_id] = Status(result), detail or ""
        found: dict[str, GivenResponse] = {}
        for data, state, made_ms, due_ms in mine:
            response = msgspec.json.decode(data, type=Response)
            can_undo = state == SendState.DEFERRED and due_ms > made_ms
            unknown = Status.DEFERRED if can_undo else Status.PENDING
            status, detail = outcomes.get(response.response_id, (unknown, ""))
            found[response.response_id] = _given(response, due_ms, status, detail)
        for row in known:
            if row.response_id not in found:
                status, detail = outcomes.get(row.response_id, (Status.PENDING, ""))
                found[row.response_id] = GivenResponse(
                    row.response_id,
                    ResponseKind(row.kind),
                    row.actor,
                    None if row.verdict is None else Verdict(row.verdict),
                    row.assignee,
                    row.note,
                    row.at_ms,
                    0,
                    status,
                    detail,
                )
        return sorted(found.values(), key=lambda each: (each.at_ms, each.response_id), reverse=True)

    def answered_since(self, since_ms: int) -> list[str]:
        """The alerts that somebody here was given or answered since then."""
        query = (
            select(OUTGOING.c.alert_id)
            .where(OUTGOING.c.made_ms >= since_ms, OUTGOING.c.state != SendState.WITHDRAWN)
            .distinct()
        )
        with self._desk.reading() as connection:
            return list(connection.scalars(query))

    def prune(self, now_ms: int) -> int:
        """Delete what was sent or withdrawn long ago; returns how many."""
        old = (
            OUTGOING.c.state.in_([SendState.SENT, SendState.WITHDRAWN]),
            OUTGOING.c.made_ms < now_ms - _KEEP_MS,
        )
        with self._desk.writing() as connection:
            return connection.execute(delete(OUTGOING).where(*old)).rowcount


def _given(response: Response, due_ms: int, status: Status, detail: str) -> GivenResponse:
    assert isinstance(response.event_time, int)  # noqa: S101 - the desk writes epoch ms
    return GivenResponse(
        response.response_id,
        response.kind,
        response.actor,
        response.verdict,
        response.assignee,
        response.note,
        response.event_time,
        due_ms,
        status,
        detail,
    )
