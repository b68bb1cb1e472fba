"""One shard: an inbox, a loop of steps with one Kafka transaction each, and snapshots.

Group commit: records that arrive during a step become the next step.  Low load gives small steps
and low latency, high load large steps and full throughput.
"""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from sentinel.engine import Configuration
from sentinel.kafka.broadcast import Broadcast
from sentinel.kafka.producer import TransactionAbortedError
from sentinel.kafka.records import Fetched
from sentinel.kafka.registry import Registry
from sentinel.metrics import Metrics, StepFailure
from sentinel.model.alert import Change
from sentinel.model.entity import CUSTOMER
from sentinel.shard.inbox import ALIGNED, Due, Inbox, PendingBatch, Source
from sentinel.shard.recovery import ShardState, snapshot_of
from sentinel.shard.sink import Sink
from sentinel.shard.snapshot import Snapshot
from sentinel.shard.stepper import CommittedStep, IsEmpty, Stepper

_log = structlog.get_logger(__name__)
_IDLE_S = 0.2  # how late a deadline may be noticed when nothing else happens
_SHOW_MS = 1_000
_ALIGN_S = 0.01  # how soon to look again for an input that others wait for
_BY_EVENT = frozenset({Change.OPENED, Change.ROSE, Change.FELL, Change.GREW})


class SnapshotStore(Protocol):
    """Where snapshots of a shard are kept."""

    def start(self) -> None:
        """Fence every earlier owner."""

    def write(self, snapshot: Snapshot) -> int:
        """Keep it whole, or not at all; its bytes."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a shard reads beside its inbox."""

    recover: Callable[[], ShardState]
    configuration: Callable[[], Configuration]
    broadcasts: Sequence[Broadcast]
    registry: Registry | None
    clock_ms: Callable[[], int]
    has_ended: Callable[[Source], bool]
    """Whether everything that an input holds has been handed to the shard."""
    is_empty: IsEmpty


@dataclass(frozen=True, slots=True)
class Snapshots:
    """When a shard writes a snapshot: after ``interval_ms`` or ``steps``, whichever is first.

    ``turn`` is locked while one is written: it needs the memory of a whole shard.
    """

    writer: SnapshotStore
    interval_ms: int
    steps: int
    turn: asyncio.Semaphore


