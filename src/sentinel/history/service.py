"""The history service: what its agent reads is stored before it is acknowledged."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import structlog

from sentinel.database import Retry, UnstorableError
from sentinel.history.archiving import Archiving, UnavailableError
from sentinel.history.exit import end_process
from sentinel.history.metrics import HistoryMetrics, HistoryTask, NotStored
from sentinel.history.records import Read, Record
from sentinel.history.store import Store
from sentinel.kafka.continuity import Continuity, LeftOutError
from sentinel.kafka.records import Fetched
from sentinel.kafka.unread import Spans, Unread
from sentinel.model.reading import UNREADABLE
from sentinel.supervised import Supervised

_log = structlog.get_logger(__name__)
_LOOK_EVERY_S = 15.0
_PRUNE_EVERY_S = 3600.0
_STUCK_S = 120.0
_LONG_STUCK_S = 4 * 3600.0  # a day of many events is merged in one go


class History:
    """One history process.

    ``read`` has for each topic what makes a record of a value, or raises one of UNREADABLE;
    ``keep_ms`` is how long what has ended is kept; ``now_ms`` is the clock; ``archiving`` reads the
    input topics.
    """

    def __init__(
        self,
        store: Store,
        read: Mapping[str, Callable[[bytes], Record]],
        metrics: HistoryMetrics,
        keep_ms: int,
        now_ms: Callable[[], int],
        archiving: Archiving | None = None,
    ) -> None:
        self.archiving = archiving
        self._store, self._read, self._metrics = store, read, metrics
        self._keep_ms, self._now_ms = keep_ms, now_ms
        self._retry = Retry("history", partial(metrics.task_failed, HistoryTask.ACCEPT))
        self._continuity = Continuity(
            lambda partition: self._retry.until_done(lambda: store.position(partition))
        )
        tasks = {HistoryTask.READ: self._look, HistoryTask.PRUNE: self._prune}
        if archiving is not None:
            tasks |= {HistoryTask.FLUSH: archiving.flush, HistoryTask.UPKEEP: archiving.tend}
        self._supervised = [
            Supervised(task, once, partial(metrics.task_failed, task))
            for task, once in tasks.items()
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._is_assigned = False

    @property
    def topics(self) -> frozenset[str]:
        """The topics that it reads."""
        return frozenset(self._read)

    def health(self) -> tuple[bool, str]:
        """Whether records are stored, with a description."""
        if self._retry.blocked:
            return False, f"history cannot be written: {self._retry.blocked}"
        if not self._is_assigned or not self._tasks:
            return False, "waiting for partitions"
        problem = self.archiving.health() if self.archiving is not None else ""
        return (False, problem) if problem else (True, "ready")

    def is_alive(self) -> tuple[bool, str]:
        """Whether every task makes progress, with a description."""
        stuck = [
            each.name
            for each in self._supervised
            if each.is_stuck(_LONG_STUCK_S if each.name == HistoryTask.UPKEEP else _STUCK_S)
        ]
        return (False, f"stuck: {', '.join(stuck)}") if stuck else (True, "ok")

    def assign(self) -> None:
        """Note that the group has assigned partitions."""
        self._continuity.assign()
        if self.archiving is not None:
            self.archiving.assign()
        self._is_assigned = True

    def start(self, spans: Callable[[], Awaitable[Spans]]) -> None:
        """Start the tasks; ``spans`` returns how far the assigned partitions are read."""
        self._unread = Unread(spans)
        if self.archiving is not None:
            self.archiving.start(spans)
        for each in self._supervised:
            task = asyncio.create_task(each.run(), name=each.name)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        """Stop the tasks, and write the events that are buffered."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.archiving is not None:
            with contextlib.suppress(UnavailableError):  # Kafka still has the records
                await self.archiving.flush()

    async def accept(self, fetched: Fetched, earliest: Callable[[], Awaitable[int]]) -> None:
        """Store all records of a fetch; when this returns they are, however long that takes.

        ``earliest`` asks for the partition's first offset that Kafka still has.
        """
        partition = f"{fetched.topic}-{fetched.partition}"
        try:
            lost = await self._continuity.lost_before(partition, fetched.start, earliest)
        except LeftOutError as error:
            end_process(f"left out: {error}")
        if lost:
            self._metrics.not_stored(NotStored.GONE, lost)
        records = self._readable(fetched, partition)
        try:
            await self._stored(Read(partition, fetched.start, fetched.end, records))
        except UnstorableError:
            await self._stored_each(partition, fetched.start, fetched.end, records)
        self._metrics.stored(fetched.topic, len(records))
        self._continuity.reach(partition, fetched.end)

    def _readable(self, fetched: Fetched, partition: str) -> list[tuple[int, Record]]:
        read, records = self._read[fetched.topic], []
        for offset, value in zip(fetched.offsets, fetched.values, strict=True):
            try:
                records.append((offset, read(value or b"")))
            except UNREADABLE:
                self._metrics.not_stored(NotStored.UNREADABLE)
                _log.warning("unreadable record", partition=partition, offset=offset)
        return records

    async def _stored(self, read: Read) -> None:
        await self._retry.until_done(partial(self._store.accept, read))

    async def _stored_each(
        self, partition: str, start: int, end: int, records: Sequence[tuple[int, Record]]
    ) -> None:
        """Store record by record: one that the database refuses stops no other."""
        for offset, record in records:
            try:
                await self._stored(Read(partition, start, offset + 1, [(offset, record)]))
            except UnstorableError as error:
                self._metrics.not_stored(NotStored.UNSTORABLE)
                _log.error("not stored", partition=partition, offset=offset, reason=str(error))
        await self._stored(Read(partition, start, end, []))

    async def _look(self) -> float:
        """Update since when records are unread; raises where Kafka does not answer."""
        self._metrics.unread(await self._unread.look(self._now_ms()))
        return _LOOK_EVERY_S

    async def _prune(self) -> float:
        """Delete what ended longer ago than it is kept."""
        deleted = await asyncio.to_thread(self._store.prune, self._now_ms() - self._keep_ms)
        for table, rows in deleted.items():
            self._metrics.pruned(table, rows)
        if deleted:
            _log.info("pruned", rows=sum(deleted.values()))
        return _PRUNE_EVERY_S

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            end_process(f"{task.get_name()} has ended: {task.exception()!r}")
