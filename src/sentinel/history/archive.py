"""The archive: input events from Kafka as Parquet files, each event exactly once.

One process appends the records of a partition.  A file covers a range of offsets, and the files
are the only record of what is archived: after a crash, records are read again from the position
that the files give, and what they cover is skipped.  Reading is in :mod:`.archive_query`.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import groupby
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from sentinel.history.archive_buffer import ArchiveBuffer, Piece, size_bytes
from sentinel.history.archive_files import (
    ArchiveFile,
    Disk,
    LiveFile,
    day_of,
    files_in,
    live,
    live_files,
    nobody_writing,
    remove_files,
    rewriting,
    torn_in,
    write_file,
    writing,
)
from sentinel.history.archive_parquet import (
    count_rows,
    encoded,
    event_times,
    has_customer,
    read_rows,
)
from sentinel.history.archive_rows import CUSTOMER, OFFSET
from sentinel.ingest import Limits
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, DeadLetterReason


class ArchiveLimit(StrEnum):
    """A bound of the archive that was reached: the buffered records were written early."""

    BUFFERED_RECORDS = "buffered_records"
    BUFFERED_BYTES = "buffered_bytes"
    PARTITIONS = "partitions"  # records of as many partitions as allowed were buffered


class ArchiveLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is buffered, and how many rows a compacted file has; a chunk is never cut."""

    buffered_records: int = 200_000
    buffered_bytes: int = 256 << 20
    partitions: int = 1_024
    file_rows: int = 500_000


@dataclass(slots=True)
class ArchiveCounts:
    """What the archive did since it was opened; ``events`` and ``refused`` once they are durable.

    ``refused`` are records that are no events, ``repeated`` records that were archived before.
    """

    events: Counter[Stream] = field(default_factory=Counter)
    refused: Counter[DeadLetterReason] = field(default_factory=Counter)
    repeated: int = 0
    limits: Counter[ArchiveLimit] = field(default_factory=Counter)
    files_written: int = 0
    files_torn: int = 0
    files_superseded: int = 0
    files_expired: int = 0
    events_expired: int = 0
    events_erased: int = 0


