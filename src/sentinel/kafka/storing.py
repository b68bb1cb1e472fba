"""A service that stores what it reads before it is acknowledged, with tasks beside."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import structlog

from sentinel.database import Read, Retry, UnstorableError
from sentinel.kafka.continuity import Continuity, LeftOutError
from sentinel.kafka.records import Fetched
from sentinel.kafka.unread import Spans, Unread
from sentinel.model.reading import UNREADABLE
from sentinel.supervised import Supervised, end_process

_log = structlog.get_logger(__name__)
_LOOK_EVERY_S = 15.0
_STUCK_S = 120.0

Earliest = Callable[[], Awaitable[int]]
"""Asks for a partition's first offset that Kafka still has."""


class NotStored(StrEnum):
    """Why a record is not stored."""

    UNREADABLE = "unreadable"  # not a record of this topic's contract
    UNSTORABLE = "unstorable"  # the database refuses it, or nothing can be made of it
    GONE = "gone"  # Kafka deleted it before it was read


class ServiceMetrics(Protocol):
    """What is counted of such a service."""

    def not_stored(self, reason: NotStored, records: int = 1) -> None:
        """Count records that are not stored."""

    def task_failed(self, task: Any) -> None:
        """Count a failure of a task, which goes on."""

    def unread(self, seconds: float) -> None:
        """Set since when records are in Kafka that are not stored."""


class Later(Protocol):
    """What stores the records of topics of its own some time after they were read."""

    @property
    def topics(self) -> frozenset[str]:
        """The topics that it reads."""

    async def accept(self, fetched: Fetched, earliest: Earliest, ack: Callable[[], object]) -> None:
        """Buffer what a fetch brought; calls ``ack`` once that is durable."""

    async def revoke(self) -> None:
        """Store what is buffered: the group revokes the partitions."""


R = TypeVar("R")
M = TypeVar("M", bound=ServiceMetrics)
Task = TypeVar("Task", bound=StrEnum)


class StoringService(ABC, Generic[R, M]):
    """One process of a service whose consumer group is called after its ``name``.

    ``database`` is what messages call its database, and ``position`` asks that for the first
    offset of a partition that is not stored.  ``read`` has for each topic what makes a record of a
    value, or raises one of UNREADABLE.  ``now_ms`` is the clock.  ``accepting`` and ``looking``
    are the metrics' names of the two tasks that every service has: to store records, and to ask
    Kafka whether all are stored; ``tasks`` are those of its own.
    """

    name: str
    later: Later | None = None
    """What reads besides, and stores later; of topics that both read it gets what is stored."""
    with_headers: frozenset[str] = frozenset()
    """The topics whose records come with their headers."""

    def __init__(
        self,
        database: str,
        position: Callable[[str], int | None],
        read: Mapping[str, Callable[[bytes], R]],
        metrics: M,
        now_ms: Callable[[], int],
        *,
        accepting: Task,
        looking: Task,
        tasks: Mapping[Task, Callable[[], Awaitable[float]]],
    ) -> None:
        self._database, self._read, self._metrics, self._now_ms = database, read, metrics, now_ms
        self._retry = Retry(database, partial(metrics.task_failed, accepting))
        self._continuity = Continuity(
            lambda partition: self._retry.until_done(lambda: position(partition))
        )
        self._supervised = [
            Supervised(task, once, partial(metrics.task_failed, task))
            for task, once in {looking: self._look, **tasks}.items()
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._accepting_since_ms: dict[str, int] = {}
        self._is_assigned = False

    @abstractmethod
    async def store(self, read: Read[R]) -> None:
        """Store records that are not stored yet, however long it takes; raises UnstorableError."""

    def record(self, fetched: Fetched, row: int) -> R:
        """The record in a row of a fetch; raises one of UNREADABLE."""
        return self._read[fetched.topic](fetched.values[row] or b"")

    @property
    def topics(self) -> frozenset[str]:
        """The topics whose records it stores before they are acknowledged."""
        return frozenset(self._read)

    def health(self) -> tuple[bool, str]:
        """Whether records are stored, with a description."""
        if self._retry.blocked:
            return False, f"{self._database} cannot be written: {self._retry.blocked}"
        if not self._is_assigned or not self._tasks:
            return False, "waiting for partitions"
        return True, "ready"

    def is_alive(self) -> tuple[bool, str]:
        """Whether every task makes progress, with a description."""
        stuck = [each.name for each in self._supervised if each.is_stuck(self.longest_s(each.name))]
        return (False, f"stuck: {', '.join(stuck)}") if stuck else (True, "ok")

    def longest_s(self, task: str) -> float:  # noqa: ARG002 - of some services tasks differ
        """After how long without progress a task is stuck."""
        return _STUCK_S

    def assign(self) -> None:
        """Note that the group has assigned partitions: each may continue at another offset."""
        self._continuity.assign()
        self._is_assigned = True

    def start(self, spans: Callable[[], Awaitable[Spans]]) -> None:
        """Start the tasks; ``spans`` returns how far the assigned partitions are read."""
        self._unread = Unread(spans)
        for each in self._supervised:
            task = asyncio.create_task(each.run(), name=each.name)
            task.add_done_callback(_ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        """Stop the tasks."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def accept(self, fetched: Fetched, earliest: Earliest) -> None:
        """Store all records of a fetch; when this returns they are, however long that takes."""
        partition = f"{fetched.topic}-{fetched.partition}"
        self._accepting_since_ms[partition] = self._now_ms()
        try:
            await self._accept(partition, fetched, earliest)
        finally:  # also where it is cancelled: the partition may have been revoked
            self._accepting_since_ms.pop(partition, None)

    async def _accept(self, partition: str, fetched: Fetched, earliest: Earliest) -> None:
        try:
            lost = await self._continuity.lost_before(partition, fetched.start, earliest)
        except LeftOutError as error:
            end_process(f"left out: {error}")
        if lost:
            self._metrics.not_stored(NotStored.GONE, lost)
        try:
            records = self._readable(fetched, partition)
        except Exception as error:  # noqa: BLE001 - such as the schema registry's: nothing is skipped
            end_process(f"cannot read {partition}: {type(error).__name__}")
        read = Read(partition, fetched.start, fetched.end, records)
        try:
            await self.store(read)
        except UnstorableError:
            await self._store_each(read.each())
        self._continuity.reach(partition, fetched.end)

    def _readable(self, fetched: Fetched, partition: str) -> list[tuple[int, R]]:
        records = []
        for row, offset in enumerate(fetched.offsets):
            try:
                records.append((offset, self.record(fetched, row)))
            except UNREADABLE:
                self._metrics.not_stored(NotStored.UNREADABLE)
                _log.error("unreadable record", partition=partition, offset=offset)
        return records

    async def _store_each(self, reads: Iterable[Read[R]]) -> None:
        """Store record by record: one that cannot be stored stops no other."""
        for each in reads:
            try:
                await self.store(each)
            except UnstorableError as error:
                self._metrics.not_stored(NotStored.UNSTORABLE)
                _log.error(
                    "not stored", partition=each.partition, offset=each.end - 1, reason=str(error)
                )
                await self.store(Read(each.partition, each.start, each.end, []))

    async def _look(self) -> float:
        """Update since when records are not stored; raises where Kafka does not answer."""
        unread_s = await self._unread.look(self._now_ms())
        now_ms = self._now_ms()
        accepting_ms = now_ms - min(self._accepting_since_ms.values(), default=now_ms)
        self._metrics.unread(max(unread_s, accepting_ms / 1000))
        return _LOOK_EVERY_S


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        end_process(f"{task.get_name()} has ended: {task.exception()!r}")
