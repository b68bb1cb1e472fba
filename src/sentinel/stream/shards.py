"""The shards of one worker: they follow the assignment that Faust is given."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import structlog
from confluent_kafka import KafkaException

from sentinel.metrics import Metrics, StepFailure
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.settings import Settings
from sentinel.stream.broadcast import Broadcast
from sentinel.stream.configurations import Configurations
from sentinel.stream.ends import Ends
from sentinel.stream.history import KafkaHistory
from sentinel.stream.masking import Masking
from sentinel.stream.partition import NoAnswerError
from sentinel.stream.recovery import RecoveryError, ShardState, recover
from sentinel.stream.registry import Registry
from sentinel.stream.shard import Inputs, Shard, Snapshots, Waiting
from sentinel.stream.sink import Sink
from sentinel.stream.snapshots import SnapshotWriter
from sentinel.stream.topics import Topics
from sentinel.stream.watchdog import Watchdog

_log = structlog.get_logger(__name__)
_CATCH_UP_S = 30.0
_REPORT_EVERY_S = 5.0
_SETTLE_S = 0.2


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Shards:
    """Starts a shard for each assigned partition and stops it when it is revoked."""

    def __init__(
        self,
        settings: Settings,
        configurations: Configurations,
        masking: Masking,
        registry: Registry | None,
        metrics: Metrics,
    ) -> None:
        self._settings, self._configurations, self._metrics = settings, configurations, metrics
        self._masking, self._registry = masking, registry
        self._topics = Topics(settings.topic_prefix)
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
            return True, "ready"
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

    def takes(self, partition: int) -> bool:
        """Whether the partition's shard has recovered, so that its input may be fetched."""
        return partition in self._running and self._running[partition][0].ready

    async def assign(self, assigned: Iterable[Any], generation: int) -> None:
        """Own exactly these topic-partitions, in this generation of the group."""
        self._generation = generation
        by_partition: dict[int, set[str]] = {}
        inputs = set(self._topics.inputs.values())
        for tp in assigned:
            if tp.topic in inputs:
                by_partition.setdefault(tp.partition, set()).add(tp.topic)
        for number, topics in by_partition.items():
            if topics != inputs:
                self._die(f"shard {number} was assigned {sorted(topics)} only")
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
        """Hand a chunk to its shard; waits while that is busy or not there yet."""
        number = event.message.partition
        async with self._arrived:
            await self._arrived.wait_for(lambda: number in self._running)
        if event.message.generation_id != self._generation:
            # Fetched for an earlier assignment, before chunks that were dropped with it. Faust
            # seeks back to what was acked and brings it again, in order; taking it now would
            # leave a gap.
            return
        shard, _ = self._running[number]
        await shard.offer(Waiting(stream, event.value, event.ack))

    def note_lag(
        self,
        highwater: Callable[[Any], int],
        position: Callable[[Any], int],
        handed_over: Callable[[Any], int],
        assigned: Iterable[Any],
    ) -> None:
        """Tell the metrics how far each assigned partition is behind its end."""
        streams = {topic: stream for stream, topic in self._topics.inputs.items()}
        for tp in assigned:
            if tp.topic in streams and tp.partition in self._running:
                self._positions[tp.topic, tp.partition] = position(tp)
                self._handed_over[tp.topic, tp.partition] = handed_over(tp)
                applied = self._running[tp.partition][0].applied.get(tp.topic)
                end = highwater(tp)
                if applied is not None and end:
                    # Behind a rollup stands the end of its transaction, which nobody applies.
                    marker = streams[tp.topic] is Control.ROLLUP
                    self._metrics.lag(streams[tp.topic], tp.partition, end - applied - 1 - marker)

    def _done(self) -> object:
        """What changes as long as the shards get on."""
        running = dict(self._running)
        return [(number, shard.steps) for number, (shard, _) in running.items()], dict(
            self._progress
        )

    def _has_work(self) -> bool:
        """Whether a shard recovers, has chunks that wait, or lacks some of what there is.

        It lacks what was not fetched, and what was fetched and got lost on its way to it.
        """
        running = dict(self._running)
        if any(not shard.ready or shard.waiting for shard, _ in running.values()):
            return True
        handed_over = dict(self._handed_over)
        if any(
            handed_over.get((topic, number), 0) > shard.taken(topic)
            for number, (shard, _) in running.items()
            for topic in self._topics.inputs.values()
        ):
            return True
        inputs = [(topic, number) for topic in self._topics.inputs.values() for number in running]
        ends = self._ends.stable(inputs)
        return any(end > self._positions.get(place, 0) for place, end in ends.items())

    def _stuck(self) -> None:
        self._die("no progress, though there is input")

    def _start(self, number: int) -> None:
        settings = self._settings
        inputs = Inputs(
            partial(self._recover, number),
            self._configurations.current,
            self._broadcasts,
            self._registry,
            _now_ms,
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
                return recover(history, own, progress)
        except KafkaException as error:
            raise RecoveryError(error.args[0].str()) from None
        except NoAnswerError as error:
            raise RecoveryError(str(error)) from None
        finally:
            self._progress.pop(number, None)

    def _wait_settled(self, number: int) -> None:
        """The shard's last transaction, ended by fencing, must have ended in its journal, too.

        A broker that dies amid a commit may forget the marker of a partition (docs/reliability.md).
        The step behind it would be taken again, and the next marker would make both visible.
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
            self._die(f"{task.get_name()}: {task.exception()}")

    def _die(self, reason: str) -> None:
        """End the process: a supervisor's fresh start is the one state that is surely sound."""
        _log.error("worker ends", reason=reason)
        sys.stderr.flush()
        os._exit(1)