class Archive:
    """A folder of events; ``limits`` decide what is an event, ``bounds`` how much is buffered.

    Opening it removes what a process left that ended while it wrote.  Every method may raise
    OSError; what was not written then still is buffered, and the call can be repeated.

    Another archive of the same folder, in another thread or process, may compact, retain and erase
    while this one appends.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        bounds: ArchiveLimits | None = None,
        disk: Disk | None = None,
    ) -> None:
        self.counts = ArchiveCounts()
        self._folder, self._limits = folder, limits
        self._bounds, self._disk = bounds or ArchiveLimits(), disk or Disk()
        self.buffered_records = self.buffered_bytes = 0
        self._unsynced: set[Path] = set()
        self._buffers: dict[tuple[Stream, int], ArchiveBuffer] = {}
        self._ends: dict[tuple[Stream, int], int] = {}
        self._disk.make_folder(folder)
        with rewriting(folder):
            self._found(self._cleaned())

    def position(self, stream: Stream, partition: int) -> int:
        """The offset behind the last record that is written; 0 if none is."""
        if (stream, partition) not in self._ends:
            self._ends[stream, partition] = 0
            self._found(live_files(self._folder, stream, partition))
        return self._ends[stream, partition]

    def known(self) -> dict[tuple[Stream, int], int]:
        """The positions that were asked for or have moved, by stream and partition."""
        return dict(self._ends)

    def _found(self, files: list[LiveFile]) -> None:
        """Go on after the newest file of each partition, once its name is durable, too."""
        newest = {(each.file.stream, each.file.partition): each.file for each in files}
        for key, file in newest.items():
            self._ends[key] = file.end
            self._unsynced.add((self._folder / file.path).parent)

    def release(self, stream: Stream, partition: int) -> None:
        """Drop what is buffered of a partition that another process has from now on."""
        buffer = self._buffers.pop((stream, partition), None)
        if buffer is not None:
            self._drop(buffer, buffer.end)
        self._ends.pop((stream, partition), None)

    def append(self, chunk: Chunk) -> None:
        """Buffer the records of a chunk of an input stream; those archived before are skipped.

        Writes what is buffered first if the chunk would exceed a limit.
        """
        stream = Stream(chunk.stream)
        key = stream, chunk.partition
        buffer = self._buffers.get(key)
        end = self.position(*key) if buffer is None else buffer.end
        first = bisect_left(chunk.offsets, end)
        if first < len(chunk.offsets):
            records, size = len(chunk.offsets) - first, size_bytes(chunk.values[first:])
            reached = self._reached(key, records, size)
            if reached is not None:
                self.counts.limits[reached] += 1
                self.flush()
            start = end or chunk.offsets[first]
            buffer = self._buffers.setdefault(key, ArchiveBuffer(*key, start))
            buffer.append(chunk, first)
            self.buffered_records += records
            self.buffered_bytes += size
        self.counts.repeated += first

    def _reached(self, key: tuple[Stream, int], records: int, size: int) -> ArchiveLimit | None:
        """The limit that more records would exceed; None while nothing is buffered."""
        bounds = self._bounds
        if not self._buffers:
            return None
        if self.buffered_records + records > bounds.buffered_records:
            return ArchiveLimit.BUFFERED_RECORDS
        if self.buffered_bytes + size > bounds.buffered_bytes:
            return ArchiveLimit.BUFFERED_BYTES
        if key not in self._buffers and len(self._buffers) >= bounds.partitions:
            return ArchiveLimit.PARTITIONS
        return None

    def flush(self) -> int:
        """Write what is buffered; how many events were written.  They are durable afterwards.

        Of one partition no file is durable before those with lower offsets are, or a crash of the
        machine could leave a gap below the position.
        """
        written = 0
        with writing(self._folder):
            self._sync()
            for key, buffer in sorted(self._buffers.items()):
                refused: Counter[DeadLetterReason] = Counter()
                for number, piece in enumerate(buffer.pieces(self._limits, refused)):
                    if number:
                        self._sync()
                    self._write(key, piece)
                    self._drop(buffer, piece.end)
                    self._ends[key] = piece.end
                    self.counts.events[key[0]] += piece.rows.num_rows
                    written += piece.rows.num_rows
                self.counts.refused += refused
                del self._buffers[key]
            self._sync()
        return written

    def _drop(self, buffer: ArchiveBuffer, before: int) -> None:
        """Remove the records before an offset from a buffer."""
        records, size = len(buffer), buffer.size_bytes
        buffer.drop_before(before)
        self.buffered_records -= records - len(buffer)
        self.buffered_bytes -= size - buffer.size_bytes

    def _sync(self) -> None:
        """Make the names of the files written so far durable."""
        for folder in sorted(self._unsynced):
            self._disk.sync(folder)
            self._unsynced.discard(folder)

    def _write(self, key: tuple[Stream, int], piece: Piece) -> None:
        """Write a file of its own; its name has the range, and between which times events are."""
        times = event_times(piece.rows)
        first_ms, last_ms = (int(times.min()), int(times.max())) if len(times) else (0, 0)
        file = ArchiveFile(*key, piece.start, piece.end, piece.day, first_ms, last_ms)
        write_file(self._disk, self._folder, file, encoded(piece.rows))
        self._unsynced.add((self._folder / file.path).parent)
        self.counts.files_written += 1

    def compact(self, day: date) -> int:
        """Merge the files of each partition of one day; how many were merged into others.

        Files are merged whose ranges follow each other, up to ``file_rows`` rows.  The merged file
        is whole before its parts are removed, and they are superseded from then on.
        """
        merged = 0
        with rewriting(self._folder):
            for parts in self._groups(self._cleaned(), day):
                whole, first = parts[0].file, parts[0].first
                end = parts[-1].file.end
                tables = [self._rows(part) for part in parts]
                piece = Piece(first, end, day, pa.concat_tables(tables).combine_chunks())
                self._write((whole.stream, whole.partition), piece)
                self._sync()
                paths = [part.file.path for part in parts]
                merged += remove_files(self._disk, self._folder, paths)
        return merged

    def _groups(self, files: list[LiveFile], day: date) -> list[list[LiveFile]]:
        """Neighbours in one partition of which each is of the day, several to a group."""
        groups: list[list[LiveFile]] = []

        def run(each: LiveFile) -> tuple[Stream, int, date]:
            return each.file.stream, each.file.partition, each.file.day

        for (_, _, of_day), neighbours in groupby(files, run):
            if of_day != day:
                continue
            groups.append([])
            rows = 0
            for each in neighbours:
                more = count_rows(self._folder / each.file.path)
                if groups[-1] and rows + more > self._bounds.file_rows:
                    groups.append([])
                    rows = 0
                groups[-1].append(each)
                rows += more
        return [group for group in groups if len(group) > 1]

    def _rows(self, part: LiveFile) -> pa.Table:
        rows = read_rows(self._folder / part.file.path, part.file.stream)
        return rows.filter(pc.greater_equal(rows[OFFSET], part.first))

    def retain(self, before_ms: int) -> int:
        """Delete the days before that of a time; how many files.

        The newest file of a partition keeps its range, without rows: it has the position.
        """
        expired = 0
        with rewriting(self._folder):
            files = self._cleaned()
            newest = {(each.file.stream, each.file.partition): each.file for each in files}
            old = [each.file for each in files if each.file.day < day_of(before_ms)]
            for file in old:
                rows = count_rows(self._folder / file.path)
                is_newest = file == newest[file.stream, file.partition]
                if is_newest and not rows:
                    continue
                if is_newest:
                    self._rewrite(
                        file, read_rows(self._folder / file.path, file.stream).slice(0, 0)
                    )
                else:
                    remove_files(self._disk, self._folder, [file.path])
                expired += 1
                self.counts.files_expired += 1
                self.counts.events_expired += rows
            with nobody_writing(self._folder):
                for parent in sorted({(self._folder / file.path).parent for file in old}):
                    self._disk.remove_folder(parent)
        return expired

    def erase(self, customer_id: str) -> int:
        """Remove a customer's events of all streams; how many.  Writes what is buffered first.

        Each file is replaced at once; if the process ends in between, erase again.
        """
        self.flush()
        erased = 0
        with rewriting(self._folder):
            for file in (each.file for each in self._cleaned()):
                if has_customer(self._folder / file.path, customer_id):
                    rows = read_rows(self._folder / file.path, file.stream)
                    kept = rows.filter(pc.not_equal(rows[CUSTOMER], customer_id))
                    self._rewrite(file, kept)
                    erased += rows.num_rows - kept.num_rows
                    self.counts.events_erased += rows.num_rows - kept.num_rows
        return erased

    def _rewrite(self, file: ArchiveFile, rows: pa.Table) -> None:
        """Replace a file by one of the same name, so of the same range."""
        write_file(self._disk, self._folder, file, encoded(rows))
        self._disk.sync((self._folder / file.path).parent)
        self.counts.files_written += 1

    def _cleaned(self) -> list[LiveFile]:
        """The live files, once all others are removed; what covers these is made durable first."""
        with nobody_writing(self._folder):
            torn = torn_in(self._folder)
            self.counts.files_torn += remove_files(self._disk, self._folder, torn)
        files = files_in(self._folder)
        kept = live(files)
        superseded = set(files) - {each.file for each in kept}
        owners = {(file.stream, file.partition) for file in superseded}
        covering = [each.file for each in kept if (each.file.stream, each.file.partition) in owners]
        for parent in sorted({(self._folder / file.path).parent for file in covering}):
            self._disk.sync(parent)
        paths = sorted(file.path for file in superseded)
        self.counts.files_superseded += remove_files(self._disk, self._folder, paths)
        return kept
