"""The shards of one worker: they follow the assignment that Faust is given."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import structlog

from sentinel.configuration import Configuration
from sentinel.metrics import Metrics, StepFailure
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.settings import Settings
from sentinel.stream.broadcast import Broadcast
from sentinel.stream.masking import Masking
from sentinel.stream.recovery import recover
from sentinel.stream.registry import Registry
from sentinel.stream.shard import Shard, Waiting
from sentinel.stream.sink import Sink
from sentinel.stream.topics import Topics

_log = structlog.get_logger(__name__)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Shards:
    """Starts a shard for each assigned partition and stops it when it is revoked."""

    def __init__(
        self,
        settings: Settings,
        configuration: Configuration,
        masking: Masking,
        registry: Registry | None,
        metrics: Metrics,
    ) -> None:
        self._settings, self._configuration, self._metrics = settings, configuration, metrics
        self._masking, self._registry = masking, registry
        self._topics = Topics(settings.topic_prefix)
        self._broadcasts = [
            Broadcast(settings, control, topic)
            for control, topic in self._topics.broadcasts.items()
        ]
        self._running: dict[int, tuple[Shard, asyncio.Task[None]]] = {}
        self._arrived = asyncio.Condition()
        self._generation = 0

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

    async def revoke(self) -> None:
        """Own nothing any more: end every step under way, start no other."""
        running, self._running = self._running, {}
        for shard, _ in running.values():
            shard.stop()
        await asyncio.gather(*(task for _, task in running.values()), return_exceptions=True)

    def start(self) -> None:
        """Begin to follow the broadcast topics; before the first assignment."""
        for broadcast in self._broadcasts:
            broadcast.start()

    def stop(self) -> None:
        """Stop following the broadcast topics; after the last revocation."""
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

    def note_lag(self, highwater: Callable[[Any], int], assigned: Iterable[Any]) -> None:
        """Tell the metrics how far each assigned partition is behind its end."""
        streams = {topic: stream for stream, topic in self._topics.inputs.items()}
        for tp in assigned:
            if tp.topic in streams and tp.partition in self._running:
                applied = self._running[tp.partition][0].applied.get(tp.topic)
                end = highwater(tp)
                if applied is not None and end:
                    # Behind a rollup stands the end of its transaction, which nobody applies.
                    marker = streams[tp.topic] is Control.ROLLUP
                    self._metrics.lag(streams[tp.topic], tp.partition, end - applied - 1 - marker)

    def _start(self, number: int) -> None:
        rebuild = partial(
            recover,
            self._settings,
            self._configuration,
            number,
            _now_ms(),
            self._registry,
            self._metrics,
        )
        sink = Sink(self._settings, number, self._masking, self._registry)
        shard = Shard(
            number, rebuild, sink, self._broadcasts, self._registry, self._metrics, _now_ms
        )
        task = asyncio.create_task(shard.run(), name=f"shard-{number}")
        task.add_done_callback(self._ended)
        self._running[number] = (shard, task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._metrics.failed(StepFailure.FATAL)
            self._die(f"{task.get_name()}: {task.exception()}")

    def _die(self, reason: str) -> None:
        """End the process: a supervisor's fresh start is the one state that is surely sound."""
        _log.error("worker ends", reason=reason)
        sys.stderr.flush()
        os._exit(1)