class Shard:
    """Owns partition ``number`` of every input."""

    def __init__(
        self, number: int, inputs: Inputs, sink: Sink, snapshots: Snapshots, metrics: Metrics
    ) -> None:
        self.number = number
        self.ready = False
        self.steps = 0
        """Steps since the shard started: the watchdog's measure of progress."""
        self._inputs, self._sink, self._metrics = inputs, sink, metrics
        self._snapshots = snapshots
        self._inbox, self._arrived = Inbox(), asyncio.Event()
        self._arrivals: deque[Fetched] = deque()
        """Chunks in the inbox that were not passed to the stepper yet."""
        self._applied_ends: dict[str, int] = {}
        self._arrived_ends: dict[str, int] = {}
        self._stopping, self._saves_at_end = False, False
        self._stepper: Stepper | None = None
        self._saving: asyncio.Task[None] | None = None
        self._saved_ms, self._saved_step = 0, 0
        self._shown_ms, self._shown_step = 0, -1

    @property
    def has_records(self) -> bool:
        """Whether the inbox has records."""
        return len(self._inbox) > 0

    @property
    def stream_ms(self) -> int:
        """Stream time (ms UTC); far back before the first step."""
        return self._inbox.stream_ms

    def drain_given_up(self) -> Counter[Source]:
        """How often, since the last call, others went on without an input that did not arrive."""
        given_up, self._inbox.given_up = self._inbox.given_up, Counter()
        return given_up

    @property
    def applied(self) -> dict[str, int]:
        """The last applied offset by topic."""
        return self._stepper.state.applied if self._stepper else {}

    def received(self, topic: str) -> int:
        """The offset up to which a topic's records have come in; 0 before recovery is done."""
        return self._stepper.received(topic) if self._stepper else 0

    def applied_end(self, topic: str) -> int:
        """The offset up to which a topic has been applied, and what holds no records passed."""
        return max(self._applied_ends.get(topic, 0), self.applied.get(topic, -1) + 1)

    def arrived(self, topic: str) -> int:
        """The offset up to which a topic's records have arrived; 0 before the first."""
        return self._arrived_ends.get(topic, 0)

    def wants(self, source: Source) -> bool:
        """Whether more of an input should be fetched: not before recovery, nor beyond the bound."""
        return self.ready and self._inbox.wants(source)

    def offer(self, pending: PendingBatch) -> None:
        """Put a chunk into the inbox."""
        if self._stopping:
            return
        self._inbox.put(pending, self._inputs.clock_ms())
        self._arrivals.append(pending.records)
        self._arrived_ends[pending.records.topic] = pending.records.end
        self._arrived.set()

    def stop(self, *, save: bool) -> None:
        """End the loop after the step under way; what waits is dropped, not acked.

        With ``save`` a last snapshot is written, so that the next start has nothing to replay.
        """
        self._stopping, self._saves_at_end = True, save
        self._inbox.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Recover, then process steps until stopped.

        Raises ProducerFatalError, RecoveryError and GapError.
        """
        await asyncio.to_thread(self._sink.start)
        await asyncio.to_thread(self._snapshots.writer.start)
        stepper = await self._recovered()
        carried: Due | None = None
        while not self._stopping:
            due = carried or await self._wait(stepper)
            if not due and self._is_idle(stepper, due):
                self._show_if_due(stepper)
                await self._save_if_due(stepper)
                continue
            try:
                done = await asyncio.to_thread(self._process, stepper, due)
            except TransactionAbortedError as error:
                _log.warning("step aborted", shard=self.number, reason=str(error))
                self._metrics.failed(StepFailure.ABORTED)
                await self._saved()
                stepper, carried = await self._recovered(), due
                continue
            carried = None
            self._applied_ends = dict(stepper.fetched)
            if done is not None:
                self._account(done)
            for ack in due.acks:
                ack()
            self._show_if_due(stepper)
            await self._save_if_due(stepper)
        await self._saved()
        if self._saves_at_end and stepper.state.next_number > self._saved_step:
            await self._save(stepper)
            await self._saved()

    def _process(self, stepper: Stepper, due: Due) -> CommittedStep | None:
        """Process and commit one step; runs in a thread so that heartbeats go on."""
        wall_ms = max(due.stream_ms, self._inputs.clock_ms())
        return stepper.process(due, wall_ms, self._inputs.configuration())

    def _is_idle(self, stepper: Stepper, due: Due) -> bool:
        wall_ms = max(due.stream_ms, self._inputs.clock_ms())
        return stepper.is_idle(due.stream_ms, wall_ms, self._inputs.configuration())

    async def _recovered(self) -> Stepper:
        self.ready = False
        self._metrics.recovering(self.number, under_way=True)
        state = await asyncio.to_thread(self._inputs.recover)
        self._metrics.recovering(self.number, under_way=False)
        _log.info("shard ready", shard=self.number, next_step=state.next_number)
        inputs = self._inputs
        self._stepper = Stepper(
            state, self._sink, inputs.broadcasts, inputs.registry, self._stepper, inputs.is_empty
        )
        self._saved_ms, self._saved_step = inputs.clock_ms(), state.next_number
        reached_ms = {source: state.engine.appended(source) for source in ALIGNED}
        self._inbox.start(reached_ms, state.engine.stream_ms)
        self.ready = True
        return self._stepper

    async def _wait(self, stepper: Stepper) -> Due:
        """What makes the next step; empty when it is time to look at the clocks."""
        until = time.monotonic() + _IDLE_S
        while True:
            while self._arrivals:
                await _admit(stepper, self._arrivals.popleft())
            wall_ms, engine = self._inputs.clock_ms(), stepper.state.engine
            left_s = until - time.monotonic()
            wait_s = min(left_s, self._inbox.gathers_ms(wall_ms) / 1000)
            if wait_s <= 0 or self._stopping:
                bound_ms = engine.bound_ms(wall_ms) if engine.reads_ahead else None
                due = self._inbox.next_step(self._inputs.has_ended, wall_ms, bound_ms)
                if due or left_s <= 0 or self._stopping:
                    return due
                wait_s = min(left_s, _ALIGN_S) if self.has_records else left_s
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._arrived.wait()

    def _show_if_due(self, stepper: Stepper) -> None:
        """Show how things stand, at most once a second: it costs as much as a small step."""
        now_ms, number = self._inputs.clock_ms(), stepper.state.next_number
        if number != self._shown_step and abs(now_ms - self._shown_ms) >= _SHOW_MS:
            self._shown_ms, self._shown_step = now_ms, number
            self._metrics.show(self.number, stepper.state.engine.gauges())

    async def _save_if_due(self, stepper: Stepper) -> None:
        """Begin a snapshot when it is time; the steps go on while it is written."""
        steps = stepper.state.next_number - self._saved_step
        since_ms = self._inputs.clock_ms() - self._saved_ms
        due = steps >= self._snapshots.steps or (steps and since_ms >= self._snapshots.interval_ms)
        if self._saving is not None and self._saving.done():
            await self._saved()
        if due and self._saving is None and not self._snapshots.turn.locked():
            await self._save(stepper)

    async def _save(self, stepper: Stepper) -> None:
        await self._snapshots.turn.acquire()
        started = time.perf_counter()
        snapshot = await asyncio.to_thread(snapshot_of, stepper.state)
        self._metrics.copied(time.perf_counter() - started)
        self._saved_ms, self._saved_step = self._inputs.clock_ms(), snapshot.next_step
        self._saving = asyncio.create_task(self._write(snapshot), name=f"snapshot-{self.number}")

    async def _write(self, snapshot: Snapshot) -> None:
        try:
            size = await asyncio.to_thread(self._snapshots.writer.write, snapshot)
        except TransactionAbortedError as error:  # the one before it still serves
            _log.warning("snapshot aborted", shard=self.number, reason=str(error))
            self._metrics.failed(StepFailure.SNAPSHOT)
        else:
            self._metrics.saved(self.number, size, self._inputs.clock_ms())
        finally:
            self._snapshots.turn.release()

    async def _saved(self) -> None:
        """Wait for the snapshot under way; raises ProducerFatalError."""
        saving, self._saving = self._saving, None
        if saving is not None:
            await saving

    def _account(self, done: CommittedStep) -> None:
        self.steps += 1
        now_ms = self._inputs.clock_ms()
        self._metrics.observe_step(done.outcome, done.engine_s)
        self._metrics.observe_commit(done.commit_s)
        for alert in done.outcome.emitted.alerts:
            if alert.change in _BY_EVENT:
                seconds = (now_ms - alert.trigger.recorded_ms) / 1000
                shared = alert.entity.kind != CUSTOMER
                self._metrics.observe_latency(alert.tier, seconds, alert.alert_id, shared=shared)


async def _admit(stepper: Stepper, arrived: Fetched) -> None:
    """Pass a chunk to the stepper, which asks the broker about missing offsets."""
    if stepper.follows(arrived):
        stepper.admit(arrived)
    else:
        await asyncio.to_thread(stepper.admit, arrived)
