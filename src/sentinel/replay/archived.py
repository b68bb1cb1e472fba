"""A stream of the archive as one sequence: its partitions merged by append time.

That is the order in which a topic's records became known, as the lines of a file have it; from
here on rows are replayed as those of a file are.  Records without a timestamp of the broker count
as appended when their event happened.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sentinel.history.archive_query import ArchiveReader
from sentinel.history.archive_rows import RECORDED_MS, records_of
from sentinel.model.columns import EVENT_TIME
from sentinel.model.events import Stream
from sentinel.model.step import DeadLetter
from sentinel.replay.block import Block, Skip

_BLOCK_ROWS = 16_384
_NO_ROWS = np.zeros(0, np.int64)


class ArchiveSource:
    """The events of one stream, from ``span[0]`` to before ``span[1]`` (event time, ms UTC).

    Rows are numbered from 1.  Holds the rows of one file of each partition in memory, up to
    500,000 rows where days are compacted.
    """

    def __init__(self, folder: Path, stream: Stream, span: tuple[int, int]) -> None:
        self.name = f"{folder}/{stream}"
        self.skipped: Counter[Skip] = Counter()
        self.guessed_year = False
        self.total_bytes = 0
        self._folder, self._stream, self._span = folder, stream, span

    def done_bytes(self) -> int:
        """Not known."""
        return 0

    def drain_refused(self) -> list[DeadLetter]:
        """None: the archive has events only."""
        return []

    def blocks(self) -> Iterator[Block]:
        """The rows, in blocks that do not depend on how the archive's files are cut."""
        stream_index, number = tuple(Stream).index(self._stream), 1
        for times, values in _of_size(self._merged(), _BLOCK_ROWS):
            n = len(values)
            offsets = np.arange(number, number + n, dtype=np.int64)
            yield Block(times, np.full(n, stream_index, np.int8), offsets, values)
            number += n

    def _merged(self) -> Iterator[tuple[NDArray[np.int64], list[bytes]]]:
        """Event times and records in order of append time, partition and offset."""
        reader = ArchiveReader(self._folder)
        cursors = [
            _Cursor(self._stream, reader.partition_rows(self._stream, partition, *self._span))
            for partition in reader.partitions(self._stream)
        ]
        while True:
            cursors = [each for each in cursors if each.fill()]
            if not cursors:
                return
            until = min(each.horizon() for each in cursors)
            parts = [each.release(until) for each in cursors]
            appended = np.concatenate([part[0] for part in parts])
            order = np.argsort(appended, kind="stable")
            values = [value for part in parts for value in part[2]]
            yield (
                np.concatenate([part[1] for part in parts])[order],
                [values[row] for row in order.tolist()],
            )


class _Cursor:
    """The rows of one partition that are not released yet, in order of offset."""

    def __init__(self, stream: Stream, batches: Iterator[pa.RecordBatch]) -> None:
        self._stream, self._batches = stream, batches
        self._rows: list[pa.RecordBatch] = []
        self._appended = _NO_ROWS
        self._is_exhausted = False

    def fill(self) -> bool:
        """Read until the last row was appended after the first; whether there are rows."""
        while not self._is_exhausted and not self._has_two_times():
            batch = next(self._batches, None)
            if batch is None:
                self._is_exhausted = True
            elif batch.num_rows:
                self._rows.append(batch)
                appended = np.concatenate([self._appended, _append_times(batch)])
                self._appended = np.maximum.accumulate(appended)
        return bool(len(self._appended))

    def _has_two_times(self) -> bool:
        return bool(len(self._appended)) and bool(self._appended[0] < self._appended[-1])

    def horizon(self) -> int:
        """The append time before which all rows are there."""
        return np.iinfo(np.int64).max if self._is_exhausted else int(self._appended[-1])

    def release(self, until: int) -> tuple[NDArray[np.int64], NDArray[np.int64], list[bytes]]:
        """Remove and return the rows appended before ``until``: append times, event times, records.

        An append time is never before that of the row before.
        """
        n = int(np.searchsorted(self._appended, until))
        appended, self._appended = self._appended[:n], self._appended[n:]
        times, values = [_NO_ROWS], list[bytes]()
        while n:
            batch = self._rows.pop(0)
            part = batch.slice(0, n)
            if part.num_rows < batch.num_rows:
                self._rows.insert(0, batch.slice(n))
            times.append(part[EVENT_TIME].to_numpy())
            values += records_of(self._stream, part)
            n -= part.num_rows
        return appended, np.concatenate(times), values


def _append_times(batch: pa.RecordBatch) -> NDArray[np.int64]:
    recorded, happened = batch[RECORDED_MS].to_numpy(), batch[EVENT_TIME].to_numpy()
    appended: NDArray[np.int64] = np.where(recorded > 0, recorded, happened)
    return appended


def _of_size(
    pieces: Iterator[tuple[NDArray[np.int64], list[bytes]]], size: int
) -> Iterator[tuple[NDArray[np.int64], list[bytes]]]:
    """The rows of all pieces in blocks of ``size``, the last one smaller."""
    times, values = _NO_ROWS, list[bytes]()
    for more_times, more_values in pieces:
        times, values = np.concatenate([times, more_times]), values + more_values
        whole = len(values) // size * size
        for first in range(0, whole, size):
            yield times[first : first + size], values[first : first + size]
        times, values = times[whole:], values[whole:]
    if values:
        yield times, values
