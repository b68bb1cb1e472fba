"""The records of one partition that are not written yet, and how they are cut into days."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sentinel.history.archive_files import DAY_MS, day_of
from sentinel.history.archive_parquet import event_times
from sentinel.history.archive_rows import OFFSET, table_of
from sentinel.ingest import Limits, decode
from sentinel.model.columns import FIELDS, NAMES
from sentinel.model.countries import COUNTRY_FIELDS
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, DeadLetterReason

_ANY_SKEW_MS = 2**60
_SMALLEST_SHARE = 0.02  # of the records: a few odd timestamps make no file of their own
_JUDGED = {
    stream: frozenset(
        name
        for name in FIELDS[stream]
        if name in ("ip", *COUNTRY_FIELDS)
        or (name in NAMES[stream] and FIELDS[stream][name].required)
    )
    for stream in Stream
}


@dataclass(frozen=True, slots=True)
class Piece:
    """The events of one file: those with offsets from ``start`` to before ``end``."""

    start: int
    end: int
    day: date
    rows: pa.Table


@dataclass(slots=True)
class ArchiveBuffer:
    """Records of one partition in order of offset; ``start`` is where they are to begin."""

    stream: Stream
    partition: int
    start: int
    offsets: list[int] = field(default_factory=list)
    recorded_ms: list[int] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    size_bytes: int = 0

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def end(self) -> int:
        """The offset behind the last record."""
        return self.offsets[-1] + 1 if self.offsets else self.start

    def append(self, chunk: Chunk, first: int) -> None:
        """Add the records of a chunk from index ``first`` on."""
        self.offsets += chunk.offsets[first:]
        self.recorded_ms += chunk.recorded_ms[first:]
        self.values += chunk.values[first:]
        self.size_bytes += size_bytes(chunk.values[first:])

    def drop_before(self, offset: int) -> None:
        """Remove the records before an offset: they are written."""
        first = bisect_left(self.offsets, offset)
        self.size_bytes -= size_bytes(self.values[:first])
        del self.offsets[:first], self.recorded_ms[:first], self.values[:first]
        self.start = offset

    def pieces(self, limits: Limits, refused: Counter[DeadLetterReason]) -> Iterator[Piece]:
        """The records, at least one, as the content of files; no events are counted as refused.

        What has no event still is within the range of a piece.  The counts are complete before the
        first piece.
        """
        rows = self._events(limits, refused)
        offsets: NDArray[np.int64] = rows[OFFSET].to_numpy()
        times = np.array(self.recorded_ms, np.int64)
        cuts = _days(times if (times > 0).any() else event_times(rows), len(self))
        edges = [self.start, *(self.offsets[index] for index, _ in cuts[1:]), self.end]
        for (_, day), start, end in zip(cuts, edges[:-1], edges[1:], strict=True):
            first, behind = np.searchsorted(offsets, (start, end)).tolist()
            yield Piece(start, end, day, rows.slice(first, behind - first))

    def _events(self, limits: Limits, refused: Counter[DeadLetterReason]) -> pa.Table:
        """The records that ingest accepts as events, in order of offset.

        Whether an event is too far in the future depends on the records that the engine read
        before it, so such events are kept: whoever replays the archive judges them again.
        """
        count = len(self)
        chunk = Chunk(
            self.stream,
            "",
            self.partition,
            self.offsets,
            self.recorded_ms,
            [None] * count,
            self.values,
        )
        lenient = msgspec.structs.replace(limits, future_skew_ms=_ANY_SKEW_MS)
        decoded = decode(self.stream, [chunk], lenient, _JUDGED[self.stream])
        refused.update(letter.reason for letter in decoded.dead_letters)
        bad = {letter.offset for letter in decoded.dead_letters}
        good = [row for row, offset in enumerate(self.offsets) if offset not in bad]
        return table_of(
            self.stream,
            self.partition,
            np.array(self.offsets, np.int64)[good],
            np.array(self.recorded_ms, np.int64)[good],
            [self.values[row] or b"" for row in good],
        )


def size_bytes(values: list[bytes | None]) -> int:
    """The bytes of all values."""
    return sum(len(value) for value in values if value)


def _days(times: NDArray[np.int64], count: int) -> list[tuple[int, date]]:
    """Where each day begins among ``count`` records, and the day; the first begins at 0.

    As many records count to a day as have timestamps, int64[n] ms UTC, of that day: the same if
    they ascend, and close to it if a few are out of order.  A day with few goes to the day before.
    """
    known = times[times > 0]
    if not len(known):
        return [(0, day_of(0))]
    numbers, counts = np.unique(known // DAY_MS, return_counts=True)
    are_many = counts >= _SMALLEST_SHARE * len(known)
    begins = (np.cumsum(counts) - counts) * count // len(known)
    cuts = [
        (int(begin), day_of(int(number) * DAY_MS))
        for begin, number in zip(begins[are_many], numbers[are_many], strict=True)
    ]
    return [(0, cuts[0][1]), *cuts[1:]]
