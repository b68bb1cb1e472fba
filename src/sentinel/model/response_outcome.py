"""What became of a response, for whoever sent it."""

from msgspec import Struct

from sentinel.model.response import Response, ResponseKind, ResponseResult
from sentinel.model.step import Chunk, DeadLetterReason


class ResponseOutcome(Struct, frozen=True, kw_only=True):
    """What became of one record of the responses topic.

    ``partition`` and ``offset`` are the record's, so a response that is sent twice has two
    outcomes.  ``outcome_id`` is ``<response_id>.<partition>.<offset>``.  ``revision`` is the
    alert's newest revision after the response; None if no open alert has this id, or the response
    is about an event.  ``processed_at`` is the append time (ms UTC) at which the response stands
    among the events.  ``reason`` and ``detail`` are the dead letter's; None unless refused.
    """

    outcome_id: str
    response_id: str
    partition: int
    offset: int
    key: str
    kind: ResponseKind
    actor: str
    alert_id: str | None
    event_id: str | None
    result: ResponseResult
    revision: int | None
    reason: DeadLetterReason | None
    detail: str | None
    processed_at: int

    @property
    def position(self) -> tuple[int, int]:
        """The order of outcomes: partition and offset of the response's record."""
        return self.partition, self.offset


def response_outcome(
    response: Response,
    record: tuple[Chunk, int],
    processed_at: int,
    result: ResponseResult,
    *,
    revision: int | None = None,
    reason: DeadLetterReason | None = None,
    detail: str | None = None,
) -> ResponseOutcome:
    """The outcome of the response in a record, which is a chunk and a row of it."""
    chunk, row = record
    partition, offset = chunk.partition, chunk.offsets[row]
    return ResponseOutcome(
        outcome_id=f"{response.response_id}.{partition}.{offset}",
        response_id=response.response_id,
        partition=partition,
        offset=offset,
        key=response.key,
        kind=response.kind,
        actor=response.actor,
        alert_id=response.alert_id,
        event_id=response.event_id,
        result=result,
        revision=revision,
        reason=reason,
        detail=detail,
        processed_at=processed_at,
    )
