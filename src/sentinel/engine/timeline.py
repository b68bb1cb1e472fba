"""What happens in a step, in one order: answers, complaints, signals, and what is due."""

import heapq
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import NamedTuple

from sentinel.complaints import Notice
from sentinel.engine.stages import Stages
from sentinel.entities import TICK_MS
from sentinel.ingest import NEVER, ControlRecords, positions
from sentinel.model.alert_update import AlertResolution, AlertUpdate
from sentinel.model.columns import Batch
from sentinel.model.counts import Counts
from sentinel.model.entity import EntityKind
from sentinel.model.events import Complaint, Event, EventKey, Stream
from sentinel.model.response import Response, ResponseKind, ResponseResult, Silence
from sentinel.model.response_outcome import ResponseOutcome, response_outcome
from sentinel.model.rollup import EntityRisk
from sentinel.model.signal import Signal
from sentinel.model.step import Chunk

_ENTITY_MOMENT = attrgetter("event_time", "entity_kind", "entity_id")
_POSITION = attrgetter("position")


class _Received(NamedTuple):
    """A response, its append time (ms UTC), and the chunk and row of its record."""

    response: Response
    appended_ms: int
    record: tuple[Chunk, int]


class Timeline:
    """One step's happenings, each at its append time, with the deadlines between them.

    Rules and entities behind an alert hear of an answer where it stands among the events.
    ``wall_ms`` is the step's wall-clock time, None in a simulation.
    """

    def __init__(self, stages: Stages, counts: Counts, wall_ms: int | None) -> None:
        self._stages, self._counts, self._wall_ms = stages, counts, wall_ms

    def silence(self, silences: ControlRecords[Silence]) -> None:
        """Apply silences at wall-clock time; what alerting refuses becomes a dead letter."""
        self.advance(NEVER)
        for index, silence in enumerate(silences.messages):
            refusal = self._stages.alerting.silence(silence, silences.signers[index])
            if refusal is not None:
                silences.refuse(index, refusal)

    def process(
        self, batch: Batch, signals: Sequence[Signal], responses: ControlRecords[Response]
    ) -> list[ResponseOutcome]:
        """Process responses, complaints and signals in one order, each at its append time.

        Returns the outcomes of all responses, refused ones included, in the order of their records.
        """
        outcomes = list(responses.refused)
        for index, happened in _merged(batch, signals, responses):
            if isinstance(happened, _Received):
                self.advance(happened.appended_ms)
                outcomes.append(self._respond(happened, index))
                continue
            self.advance(int(batch.order[index]))
            if isinstance(happened, Complaint):
                self._complain(happened, batch, index)
            elif isinstance(happened, list):
                self._stages.verdicts.note(happened)
                self._stages.alerting.process(happened)
        if len(batch):
            self.advance(int(batch.order[-1]))
        outcomes.sort(key=_POSITION)
        return outcomes

    def process_shared(self, signals: Sequence[Signal]) -> list[EntityRisk]:
        """Process the signals of shared entities; returns those that are risky now."""
        stages, entity_risks = self._stages, []
        for (at_ms, kind, entity_id), each in groupby(signals, key=_ENTITY_MOMENT):
            mine = list(each)
            stages.alerting.advance(NEVER, self._wall_ms, at_ms)
            stages.verdicts.note(mine)
            stages.alerting.process(mine)
            risk = max(
                (stages.entity_rules.entity_risk.get(one.rule_id, 0) for one in mine), default=0
            )
            if risk:
                appended_ms = max(one.recorded_ms for one in mine)
                from_ms = (appended_ms // TICK_MS + 2) * TICK_MS
                entry = EntityRisk(kind=EntityKind(kind), id=entity_id, risk=risk, at=from_ms)
                if stages.entity_risk_sender.note(entry):
                    entity_risks.append(entry)
        return entity_risks

    def advance(self, stream_ms: int, shared_ms: int = NEVER) -> None:
        """Do what is due by stream time, of complaints and alerts in one order.

        ``shared_ms`` is stream time of the shared entities: all shards have passed it.
        """
        complaints, alerting = self._stages.complaints, self._stages.alerting
        while (due_ms := complaints.next_due_ms()) <= stream_ms:
            alerting.advance(due_ms, self._wall_ms, NEVER)
            self._apply(complaints.advance(due_ms))
        alerting.advance(stream_ms, self._wall_ms, shared_ms)

    def _respond(self, received: _Received, index: int) -> ResponseOutcome:
        """Apply a response to an alert or an event."""
        response, appended_ms, record = received
        at_ms = int(response.event_time)  # type: ignore[arg-type]  # ms since decoded
        if response.kind is ResponseKind.LABEL:
            known = self._judge(response.events, response, at_ms, index)
            result = ResponseResult.APPLIED if known else ResponseResult.NOT_HELD
            self._counts.responses[response.kind, result] += 1
            return response_outcome(response, record, appended_ms, result)
        result, revision, events = self._stages.alerting.respond(response, at_ms)
        if response.kind is ResponseKind.DISPOSITION:
            self._judge(events, response, at_ms, index)
        return response_outcome(response, record, appended_ms, result, revision=revision)

    def _judge(self, events: Sequence[EventKey], response: Response, at_ms: int, index: int) -> int:
        """Apply the response's verdict to events; returns how many are known."""
        stages, verdict = self._stages, response.verdict
        assert verdict is not None  # noqa: S101 - checked when it was decoded
        fired = stages.verdicts.judge(events, verdict)
        transactions = [event_id for stream, event_id in events if stream is Stream.TRANSACTION]
        return max(fired, stages.label_buffer.judge(transactions, verdict, at_ms, index))

    def _complain(self, event: Complaint, batch: Batch, index: int) -> None:
        recorded_ms = batch.rows[Stream.COMPLAINT].recorded_ms[batch.row[index]]
        self._apply(
            self._stages.complaints.process(
                event.complaint_id,
                event.customer_id,
                event.status,
                event.channel,
                event.product,
                event.category,
                event.branch_id,
                event.event_id,
                int(batch.event_time[index]),
                int(recorded_ms),
                event.extended_to,
                event.approved_by,
            )
        )

    def _apply(self, notices: Sequence[Notice]) -> None:
        """Turn notices of complaints into alert updates and resolutions."""
        for notice in notices:
            self._counts.notices[notice.kind] += 1
            request = self._stages.alarms.apply(notice)
            if isinstance(request, AlertUpdate):
                self._stages.alerting.update(request)
            elif isinstance(request, AlertResolution):
                self._stages.alerting.resolve(request)


_Happening = _Received | Event | list[Signal]
"""A response, a complaint, or the signals of one event."""


def _merged(
    batch: Batch, signals: Sequence[Signal], responses: ControlRecords[Response]
) -> Iterator[tuple[int, _Happening]]:
    """Responses, complaints and signals with their index in the batch, ascending."""
    by_index = zip(
        positions(responses.appended_ms, batch),
        map(_Received, responses.messages, responses.appended_ms, responses.records),
        strict=True,
    )
    rows = batch.rows.get(Stream.COMPLAINT)
    steps = ((index, rows.events[row]) for row, index in enumerate(rows.index)) if rows else ()
    by_event = groupby(signals, key=lambda signal: signal.index)
    return heapq.merge(
        by_index, steps, ((index, list(each)) for index, each in by_event), key=itemgetter(0)
    )
