"""Archiving: input events that the history service reads go to the archive, each exactly once.

The archive's own position decides what it has; the group's offset is only where reading starts.  It
is committed after the records are durable, so after a crash the records since the last flush are
read again, and those below the position are skipped.  Kafka must keep its inputs for as long as the
service may be down; ``sentinel topics create`` gives them a week at least.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NoReturn, TypeVar

import structlog

from sentinel.history.archive import Archive, ArchiveCounts
from sentinel.history.archive_metrics import ArchiveMetrics, NotArchived
from sentinel.history.upkeep import Upkeep
from sentinel.ingest import Limits
from sentinel.kafka.continuity import Continuity, LeftOutError
from sentinel.kafka.records import Fetched
from sentinel.kafka.unread import Spans
from sentinel.model.events import Stream
from sentinel.model.step import Chunk
from sentinel.supervised import end_process

_log = structlog.get_logger(__name__)
FLUSH_EVERY_S = 60.0
"""How old a buffered record becomes.  Longer: fewer, larger files until a day is over; shorter: who
looks for a customer's events sees them sooner."""
_UPKEEP_EVERY_S = 3600.0
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.1, 5.0
Key = tuple[Stream, int]
T = TypeVar("T")


class UnavailableError(Exception):
    """Records cannot be archived now; the message has the cause."""


