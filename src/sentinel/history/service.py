"""The history service: what its agents read is stored before it is acknowledged."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from sentinel.history.archiving import Archiving, UnavailableError
from sentinel.history.dead_letters import DeadLetterRecord
from sentinel.history.metrics import HistoryLimit, HistoryMetrics, HistoryTask
from sentinel.history.records import Read, Record
from sentinel.history.store import Store
from sentinel.kafka.records import Fetched
from sentinel.kafka.storing import StoringService
from sentinel.kafka.unread import Spans

_log = structlog.get_logger(__name__)
_PRUNE_EVERY_S = 3600.0
_LONG_STUCK_S = 4 * 3600.0  # a day of many events is merged in one go


class History(StoringService[Record, HistoryMetrics]):
    """One history process.

    ``read`` has for each topic what makes a record of a value, or raises one of UNREADABLE;
    ``read_whole`` has it for topics where a value alone is not enough: of a row of a fetch.
    ``keep_ms`` is how long what has ended is kept; ``now_ms`` is the clock; ``archiving`` reads the
    input topics.
    """

    name = "history"

    def __init__(
        self,
        store: Store,
        read: Mapping[str, Callable[[bytes], Record]],
        metrics: HistoryMetrics,
        keep_ms: int,
        now_ms: Callable[[], int],
        archiving: Archiving | None = None,
        read_whole: Mapping[str, Callable[[Fetched, int], Record]] | None = None,
    ) -> None:
        self._store, self._keep_ms = store, keep_ms
        self._archiving = self.later = archiving
        self._read_whole = read_whole or {}
        self.with_headers = frozenset(self._read_whole)
        tasks = {HistoryTask.PRUNE: self._prune}
        if archiving is not None:
            tasks |= {HistoryTask.FLUSH: archiving.flush, HistoryTask.UPKEEP: archiving.tend}
        super().__init__(
            "history",
            store.position,
            read,
            metrics,
            now_ms,
            accepting=HistoryTask.ACCEPT,
            looking=HistoryTask.READ,
            tasks=tasks,
        )

    @property
    def topics(self) -> frozenset[str]:
        """The topics whose records it stores before they are acknowledged."""
        return super().topics | frozenset(self._read_whole)

    def health(self) -> tuple[bool, str]:
        """Whether records are stored, and events archived, with a description."""
        is_ready, description = super().health()
        problem = self._archiving.health() if is_ready and self._archiving is not None else ""
        return (False, problem) if problem else (is_ready, description)

    def longest_s(self, task: str) -> float:
        """After how long without progress a task is stuck: upkeep may need hours."""
        return _LONG_STUCK_S if task == HistoryTask.UPKEEP else super().longest_s(task)

    def assign(self) -> None:
        """Note that the group has assigned partitions."""
        super().assign()
        if self._archiving is not None:
            self._archiving.assign()

    def start(self, spans: Callable[[], Awaitable[Spans]]) -> None:
        """Start the tasks; ``spans`` returns how far the assigned partitions are read."""
        if self._archiving is not None:
            self._archiving.start(spans)
        super().start(spans)

    async def stop(self) -> None:
        """Stop the tasks, and write the events that are buffered."""
        await super().stop()
        if self._archiving is not None:
            with contextlib.suppress(UnavailableError):  # Kafka still has the records
                await self._archiving.flush()

    def record(self, fetched: Fetched, row: int) -> Record:
        """The record in a row of a fetch; raises one of UNREADABLE."""
        whole = self._read_whole.get(fetched.topic)
        if whole is None:
            return super().record(fetched, row)
        record = whole(fetched, row)
        if isinstance(record, DeadLetterRecord) and record.is_cut:
            self._metrics.limited(HistoryLimit.LETTER_BYTES)
        return record

    async def store(self, read: Read) -> None:
        """Store records, and retry until the database has them; raises UnstorableError."""
        await self._retry.until_done(partial(self._store.accept, read))
        self._metrics.stored(read.topic, len(read.records))

    async def _prune(self) -> float:
        """Delete what ended longer ago than it is kept."""
        deleted = await asyncio.to_thread(self._store.prune, self._now_ms() - self._keep_ms)
        for table, rows in deleted.items():
            self._metrics.pruned(table, rows)
        if deleted:
            _log.info("pruned", rows=sum(deleted.values()))
        return _PRUNE_EVERY_S
