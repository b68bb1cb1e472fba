"""The shards of one worker: they follow the assignment that Faust is given."""

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol

import structlog
from confluent_kafka import KafkaException

from sentinel.kafka.broadcast import Broadcast
from sentinel.kafka.configurations import Configurations
from sentinel.kafka.ends import Ends
from sentinel.kafka.masking import Masking
from sentinel.kafka.partition import Partition
from sentinel.kafka.reader import NoAnswerError
from sentinel.kafka.registry import Registry
from sentinel.kafka.topics import Topics
from sentinel.metrics import Metrics, StepFailure
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.rollup import BEHIND_MS
from sentinel.model.share import Share
from sentinel.settings import Settings
from sentinel.shard.history import KafkaHistory
from sentinel.shard.inbox import PendingBatch, Source
from sentinel.shard.recovery import RecoveryError, ShardState, recover
from sentinel.shard.shard import Inputs, Shard, Snapshots
from sentinel.shard.sink import Sink
from sentinel.shard.snapshots import SnapshotWriter
from sentinel.shard.watchdog import Watchdog
from sentinel.supervised import end_process

_log = structlog.get_logger(__name__)
_CATCH_UP_S = 30.0
_REPORT_EVERY_S = 5.0
_SETTLE_S = 0.2


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Reader(Protocol):
    """How far the partitions that Faust was assigned have been fetched, as offsets."""

    def reached(self, topic: str, partition: int) -> int:
        """Up to where a partition has been fetched."""

    def handed_over(self, topic: str, partition: int) -> int:
        """Up to where a partition's records have left in chunks."""

    def stable_end(self, topic: str, partition: int) -> int | None:
        """Up to where there was something to read at the last fetch; None if that is not known."""

    def highwater(self, topic: str, partition: int) -> int:
        """The partition's end at the last fetch; 0 if that is not known."""


