"""What a step brings in: records decoded, repeats dropped, events of all streams in one order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sentinel.engine.stages import Stages
from sentinel.ingest import (
    ControlRecords,
    Decoded,
    Limits,
    Watermarks,
    decode,
    decode_responses,
    decode_silences,
    merge,
)
from sentinel.model.columns import Batch
from sentinel.model.counts import Counts
from sentinel.model.events import Stream
from sentinel.model.people import People
from sentinel.model.response import Control, Response, ResponseResult, Silence
from sentinel.model.step import Chunk, DeadLetter, Step


@dataclass(frozen=True, slots=True)
class Inputs:
    """The events, responses and silences of a step, and what could not be read."""

    batch: Batch
    responses: ControlRecords[Response]
    silences: ControlRecords[Silence]
    unread: list[DeadLetter]

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """Everything that was refused by now."""
        return self.unread + self.responses.dead_letters + self.silences.dead_letters


class Intake:
    """Reads steps; how far it has come is the stages' position."""

    def __init__(self, stages: Stages, limits: Limits, people: People) -> None:
        self._stages, self._limits, self._people = stages, limits, people

    def read(self, step: Step, counts: Counts) -> Inputs:
        """Everything in a step's chunks, counted."""
        position = self._stages.position
        watermarks, until_ms = position.watermarks, _until_ms(step, step.stream_ms)
        decoded = {
            stream: position.ahead.drain(stream, chunks, watermarks.appended(stream), until_ms)
            or self._decode(stream, chunks, watermarks.appended(stream), until_ms)
            for stream in Stream
            if (chunks := chunks_of(step, stream))
        }
        responses = decode_responses(
            chunks_of(step, Control.RESPONSE), self._limits, self._people, watermarks, until_ms
        )
        silences = decode_silences(chunks_of(step, Control.SILENCE), self._limits, self._people)
        for each in responses.refused:
            counts.responses[each.kind, ResponseResult.REFUSED] += 1
        for stream, part in decoded.items():
            counts.missing += Counter({(stream, name): n for name, n in part.missing.items()})
            decoded[stream] = position.without_repeats(stream, part, self._limits.hasher, counts)
        unread = [letter for part in decoded.values() for letter in part.dead_letters]
        batch = merge(decoded, watermarks, self._limits.lateness_ms)
        return Inputs(batch, responses, silences, unread)

    def read_ahead(self, step: Step) -> Batch:
        """The events of a step's records ahead."""
        decoded = dict[Stream, Decoded]()
        position = self._stages.position
        until_ms = _until_ms(step, step.ahead_ms or step.stream_ms)
        for stream in Stream:
            chunks = [chunk for chunk in step.ahead if chunk.stream is stream]
            if not chunks:
                continue
            previous_ms = max(
                position.ahead.reached_ms(stream), position.watermarks.appended(stream)
            )
            part = self._decode(stream, chunks, previous_ms, until_ms, with_offsets=True)
            ids = position.event_ids[stream]
            decoded[stream] = position.ahead.note(
                stream, chunks, part, ids, previous_ms, until_ms, self._limits.hasher
            )
        return merge(decoded, Watermarks(), self._limits.lateness_ms)

    def _decode(
        self,
        stream: Stream,
        chunks: Sequence[Chunk],
        previous_ms: int,
        until_ms: int | None,
        *,
        with_offsets: bool = False,
    ) -> Decoded:
        """The events of a stream's chunks, appended after ``previous_ms``, by ``until_ms``."""
        stages = self._stages
        return decode(
            stream,
            chunks,
            self._limits,
            stages.field_demand[stream],
            stages.collector.raw_fields[stream],
            previous_ms,
            until_ms,
            with_offsets=with_offsets or stages.position.ahead.covers(stream, chunks),
        )


def chunks_of(step: Step, stream: Stream | Control) -> list[Chunk]:
    """A stream's chunks in the order given."""
    return [chunk for chunk in step.chunks if chunk.stream is stream]


def _until_ms(step: Step, reached_ms: int) -> int | None:
    """A time by which a step's records were appended; None in a simulation."""
    return None if step.wall_ms is None else min(step.wall_ms, reached_ms)