class Archiving:
    """The archive in ``folder`` as one process appends to it.

    ``streams`` has the stream of each topic, ``translate`` makes JSON of records in Avro and may
    block; events are kept for ``keep_ms``; ``now_ms`` is the clock, and ``failed`` counts failed
    attempts to archive; ``end`` ends the process.  Raises OSError if the folder cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        streams: Mapping[str, Stream],
        translate: Callable[[Chunk], Chunk],
        metrics: ArchiveMetrics,
        keep_ms: int,
        now_ms: Callable[[], int],
        failed: Callable[[], None] = lambda: None,
        end: Callable[[str], NoReturn] = end_process,
    ) -> None:
        self._archive = Archive(folder, limits)
        self._upkeep = Upkeep(folder, limits, keep_ms)
        self._streams, self._translate, self._metrics = streams, translate, metrics
        self._now_ms, self._failed, self._end = now_ms, failed, end
        self._continuity = Continuity(self._position)
        self._lock = asyncio.Lock()  # an archive is used by one thread at a time
        self._turn = 0  # the number of the assignment
        self._acks: dict[Key, tuple[int, Callable[[], object]]] = {}
        self._reached: dict[str, int] = {}
        self._recreated: dict[str, str] = {}
        self._blocked = ""
        self._spans: Callable[[], Awaitable[Spans]] | None = None

    @property
    def topics(self) -> frozenset[str]:
        """The topics that it reads."""
        return frozenset(self._streams)

    def health(self) -> str:
        """Why events are not archived; empty if they are."""
        if self._blocked:
            return f"archive cannot be written: {self._blocked}"
        return next(iter(self._recreated.values()), "")

    def assign(self) -> None:
        """Note that the group has assigned partitions."""
        self._continuity.assign()
        self._reached.clear()

    def start(self, spans: Callable[[], Awaitable[Spans]]) -> None:
        """Note how to ask how far the assigned partitions are read, and where they end."""
        self._spans = spans

    async def revoke(self) -> None:
        """Write what is buffered, and drop what is known of partitions: others may have them.

        If it cannot be written the process ends, because a fresh start reads the records again.
        """
        self._turn += 1
        self._acks.clear()
        async with self._lock:
            try:
                await self._in_thread(self._archive.flush)
            except UnavailableError as error:
                self._end(f"cannot write what was revoked: {error}")
            for stream, partition in self._archive.known():
                self._archive.release(stream, partition)
            self._note()

    async def accept(
        self,
        fetched: Fetched,
        earliest: Callable[[], Awaitable[int]],
        ack: Callable[[], object],
    ) -> None:
        """Buffer the records of a fetch, however long that takes; ``ack`` is called once durable.

        ``earliest`` asks for the partition's first offset that Kafka still has.  Nothing is
        buffered if the partition is revoked meanwhile.
        """
        turn, stream = self._turn, self._streams[fetched.topic]
        partition = f"{fetched.topic}-{fetched.partition}"
        try:
            lost = await self._continuity.lost_before(partition, fetched.start, earliest)
        except LeftOutError as error:
            self._end(f"left out: {error}")
        if lost:
            self._metrics.not_archived(NotArchived.GONE, lost)
        if fetched.start < self._reached.get(partition, fetched.start + 1):
            await self._check(partition, fetched.start)
        if partition in self._recreated:
            self._metrics.not_archived(NotArchived.RECREATED, len(fetched))
            return
        chunk = fetched.after(stream, -1)
        if chunk is not None:
            await self._until_done(lambda: self._append(chunk, turn, fetched.end, ack))

    async def _append(self, chunk: Chunk, turn: int, end: int, ack: Callable[[], object]) -> None:
        """Buffer a chunk, unless its partition was revoked."""
        key = Stream(chunk.stream), chunk.partition

        def append() -> None:
            self._archive.append(self._translated(chunk))

        async with self._lock:
            if turn != self._turn:
                return
            await self._in_thread(append)
            if turn == self._turn:
                partition = f"{chunk.topic}-{chunk.partition}"
                self._continuity.reach(partition, end)
                self._reached[partition] = end
                self._acks[key] = chunk.offsets[-1] + 1, ack
                self._settle()
            self._note()

    def _translated(self, chunk: Chunk) -> Chunk:
        try:
            return self._translate(chunk)
        except Exception as error:
            raise UnavailableError(f"schema registry: {type(error).__name__}") from error

    async def flush(self) -> float:
        """Write what is buffered; returns after how many seconds to do so again."""
        async with self._lock:
            await self._in_thread(self._archive.flush)
            self._settle()
            self._note()
        return FLUSH_EVERY_S

    async def tend(self) -> float:
        """Merge and delete files; returns after how many seconds to do so again."""
        kept = await asyncio.to_thread(self._upkeep.run, self._now_ms())
        self._metrics.add(kept.counts)
        self._metrics.size(kept.files, kept.size_bytes)
        return _UPKEEP_EVERY_S

    async def _check(self, partition: str, start: int) -> None:
        """Find out whether records are read again because their topic was recreated.

        A topic that has already grown beyond the position cannot be told from the old one.
        """
        position = await self._position(partition)
        if self._spans is None or position is None or start >= position:
            return
        end, _ = (await self._spans()).get(partition, (position, 0))
        if end < position:
            self._recreated[partition] = (
                f"{partition} ends at {end}, the archive has it up to {position}: if its topic was "
                "recreated, move the archive"
            )
            _log.error("events are not archived", reason=self._recreated[partition])

    async def _position(self, partition: str) -> int | None:
        topic, _, number = partition.rpartition("-")
        key = self._streams[topic], int(number)

        async def ask() -> int:
            async with self._lock:
                return await self._in_thread(lambda: self._archive.position(*key))

        return await self._until_done(ask) or None

    async def _until_done(self, once: Callable[[], Awaitable[T]]) -> T:
        """The result of ``once``, which is repeated while disk or registry do not answer."""
        wait_s = _FIRST_RETRY_S
        while True:
            try:
                return await once()
            except UnavailableError as error:
                self._failed()
                _log.error("events are not archived", reason=str(error), retry_s=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_RETRY_S)

    def _settle(self) -> None:
        """Acknowledge what is durable; no thread may use the archive meanwhile."""
        for key, (end, ack) in list(self._acks.items()):
            if self._archive.position(*key) >= end:
                del self._acks[key]
                ack()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """The result of a call that uses the archive; a cancellation waits for its end.

        Raises UnavailableError.
        """
        running = asyncio.ensure_future(asyncio.to_thread(call))
        try:
            found = await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait({running})
            raise
        except OSError as error:
            self._blocked = error.strerror or type(error).__name__
            raise UnavailableError(self._blocked) from error
        except UnavailableError as error:
            self._blocked = str(error)
            raise
        self._blocked = ""
        return found

    def _note(self) -> None:
        counts, self._archive.counts = self._archive.counts, ArchiveCounts()
        self._metrics.add(counts)
        self._metrics.buffered(self._archive.buffered_records)
