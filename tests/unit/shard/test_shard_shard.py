"""The shard loop: group commit, acks after the commit, skipping, recovery after an abort."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from sentinel.engine import Emitted, Outcome
from sentinel.ingest import NEVER
from sentinel.kafka.producer import TransactionAbortedError
from sentinel.kafka.records import Fetched
from sentinel.metrics import Metrics
from sentinel.model.events import Stream
from sentinel.model.step import Step
from sentinel.shard.inbox import PendingBatch
from sentinel.shard.journal import StepRecord, decode, encode
from sentinel.shard.recovery import ShardState
from sentinel.shard.shard import Inputs, Shard, Snapshots
from sentinel.shard.snapshot import Snapshot
from sentinel.shard.stepper import GapError, IsEmpty

TOPIC = "t.logins"
CONFIGURATION: Any = SimpleNamespace(version="v")


@dataclass
class FakeEngine:
    """Notes the offsets of each step."""

    steps: list[list[int]] = field(default_factory=list)
    due_ms: int = 6
    configuration: Any = field(default_factory=lambda: CONFIGURATION)

    def process(self, step: Step) -> Outcome:
        """Take a step."""
        self.steps.append([offset for chunk in step.chunks for offset in chunk.offsets])
        return Outcome()

    def is_due(self, stream_ms: int, wall_ms: int) -> bool:
        """Whether the deadline fires."""
        return self.due_ms <= stream_ms <= wall_ms

    reads_ahead = False
    stream_ms = NEVER

    def appended(self, source: object) -> int:
        """Nothing was processed before."""
        return NEVER

    def spot_digest(self) -> str:
        """What the state looks like."""
        return "d"

    def snapshot(self) -> dict[str, bytes]:
        """All state."""
        return {"steps": bytes(len(self.steps))}


class NoSilences:
    """A broadcast topic on which nothing has been said."""

    topic = "t.silences"

    def after(self, applied: int) -> None:
        """Nothing."""


@dataclass
class FakeSink:
    """Keeps journal records; gives up as often as told."""

    aborts: int = 0
    records: list[StepRecord] = field(default_factory=list)
    started: int = 0

    def start(self) -> None:
        """Fence."""
        self.started += 1

    def write(self, _: Emitted, record: StepRecord) -> int:
        """Commit, or abort."""
        if self.aborts:
            self.aborts -= 1
            raise TransactionAbortedError("told to")
        self.records.append(record)
        return 2 * len(self.records)


@dataclass
class FakeWriter:
    """Keeps snapshots."""

    kept: list[Snapshot] = field(default_factory=list)

    def start(self) -> None:
        """Fence."""

    def write(self, snapshot: Snapshot) -> int:
        """Keep it."""
        self.kept.append(snapshot)
        return 1


def _records(first: int, last: int) -> Fetched:
    count = last - first + 1
    offsets = list(range(first, last + 1))
    times = [1] * count
    return Fetched(TOPIC, 0, first, last + 1, offsets, times, [None] * count, [b""] * count)


def _shard(
    sink: FakeSink,
    recover: Callable[[], ShardState],
    writer: FakeWriter,
    steps: int = 99,
    is_empty: IsEmpty = lambda *_: False,
) -> Shard:
    silences, clock_ms = [NoSilences()], lambda: 5
    inputs = Inputs(
        recover,
        lambda: CONFIGURATION,
        silences,  # type: ignore[arg-type]
        None,
        clock_ms,
        lambda _: True,
        is_empty,
    )
    snapshots = Snapshots(writer, 1_000, steps, asyncio.Semaphore(1))
    return Shard(0, inputs, sink, snapshots, Metrics(CollectorRegistry()))  # type: ignore[arg-type]


def _plain(records: list[StepRecord]) -> list[StepRecord]:
    """Without the hashes."""
    return [
        msgspec.structs.replace(record, output_digest="", state_digest=None) for record in records
    ]


async def _run(
    sink: FakeSink, chunks: list[tuple[int, int]], recover: Callable[[], ShardState], acks: int
) -> list[tuple[int, int, int]]:
    """Offer chunks at once and run until ``acks`` came; (first, last, commits before) each."""
    shard = _shard(sink, recover, FakeWriter())
    acked: list[tuple[int, int, int]] = []
    done = asyncio.Event()

    def ack(chunk: tuple[int, int]) -> Callable[[], None]:
        def note() -> None:
            acked.append((*chunk, len(sink.records)))
            if len(acked) == acks:
                done.set()

        return note

    for chunk in chunks:
        shard.offer(PendingBatch(Stream.LOGIN, _records(*chunk), ack(chunk)))
    task = asyncio.create_task(shard.run())
    await asyncio.wait_for(done.wait(), 10)
    shard.stop(save=False)
    await asyncio.wait_for(task, 10)
    return acked


def test_what_waits_becomes_one_step_and_is_acked_after_its_commit() -> None:
    """Two chunks, one step, one transaction; both acks come after it."""
    engine, sink = FakeEngine(), FakeSink()
    state = ShardState(engine)  # type: ignore[arg-type]
    acked = asyncio.run(_run(sink, [(0, 4), (5, 9)], lambda: state, acks=2))
    assert engine.steps == [list(range(10))]
    assert _plain(sink.records) == [
        StepRecord(0, 5, 5, {TOPIC: (0, 9)}, "v", seen={"t.silences": -1})
    ]
    assert acked == [(0, 4, 1), (5, 9, 1)]
    assert sink.started == 1


def test_applied_offsets_are_skipped_but_acked() -> None:
    """The group's position may lie behind the journal's: nothing is done twice."""
    engine, sink = FakeEngine(), FakeSink()
    state = ShardState(engine, {TOPIC: 6}, next_number=3)  # type: ignore[arg-type]
    acked = asyncio.run(_run(sink, [(0, 4), (5, 9)], lambda: state, acks=2))
    assert engine.steps == [[7, 8, 9]]
    assert _plain(sink.records) == [
        StepRecord(3, 5, 5, {TOPIC: (7, 9)}, "v", seen={"t.silences": -1})
    ]
    assert len(acked) == 2


def test_a_deadline_is_a_step_of_its_own() -> None:
    """Without any record, when one is due: journalled, so that a replay takes it too."""

    async def play() -> None:
        engine, sink = FakeEngine(due_ms=5), FakeSink()
        state = ShardState(engine)  # type: ignore[arg-type]
        shard = _shard(sink, lambda: state, FakeWriter())
        task = asyncio.create_task(shard.run())
        async with asyncio.timeout(10):
            while not sink.records:
                await asyncio.to_thread(lambda: None)
        engine.due_ms = 6
        shard.stop(save=False)
        await asyncio.wait_for(task, 10)
        assert _plain(sink.records)[0] == StepRecord(0, 5, 5, {}, "v", seen={"t.silences": -1})
        assert engine.steps[0] == []

    asyncio.run(play())


def test_an_aborted_step_is_done_again_on_recovered_state() -> None:
    """The dirty engine is dropped; the same chunks go through a recovered one."""
    engines: list[FakeEngine] = []
    sink = FakeSink(aborts=1)

    def recover() -> ShardState:
        engines.append(FakeEngine())
        return ShardState(engines[-1])  # type: ignore[arg-type]

    acked = asyncio.run(_run(sink, [(0, 4)], recover, acks=1))
    assert [engine.steps for engine in engines] == [[list(range(5))]] * 2
    assert acked == [(0, 4, 1)]


@pytest.mark.parametrize("save", [True, False])
def test_snapshots_come_after_so_many_steps_and_at_the_end(*, save: bool) -> None:
    """One after every second step, of a state that is committed; a last one where it is wanted."""

    async def play() -> list[Snapshot]:
        sink, writer = FakeSink(), FakeWriter()
        shard = _shard(sink, lambda: ShardState(FakeEngine()), writer, steps=2)  # type: ignore[arg-type]
        task = asyncio.create_task(shard.run())
        for number in range(5):
            acked = asyncio.Event()
            shard.offer(PendingBatch(Stream.LOGIN, _records(number, number), acked.set))
            await acked.wait()
        shard.stop(save=save)
        await task
        return writer.kept

    kept = asyncio.run(play())
    assert [each.next_step for each in kept] == [2, 4, 5][: 3 if save else 2]
    assert [each.journalled for each in kept] == [4, 8, 10][: 3 if save else 2]
    assert [each.applied for each in kept][:2] == [
        {TOPIC: 1, "t.silences": -1},
        {TOPIC: 3, "t.silences": -1},
    ]


def test_a_gap_ends_the_shard() -> None:
    """Chunks that were never handed over are not passed over."""

    async def play() -> None:
        shard = _shard(FakeSink(), lambda: ShardState(FakeEngine()), FakeWriter())  # type: ignore[arg-type]
        shard.offer(PendingBatch(Stream.LOGIN, _records(0, 4), lambda: None))
        shard.offer(PendingBatch(Stream.LOGIN, _records(7, 9), lambda: None))
        with pytest.raises(GapError, match="read up to 4, then came what was fetched from 7"):
            await shard.run()

    asyncio.run(play())


def test_offsets_without_records_are_no_gap() -> None:
    """The end of a transaction was passed by another who fetched: nothing is lacking."""
    asked: list[tuple[str, int, int, int]] = []

    def is_empty(*partition: int | str) -> bool:
        asked.append(partition)  # type: ignore[arg-type]
        return True

    async def play() -> list[StepRecord]:
        sink = FakeSink()
        shard = _shard(sink, lambda: ShardState(FakeEngine()), FakeWriter(), is_empty=is_empty)  # type: ignore[arg-type]
        shard.offer(PendingBatch(Stream.LOGIN, _records(0, 4), lambda: None))
        task = asyncio.create_task(shard.run())
        async with asyncio.timeout(10):
            while not sink.records:
                await asyncio.to_thread(lambda: None)
            shard.offer(PendingBatch(Stream.LOGIN, _records(6, 9), lambda: None))
            while len(sink.records) < 2:
                await asyncio.to_thread(lambda: None)
        shard.stop(save=False)
        await task
        return sink.records

    assert [each.ranges[TOPIC] for each in asyncio.run(play())] == [(0, 4), (6, 9)]
    assert asked == [(TOPIC, 0, 5, 6)]


def test_the_journal_record_survives_its_encoding() -> None:
    """What recovery reads is what the shard wrote."""
    record = StepRecord(7, 8, 9, {TOPIC: (1, 2)}, "v")
    assert decode(encode(record)) == record
