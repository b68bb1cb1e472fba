"""The steps of one shard, one after another: due records are processed, the output committed.

It has no thread, client or clock, so the same code runs in a worker and in the simulation of
faults.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from sentinel.engine import Configuration, Emitted, Outcome
from sentinel.kafka.records import Fetched
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step
from sentinel.shard.failpoint import Failpoint, reach
from sentinel.shard.inbox import Due, Source
from sentinel.shard.journal import StepRecord, record_of
from sentinel.shard.recovery import ShardState

Arrived = tuple[Source, Fetched]


class GapError(Exception):
    """Records between the last applied and the next that came were never handed over."""


IsEmpty = Callable[[str, int, int, int], bool]
"""Whether a topic's partition has no records from an offset to before another."""


class StepSink(Protocol):
    """Where a step is committed."""

    def write(self, emitted: Emitted, record: StepRecord) -> int:
        """Commit a step, all or nothing; the journal's offset of it."""


class Broadcasting(Protocol):
    """A broadcast topic that the engine reads."""

    @property
    def topic(self) -> str:
        """Its name."""

    def after(self, applied: int) -> Chunk | None:
        """What is beyond an offset."""


class Readable(Protocol):
    """How records of other formats become JSON."""

    def to_json(self, chunk: Chunk) -> Chunk:
        """The chunk with JSON values."""


@dataclass(frozen=True, slots=True)
class CommittedStep:
    """A committed step and its durations in seconds."""

    outcome: Outcome
    record: StepRecord
    engine_s: float
    commit_s: float


class Stepper:
    """Processes the steps of a shard from ``state`` on; discard it after any exception."""

    def __init__(
        self,
        state: ShardState,
        sink: StepSink,
        broadcasts: Sequence[Broadcasting],
        readable: Readable | None,
        before: "Stepper | None" = None,
        is_empty: IsEmpty = lambda *_: False,
    ) -> None:
        """``before`` is the stepper whose chunks this one continues.

        ``is_empty`` is called for offsets that did not arrive: ends of transactions and aborted
        records are offsets without a record.
        """
        self.state = state
        self._sink, self._broadcasts, self._readable = sink, broadcasts, readable
        self._is_empty = is_empty
        self.fetched: dict[str, int] = dict(before.fetched) if before else {}
        """Up to where each topic has been handed over in steps."""
        self.arrived: dict[str, int] = dict(before.arrived) if before else {}
        """Up to where each topic has arrived without a gap."""

    def follows(self, fetched: Fetched) -> bool:
        """Whether a chunk that arrives stands right behind what has arrived before it."""
        return fetched.start <= self._expected(fetched.topic)

    def admit(self, fetched: Fetched) -> None:
        """Note that a chunk has arrived.

        Raises GapError if records before it have not arrived: the inbox would never wait for
        them.
        """
        expected = self._expected(fetched.topic)
        partition = fetched.topic, fetched.partition
        if fetched.start > expected and not self._is_empty(*partition, expected, fetched.start):
            raise GapError(
                f"{fetched.topic}-{fetched.partition}: read up to {expected - 1}, then came "
                f"what was fetched from {fetched.start} on"
            )
        self.arrived[fetched.topic] = max(fetched.end, expected)

    def _expected(self, topic: str) -> int:
        return max(self.arrived.get(topic, 0), self.received(topic))

    def process(self, due: Due, wall_ms: int, configuration: Configuration) -> CommittedStep | None:
        """Process one step of what is due; None if there was nothing to do.

        It is processed when there are new records, a deadline is due, or another configuration
        is in force.  Raises what the sink raises.
        """
        engine, stream_ms = self.state.engine, due.stream_ms
        chunks, ahead = self._chunks(due.chunks), self._ahead(due)
        changed = configuration.version != engine.configuration.version
        if not (chunks or ahead or changed or engine.is_due(stream_ms, wall_ms)):
            return None
        reach(Failpoint.AFTER_READ)
        started = time.perf_counter()
        if changed:
            engine.reconfigure(configuration)
        if self._readable is not None:
            chunks = [self._readable.to_json(each) for each in chunks]
            ahead = [self._readable.to_json(each) for each in ahead]
        step = Step(stream_ms, chunks, wall_ms, ahead, due.ahead_ms)
        outcome = engine.process(step)
        record = record_of(self.state.next_number, step, outcome, engine)
        record = msgspec.structs.replace(record, seen=self._seen(record))
        processed = time.perf_counter()
        reach(Failpoint.AFTER_PROCESS)
        self.state.advance(record, self._sink.write(outcome.emitted, record))
        reach(Failpoint.AFTER_COMMIT)
        return CommittedStep(outcome, record, processed - started, time.perf_counter() - processed)

    def is_idle(self, stream_ms: int, wall_ms: int, configuration: Configuration) -> bool:
        """Whether a step without records of the inbox would have nothing to do."""
        engine, applied = self.state.engine, self.state.applied
        return (
            configuration.version == engine.configuration.version
            and not engine.is_due(stream_ms, wall_ms)
            and all(each.after(applied.get(each.topic, -1)) is None for each in self._broadcasts)
        )

    def received(self, topic: str) -> int:
        """The offset up to which a topic's records have come in."""
        return max(self.fetched.get(topic, 0), self.state.applied.get(topic, -1) + 1)

    def _chunks(self, arrived: Sequence[Arrived]) -> list[Chunk]:
        """The records not yet applied: a group's position may lie behind the journal's."""
        chunks: list[Chunk] = []
        applied = dict(self.state.applied)
        for stream, fetched in arrived:
            at = applied.get(fetched.topic, -1)
            self.fetched[fetched.topic] = max(fetched.end, self.received(fetched.topic))
            chunk = fetched.after(stream, at)
            if chunk is not None:
                applied[chunk.topic] = chunk.offsets[-1]
                chunks.append(chunk)
        for broadcast in self._broadcasts:
            news = broadcast.after(applied.get(broadcast.topic, -1))
            if news is not None:
                chunks.append(news)
        return chunks

    def _ahead(self, due: Due) -> list[Chunk]:
        """The records to read ahead, without those that were."""
        chunks: list[Chunk] = []
        for stream, fetched in due.ahead:
            if not isinstance(stream, Stream):
                continue
            at = max(
                self.state.engine.collected(stream),
                self.state.applied.get(fetched.topic, -1),
                chunks[-1].offsets[-1] if chunks and chunks[-1].stream is stream else -1,
            )
            chunk = fetched.after(stream, at)
            if chunk is not None:
                chunks.append(chunk)
        return chunks

    def _seen(self, record: StepRecord) -> dict[str, int]:
        """How far each broadcast topic has been read by the end of the step."""
        seen: dict[str, int] = {}
        for broadcast in self._broadcasts:
            last = self.state.applied.get(broadcast.topic, -1)
            seen[broadcast.topic] = record.ranges.get(broadcast.topic, (0, last))[1]
        return seen
