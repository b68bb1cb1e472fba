"""Shared entities in one process: rollups of a step are applied directly, without topics.

Live, rollups and entity risks travel by Kafka to the shard that owns the entity and back to
all.  Where one engine sees everything, it owns everything.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import msgspec

from sentinel.engine import Emitted, Engine, Gauges, Outcome
from sentinel.entities import PANE_MS, records
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.step import Chunk, DeadLetter, Step

Origins = dict[tuple[str, int], Chunk]
"""Chunks as they came, by topic and first offset under which the engine got them."""

_BEFORE_MS = 0  # stream time of a step that does not move the clock


class LoopBack:
    """An engine that owns all shared entities.

    As a shard that catches up does, it reads every step ahead: the step's rollups are applied
    first, so that customers' rules find what was risky when each record was appended.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._entity_risks: list[bytes] = []
        self._sent: Counter[Stream | Control] = Counter(
            {stream: engine.collected(stream) + 1 for stream in Stream}
        )

    def process(self, step: Step) -> Outcome:
        """Process the rollups of a step, then the step."""
        if not self.engine.has_shared_entities:
            return self.engine.process(step)
        chunks, origins = self._numbered(step.chunks)
        events = [chunk for chunk in chunks if isinstance(chunk.stream, Stream)]
        outcome = self.engine.process(Step(_BEFORE_MS, [], None, events, step.stream_ms))
        self._own(outcome, outcome)
        entity_risks, self._entity_risks = self._entity_risks, []
        chunks += [self._chunk(Control.ENTITY_RISK, entity_risks)] if entity_risks else []
        processed = self.engine.process(Step(step.stream_ms, chunks))
        _join(outcome, processed)
        if processed.emitted.rollups:  # of verdicts
            self._own(outcome, processed)
        outcome.emitted.dead_letters = [
            _put_back(each, origins) for each in outcome.emitted.dead_letters
        ]
        return outcome

    def gauges(self) -> Gauges:
        """How things stand now."""
        return self.engine.gauges()

    def _own(self, outcome: Outcome, ahead: Outcome) -> None:
        """Apply the rollups at their owners; the results are added to ``outcome``."""
        values = [
            value
            for _, value in records(
                ahead.emitted.rollups, 0, 1, ahead.emitted.progress, tells_all=True
            )
        ]
        applied = self.engine.process(Step(_BEFORE_MS, [self._chunk(Control.ROLLUP, values)]))
        self._entity_risks += [msgspec.json.encode(entry) for entry in applied.emitted.entity_risks]
        _join(outcome, applied)

    def _numbered(self, chunks: Sequence[Chunk]) -> tuple[list[Chunk], Origins]:
        """Chunks as if each stream were one topic, and the origin of each record."""
        numbered: list[Chunk] = []
        origins: Origins = {}
        for chunk in chunks:
            n, first = len(chunk.offsets), self._sent[chunk.stream]
            self._sent[chunk.stream] += n
            offsets = list(range(first, first + n))
            numbered.append(replace(chunk, topic=chunk.stream.value, partition=0, offsets=offsets))
            origins[chunk.stream.value, first] = chunk
        return numbered, origins

    def _chunk(self, control: Control, values: list[bytes]) -> Chunk:
        n, first = len(values), self._sent[control]
        self._sent[control] += n
        offsets = list(range(first, first + n))
        return Chunk(control, control.value, 0, offsets, [-1] * n, [None] * n, [*values])


def _put_back(letter: DeadLetter, origins: Origins) -> DeadLetter:
    """The dead letter with the position from which its record came."""
    first = max(at for topic, at in origins if topic == letter.topic and at <= letter.offset)
    chunk = origins[letter.topic, first]
    return replace(
        letter,
        topic=chunk.topic,
        partition=chunk.partition,
        offset=chunk.offsets[letter.offset - first],
    )


def by_pane(step: Step) -> Iterator[Step]:
    """The step cut where live ones would be at the latest, for records in order of their times."""
    moments = {moment for chunk in step.chunks for moment in chunk.recorded_ms}
    if not moments:
        yield step
    for pane in sorted({moment // PANE_MS for moment in moments}):
        chunks = [part for chunk in step.chunks if (part := _within(chunk, pane)).offsets]
        yield Step(max(each.recorded_ms[-1] for each in chunks), chunks)


def _within(chunk: Chunk, pane: int) -> Chunk:
    first = bisect_left(chunk.recorded_ms, pane * PANE_MS)
    end = bisect_left(chunk.recorded_ms, (pane + 1) * PANE_MS)
    return Chunk(
        chunk.stream,
        chunk.topic,
        chunk.partition,
        chunk.offsets[first:end],
        chunk.recorded_ms[first:end],
        chunk.keys[first:end],
        chunk.values[first:end],
    )


def _join(outcome: Outcome, answer: Outcome) -> None:
    """Add what the owner's step came to; rollups have been applied."""
    emitted, later = outcome.emitted, answer.emitted
    for each in fields(Emitted):
        value = getattr(later, each.name)
        if each.name != "rollups":
            known = getattr(emitted, each.name)
            setattr(emitted, each.name, known + value if isinstance(value, list) else value)
    outcome.counts.add(answer.counts)
