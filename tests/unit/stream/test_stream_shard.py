"""The shard loop: group commit, acks after the commit, skipping, recovery after an abort."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry

from sentinel.metrics import Metrics
from sentinel.model.events import Stream
from sentinel.model.step import Outcome, Step
from sentinel.stream.journal import StepRecord, decode, encode
from sentinel.stream.records import Fetched
from sentinel.stream.recovery import Recovered
from sentinel.stream.shard import Shard, Waiting
from sentinel.stream.sink import SinkAbortedError

TOPIC = "t.logins"


@dataclass
class FakeEngine:
    """Notes the offsets of each step."""

    steps: list[list[int]] = field(default_factory=list)
    due_ms: int = 6
    configuration: Any = field(default_factory=lambda: SimpleNamespace(version="v"))

    def process(self, step: Step) -> Outcome:
        """Take a step."""
        self.steps.append([offset for chunk in step.chunks for offset in chunk.offsets])
        return Outcome()

    def next_due_ms(self) -> int:
        """When the next deadline fires."""
        return self.due_ms


class NoSilences:
    """A broadcast topic on which nothing has been said."""

    topic = "t.silences"

    def wait_caught_up(self, timeout_s: float) -> bool:
        """It always is."""
        return True

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

    def write(self, _: Outcome, record: StepRecord) -> None:
        """Commit, or abort."""
        if self.aborts:
            self.aborts -= 1
            raise SinkAbortedError("told to")
        self.records.append(record)


def _records(first: int, last: int) -> Fetched:
    count = last - first + 1
    return Fetched(
        TOPIC, 0, list(range(first, last + 1)), [1] * count, [None] * count, [b""] * count
    )


async def _run(
    sink: FakeSink, chunks: list[tuple[int, int]], recover: Callable[[], Recovered], acks: int
) -> list[tuple[int, int, int]]:
    """Offer chunks at once and run until ``acks`` came; (first, last, commits before) each."""
    metrics = Metrics(CollectorRegistry())
    shard = Shard(0, recover, sink, [NoSilences()], None, metrics, lambda: 5)  # type: ignore[arg-type, list-item]
    acked: list[tuple[int, int, int]] = []
    done = asyncio.Event()

    def ack(chunk: tuple[int, int]) -> Callable[[], None]:
        def note() -> None:
            acked.append((*chunk, len(sink.records)))
            if len(acked) == acks:
                done.set()

        return note

    for chunk in chunks:
        await shard.offer(Waiting(Stream.LOGIN, _records(*chunk), ack(chunk)))
    task = asyncio.create_task(shard.run())
    await asyncio.wait_for(done.wait(), 10)
    shard.stop()
    await asyncio.wait_for(task, 10)
    return acked


def test_what_waits_becomes_one_step_and_is_acked_after_its_commit() -> None:
    """Two chunks, one step, one transaction; both acks come after it."""
    engine, sink = FakeEngine(), FakeSink()
    state = Recovered(engine)  # type: ignore[arg-type]
    acked = asyncio.run(_run(sink, [(0, 4), (5, 9)], lambda: state, acks=2))
    assert engine.steps == [list(range(10))]
    assert sink.records == [StepRecord(0, 5, {TOPIC: (0, 9)}, "v", {"t.silences": -1})]
    assert acked == [(0, 4, 1), (5, 9, 1)]
    assert sink.started == 1


def test_applied_offsets_are_skipped_but_acked() -> None:
    """The group's position may lie behind the journal's: nothing is done twice."""
    engine, sink = FakeEngine(), FakeSink()
    state = Recovered(engine, {TOPIC: 6}, next_number=3)  # type: ignore[arg-type]
    acked = asyncio.run(_run(sink, [(0, 4), (5, 9)], lambda: state, acks=2))
    assert engine.steps == [[7, 8, 9]]
    assert sink.records == [StepRecord(3, 5, {TOPIC: (7, 9)}, "v", {"t.silences": -1})]
    assert len(acked) == 2


def test_a_deadline_is_a_step_of_its_own() -> None:
    """Without any record, when one is due: journalled, so that a replay takes it too."""

    async def play() -> None:
        engine, sink = FakeEngine(due_ms=5), FakeSink()
        state = Recovered(engine)  # type: ignore[arg-type]
        metrics = Metrics(CollectorRegistry())
        shard = Shard(0, lambda: state, sink, [NoSilences()], None, metrics, lambda: 5)  # type: ignore[arg-type, list-item]
        task = asyncio.create_task(shard.run())
        async with asyncio.timeout(10):
            while not sink.records:
                await asyncio.to_thread(lambda: None)
        engine.due_ms = 6
        shard.stop()
        await asyncio.wait_for(task, 10)
        assert sink.records[0] == StepRecord(0, 5, {}, "v", {"t.silences": -1})
        assert engine.steps[0] == []

    asyncio.run(play())


def test_an_aborted_step_is_done_again_on_recovered_state() -> None:
    """The dirty engine is dropped; the same chunks go through a recovered one."""
    engines: list[FakeEngine] = []
    sink = FakeSink(aborts=1)

    def recover() -> Recovered:
        engines.append(FakeEngine())
        return Recovered(engines[-1])  # type: ignore[arg-type]

    acked = asyncio.run(_run(sink, [(0, 4)], recover, acks=1))
    assert [engine.steps for engine in engines] == [[list(range(5))]] * 2
    assert acked == [(0, 4, 1)]


def test_the_journal_record_survives_its_encoding() -> None:
    """What recovery reads is what the shard wrote."""
    record = StepRecord(7, 8, {TOPIC: (1, 2)}, "v")
    assert decode(encode(record)) == record
