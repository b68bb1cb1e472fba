"""Reading the archive: the rows of a stream for a replay, and one customer's events.

Any process may read while another appends and compacts: if a file is gone, the list of live files
is read again.
"""

from collections.abc import Generator, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sentinel.history.archive_files import LiveFile, live_files
from sentinel.history.archive_parquet import read_rows
from sentinel.history.archive_rows import OFFSET, ArchivedEvent, archived_event
from sentinel.model.columns import EVENT_TIME
from sentinel.model.events import Stream, epoch_ms

BATCH_ROWS = 65_536
MOST_EVENTS = 10_000
"""So many events a timeline has at most."""
_TRIES = 5
_SETTINGS: dict[str, Any] = {
    "threads": 1,
    "memory_limit": "512MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_TIMELINE = """
SELECT DISTINCT *
FROM read_parquet(?, union_by_name = true, hive_partitioning = false)
WHERE customer_id = ? AND event_time >= ? AND event_time < ?
ORDER BY event_time DESC, "partition" DESC, "offset" DESC
LIMIT ?
"""  # distinct: files whose ranges overlap in part may both have a record


class ArchiveReader:
    """The events of an archive's folder; times are event times, ms UTC."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        """Opened by the first timeline; a replay needs none."""
        return duckdb.connect(":memory:", config=_SETTINGS)

    def close(self) -> None:
        """Release the database's memory."""
        if "_database" in vars(self):
            self._database.close()

    def files(self, stream: Stream, partition: int | None = None) -> list[LiveFile]:
        """The live files of a stream, or one partition of it, by partition and offset."""
        return live_files(self._folder, stream, partition)

    def rows(self, stream: Stream, from_ms: int, to_ms: int) -> Iterator[pa.RecordBatch]:
        """Events from ``from_ms`` to before ``to_ms`` in order of partition and offset.

        A batch is of one partition.  Holds one file's rows in memory: see ``ArchiveLimits``.
        """
        for partition in self.partitions(stream):
            yield from self.partition_rows(stream, partition, from_ms, to_ms)

    def partitions(self, stream: Stream) -> list[int]:
        """The partitions of which there are files, in order."""
        return sorted({each.file.partition for each in self.files(stream)})

    def partition_rows(
        self, stream: Stream, partition: int, from_ms: int, to_ms: int
    ) -> Iterator[pa.RecordBatch]:
        """The same of one partition."""
        reached = 0
        while reached >= 0:
            reached = yield from self._partition(stream, partition, (from_ms, to_ms), reached)

    def _partition(
        self, stream: Stream, partition: int, span: tuple[int, int], reached: int
    ) -> Generator[pa.RecordBatch, None, int]:
        """The rows of a partition from offset ``reached`` on; -1, or where a file was gone."""
        for each in self.files(stream, partition):
            file = each.file
            if file.end <= reached or not file.overlaps(*span):
                continue
            try:
                rows = read_rows(self._folder / file.path, stream)
            except FileNotFoundError:
                return reached
            time, offset = rows[EVENT_TIME], rows[OFFSET]
            within = pc.and_(pc.greater_equal(time, span[0]), pc.less(time, span[1]))
            first = max(each.first, reached)
            kept = rows.filter(pc.and_(within, pc.greater_equal(offset, first)))
            yield from kept.sort_by(OFFSET).combine_chunks().to_batches(BATCH_ROWS)
            reached = file.end
        return -1

    def timeline(
        self,
        customer_id: str,
        from_ms: int,
        to_ms: int,
        limit: int = 1_000,
        partition: int | None = None,
    ) -> list[ArchivedEvent]:
        """A customer's events of all streams from ``from_ms`` to before ``to_ms``, newest first.

        At most ``limit``, and never more than ``MOST_EVENTS``.  Without ``partition``, the one in
        which Kafka has the customer, every partition's files are looked at.
        """
        most = min(limit, MOST_EVENTS)
        found = [
            event
            for stream in Stream
            for event in self._events(stream, customer_id, (from_ms, to_ms), most, partition)
        ]
        found.sort(key=_newest_first)
        return found[:most]

    def _events(
        self,
        stream: Stream,
        customer_id: str,
        span: tuple[int, int],
        limit: int,
        partition: int | None,
    ) -> list[ArchivedEvent]:
        """A customer's newest events of one stream."""
        for tries in range(_TRIES):
            paths = [
                str(self._folder / each.file.path)
                for each in self.files(stream, partition)
                if each.file.overlaps(*span)
            ]
            if not paths:
                return []
            cursor = self._database.cursor()
            try:
                cursor.execute(_TIMELINE, [paths, customer_id, *span, limit])
                names = [column[0] for column in cursor.description]
                return [
                    archived_event(stream, dict(zip(names, row, strict=True)))
                    for row in cursor.fetchall()
                ]
            except duckdb.IOException:
                if tries == _TRIES - 1:
                    raise
            finally:
                cursor.close()
        return []


def _newest_first(found: ArchivedEvent) -> tuple[int, Stream, int, int]:
    return -epoch_ms(found.event.event_time), found.stream, -found.partition, -found.offset