class Shards:
    """Starts a shard for each assigned partition, of ``count``, and stops it when it is revoked."""

    def __init__(
        self,
        settings: Settings,
        count: int,
        configurations: Configurations,
        masking: Masking,
        registry: Registry | None,
        metrics: Metrics,
    ) -> None:
        self._settings, self._configurations, self._metrics = settings, configurations, metrics
        self._count = count
        self._masking, self._registry = masking, registry
        self._topics = Topics(settings.topic_prefix)
        self._sources = {topic: source for source, topic in self._topics.inputs.items()}
        self._reader: Reader | None = None
        self._broadcasts = [
            Broadcast(settings, control, topic)
            for control, topic in self._topics.broadcasts.items()
        ]
        self._snapshot_turn = asyncio.Semaphore(1)
        self._running: dict[int, tuple[Shard, asyncio.Task[None]]] = {}
        self._arrived = asyncio.Condition()
        self._generation = 0
        self._progress: dict[int, float] = {}
        self._positions: dict[tuple[str, int], int] = {}
        self._handed_over: dict[tuple[str, int], int] = {}
        self._ends = Ends(settings)
        self._watchdog = Watchdog(self._done, self._has_work, self._stuck)

    def health(self) -> tuple[bool, str]:
        """Whether the worker is ready, and in words how far it is."""
        if self.ready:
            behind = {
                number: lag_ms
                for number, (shard, _) in sorted(self._running.items())
                if (lag_ms := _now_ms() - shard.stream_ms) > BEHIND_MS
            }
            lags = [f"shard {number} {lag_ms // 60_000} min" for number, lag_ms in behind.items()]
            return True, f"ready, catching up: {', '.join(lags)} behind" if lags else "ready"
        if not self._running:
            return False, "no shards assigned yet"
        late = [number for number, (shard, _) in self._running.items() if not shard.ready]
        return False, "recovering: " + ", ".join(
            f"shard {number} {self._progress.get(number, 0):.0%}" for number in sorted(late)
        )

    @property
    def ready(self) -> bool:
        """Whether this worker has shards and all of them have recovered."""
        return bool(self._running) and all(shard.ready for shard, _ in self._running.values())

    def wants(self, topic: str, partition: int) -> bool:
        """Whether more of a partition should be fetched: its shard has recovered and has room."""
        source = self._sources.get(topic)
        if source is None or partition not in self._running:
            return False
        return self._running[partition][0].wants(source)

    async def assign(self, assigned: Iterable[Any], generation: int, reader: Reader) -> None:
        """Own exactly these topic-partitions, in this generation of the group.

        ``reader`` has how far they have been fetched.
        """
        self._generation, self._reader = generation, reader
        by_partition: dict[int, set[str]] = {}
        inputs = set(self._topics.inputs.values())
        for tp in assigned:
            if tp.topic in inputs:
                by_partition.setdefault(tp.partition, set()).add(tp.topic)
        for number, topics in by_partition.items():
            if topics != inputs:
                end_process(f"shard {number} was assigned {sorted(topics)} only")
        for number in sorted(by_partition.keys() - self._running.keys()):
            self._start(number)
        async with self._arrived:
            self._arrived.notify_all()

    async def revoke(self, *, save: bool = False) -> None:
        """Own nothing any more: end every step under way, start no other.

        With ``save`` each shard leaves a snapshot.
        """
        running, self._running = self._running, {}
        for shard, _ in running.values():
            shard.stop(save=save)
        await asyncio.gather(*(task for _, task in running.values()), return_exceptions=True)
        for number in running:
            self._metrics.released(number)

    def start(self) -> None:
        """Begin to follow the broadcast topics and to watch; before the first assignment."""
        self._watchdog.start()
        for broadcast in self._broadcasts:
            broadcast.start()

    def stop(self) -> None:
        """Stop watching and following; after the last revocation."""
        self._watchdog.stop()
        for broadcast in self._broadcasts:
            broadcast.stop()

    async def offer(self, stream: Stream | Control, event: Any) -> None:
        """Pass a chunk to its shard; waits until the shard exists and has room."""
        number = event.message.partition
        async with self._arrived:
            await self._arrived.wait_for(lambda: number in self._running)
        if event.message.generation_id != self._generation:
            # Fetched for an earlier assignment, before chunks that were dropped with it. Faust
            # seeks back to what was acked and brings it again, in order; accepting it now would
            # leave a gap.
            return
        shard, _ = self._running[number]
        shard.offer(PendingBatch(stream, event.value, event.ack))

    def note_lag(self) -> None:
        """Update the metrics of how far each shard is behind its inputs and behind now."""
        reader, now_ms = self._reader, _now_ms()
        if reader is None:
            return
        for number, (shard, _) in dict(self._running).items():
            if shard.stream_ms > 0:
                self._metrics.behind(number, max(0, now_ms - shard.stream_ms), BEHIND_MS)
            for source, count in shard.drain_given_up().items():
                self._metrics.gave_up(source, count)
            for source, topic in self._topics.inputs.items():
                self._positions[topic, number] = reader.reached(topic, number)
                self._handed_over[topic, number] = reader.handed_over(topic, number)
                applied, end = shard.applied.get(topic), reader.highwater(topic, number)
                if applied is not None and end:
                    # Behind the last record may stand the end of its transaction: always behind
                    # rollups, and behind events that put dead letters right.
                    is_read = self._positions[topic, number] >= end
                    is_applied = shard.applied_end(topic) >= self._handed_over[topic, number]
                    left = end - applied - 1 - (source is Control.ROLLUP)
                    self._metrics.lag(source, number, 0 if is_read and is_applied else left)

    def _has_ended(self, number: int, source: Source) -> bool:
        """Whether all that an input of a shard holds has arrived in its inbox."""
        topic, reader = self._topics.inputs[source], self._reader
        if reader is None or number not in self._running:
            return False
        end = reader.stable_end(topic, number)
        return (
            end is not None
            and reader.reached(topic, number) >= end
            and self._running[number][0].arrived(topic) >= reader.handed_over(topic, number)
        )

    def _done(self) -> object:
        """A value that changes as long as the shards make progress."""
        running = dict(self._running)
        return [(number, shard.steps) for number, (shard, _) in running.items()], dict(
            self._progress
        )

    def _has_work(self) -> bool:
        """Whether a shard recovers, has chunks in its inbox, or has not received all records.

        Records are missing if they were not fetched, or were fetched and lost before the inbox.
        """
        running = dict(self._running)
        if any(not shard.ready or shard.has_records for shard, _ in running.values()):
            return True
        handed_over = dict(self._handed_over)
        if any(
            handed_over.get((topic, number), 0) > shard.received(topic)
            for number, (shard, _) in running.items()
            for topic in self._topics.inputs.values()
        ):
            return True
        inputs = [(topic, number) for topic in self._topics.inputs.values() for number in running]
        ends = self._ends.stable(inputs)
        return any(end > self._positions.get(partition, 0) for partition, end in ends.items())

    def _stuck(self) -> None:
        end_process("no progress, though there is input")

    def _start(self, number: int) -> None:
        settings = self._settings
        inputs = Inputs(
            partial(self._recover, number),
            self._configurations.current,
            self._broadcasts,
            self._registry,
            _now_ms,
            partial(self._has_ended, number),
            partial(_is_empty, self._settings),
        )
        snapshots = Snapshots(
            SnapshotWriter(settings, number),
            settings.snapshot_interval_ms,
            settings.snapshot_steps,
            self._snapshot_turn,
        )
        sink = Sink(settings, number, self._masking, self._registry)
        shard = Shard(number, inputs, sink, snapshots, self._metrics)
        task = asyncio.create_task(shard.run(), name=f"shard-{number}")
        task.add_done_callback(self._ended)
        self._running[number] = (shard, task)

    def _recover(self, number: int) -> ShardState:
        """The state of a shard from what Kafka keeps; raises RecoveryError."""
        for broadcast in self._broadcasts:
            if not broadcast.wait_caught_up(_CATCH_UP_S):
                raise RecoveryError(f"a broadcast topic gave no answer for {_CATCH_UP_S:.0f} s")
        reported = time.monotonic()

        def progress(done: int, of: int) -> None:
            nonlocal reported
            self._metrics.replayed(number, done, of)
            self._progress[number] = done / of
            if time.monotonic() - reported > _REPORT_EVERY_S:
                reported = time.monotonic()
                _log.info("recovering", shard=number, journal=f"{done / of:.0%}")

        own = self._configurations.current()
        self._wait_settled(number)
        try:
            with KafkaHistory(
                self._settings, number, self._configurations, self._registry
            ) as history:
                return recover(history, own, progress, Share(number, self._count))
        except KafkaException as error:
            raise RecoveryError(error.args[0].str()) from None
        except NoAnswerError as error:
            raise RecoveryError(str(error)) from None
        finally:
            self._progress.pop(number, None)

    def _wait_settled(self, number: int) -> None:
        """The shard's last transaction, ended by fencing, must have ended in its journal, too.

        A broker that dies during a commit may lose the marker of a partition (docs/reliability.md).
        The step behind it would be processed again, and the next marker would make both visible.
        """
        journal = (self._topics.journal, number)
        until = time.monotonic() + _CATCH_UP_S
        while not self._ends.settled(journal):
            if time.monotonic() > until:
                raise RecoveryError(
                    f"{journal[0]}-{number}: Kafka has neither committed nor aborted its last "
                    "transaction, or does not answer; see docs/operations.md#open-transaction"
                )
            time.sleep(_SETTLE_S)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._metrics.failed(StepFailure.FATAL)
            end_process(f"{task.get_name()}: {task.exception()}")


def _is_empty(settings: Settings, topic: str, number: int, first: int, end: int) -> bool:
    """Whether a partition has no records that count from an offset to before another."""
    try:
        with Partition(settings, topic, number) as partition:
            return next(partition.read(first, end), None) is None
    except (KafkaException, NoAnswerError):
        return False
