"""One shard: a bounded inbox, one loop, one Kafka transaction a step.

Group commit: what arrives while a step is under way becomes the next step.  Little load
makes small steps and low latency, heavy load big steps and full speed.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from sentinel.metrics import Metrics, StepFailure
from sentinel.model.alert import Change
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.step import Chunk, Outcome, Step
from sentinel.stream.broadcast import Broadcast
from sentinel.stream.failpoint import Failpoint, reach
from sentinel.stream.journal import StepRecord
from sentinel.stream.records import Fetched
from sentinel.stream.recovery import Recovered, RecoveryError
from sentinel.stream.registry import Registry
from sentinel.stream.sink import Sink, SinkAbortedError

_log = structlog.get_logger(__name__)
INBOX_CHUNKS = 8
STEP_RECORDS = 50_000
_IDLE_S = 0.2  # how late a deadline may be noticed when nothing else happens
_CATCH_UP_S = 30.0
_BY_EVENT = frozenset({Change.OPENED, Change.ROSE, Change.FELL, Change.GREW})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A chunk in the inbox, and how to tell Faust that it is done."""

    stream: Stream | Control
    records: Fetched
    ack: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class _Done:
    outcome: Outcome
    record: StepRecord
    engine_s: float
    commit_s: float


class Shard:
    """Owns partition ``number`` of every input."""

    def __init__(
        self,
        number: int,
        recover: Callable[[], Recovered],
        sink: Sink,
        broadcasts: Sequence[Broadcast],
        registry: Registry | None,
        metrics: Metrics,
        clock_ms: Callable[[], int],
    ) -> None:
        self.number = number
        self.applied: dict[str, int] = {}
        self.ready = False
        self._recover, self._sink, self._metrics = recover, sink, metrics
        self._broadcasts, self._registry = broadcasts, registry
        self._clock_ms = clock_ms
        self._inbox: asyncio.Queue[Waiting] = asyncio.Queue(INBOX_CHUNKS)
        self._stopping = False

    async def offer(self, waiting: Waiting) -> None:
        """Put a chunk into the inbox; waits while it is full."""
        await self._inbox.put(waiting)

    def stop(self) -> None:
        """End the loop after the step under way; what waits is dropped, not acked."""
        self._stopping = True
        while not self._inbox.empty():  # lets go of agents that wait for room
            self._inbox.get_nowait()

    async def run(self) -> None:
        """Recover, then take steps until stopped; raises SinkFatalError, RecoveryError.

        A step is taken when something waits, when a broadcast has come, or a deadline is due.
        """
        await asyncio.to_thread(self._sink.start)
        for broadcast in self._broadcasts:
            if not await asyncio.to_thread(broadcast.wait_caught_up, _CATCH_UP_S):
                raise RecoveryError(f"{broadcast.topic}: no answer for {_CATCH_UP_S:.0f} s")
        state = await self._recovered()
        carried: list[Waiting] = []
        while not self._stopping:
            waiting = carried or await self._wait()
            chunks, now_ms = self._chunks(waiting, state), self._clock_ms()
            if chunks or state.engine.next_due_ms() <= now_ms:
                step = Step(now_ms, chunks)
                try:
                    done = await asyncio.to_thread(self._take, state, step)
                except SinkAbortedError as error:
                    _log.warning("step aborted", shard=self.number, reason=str(error))
                    self._metrics.failed(StepFailure.ABORTED)
                    state, carried = await self._recovered(), waiting
                    continue
                self._account(state, done)
            carried = []
            for each in waiting:
                each.ack()

    async def _recovered(self) -> Recovered:
        self.ready = False
        self._metrics.recovering(self.number, under_way=True)
        state = await asyncio.to_thread(self._recover)
        self._metrics.recovering(self.number, under_way=False)
        _log.info("shard ready", shard=self.number, next_step=state.next_number)
        self.applied, self.ready = state.applied, True
        return state

    async def _wait(self) -> list[Waiting]:
        """All that waits; nothing when it is time to look at the clock."""
        try:
            waiting = [await asyncio.wait_for(self._inbox.get(), _IDLE_S)]
        except TimeoutError:
            return []
        size = len(waiting[0].records)
        while not self._inbox.empty() and size < STEP_RECORDS:
            waiting.append(self._inbox.get_nowait())
            size += len(waiting[-1].records)
        return waiting

    def _chunks(self, waiting: list[Waiting], state: Recovered) -> list[Chunk]:
        """The records not yet applied: a group's position may lie behind the journal's."""
        chunks: list[Chunk] = []
        seen = dict(state.applied)
        for each in waiting:
            chunk = each.records.after(each.stream, seen.get(each.records.topic, -1))
            if chunk is not None:
                seen[chunk.topic] = chunk.offsets[-1]
                chunks.append(chunk)
        for broadcast in self._broadcasts:
            said = broadcast.after(seen.get(broadcast.topic, -1))
            if said is not None:
                chunks.append(said)
        return chunks

    def _take(self, state: Recovered, step: Step) -> _Done:
        """Process and commit one step; runs in a thread so that heartbeats go on."""
        reach(Failpoint.AFTER_READ)
        started = time.perf_counter()
        readable = step
        if self._registry is not None:
            readable = Step(step.now_ms, [self._registry.to_json(each) for each in step.chunks])
        outcome = state.engine.process(readable)
        processed = time.perf_counter()
        reach(Failpoint.AFTER_PROCESS)
        ranges: dict[str, tuple[int, int]] = {}
        for chunk in step.chunks:
            first = ranges.get(chunk.topic, (chunk.offsets[0], 0))[0]
            ranges[chunk.topic] = (first, chunk.offsets[-1])
        version = state.engine.configuration.version
        seen = {
            topic: ranges.get(topic, (-1, state.applied.get(topic, -1)))[1]
            for topic in (broadcast.topic for broadcast in self._broadcasts)
        }
        record = StepRecord(state.next_number, step.now_ms, ranges, version, seen)
        self._sink.write(outcome, record)
        reach(Failpoint.AFTER_COMMIT)
        return _Done(outcome, record, processed - started, time.perf_counter() - processed)

    def _account(self, state: Recovered, done: _Done) -> None:
        state.next_number += 1
        for topic, (_, last) in done.record.ranges.items():
            state.applied[topic] = last
        now_ms = self._clock_ms()
        self._metrics.observe_step(self.number, done.outcome, done.engine_s)
        self._metrics.observe_commit(done.commit_s)
        for alert in done.outcome.alerts:
            if alert.change in _BY_EVENT:
                seconds = (now_ms - alert.trigger.recorded_ms) / 1000
                self._metrics.observe_latency(alert.tier, seconds, alert.alert_id)
