"""Events, chunks and a disk that fails: what the archive's tests share."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from sentinel.history.archive_files import Disk
from sentinel.history.archive_query import ArchiveReader
from sentinel.history.archive_rows import OFFSET, PARTITION, records_of
from sentinel.ingest import Limits
from sentinel.model.events import Stream
from sentinel.model.step import Chunk

DAY_MS = 86_400_000
NOON_MS = 1_796_040_000_000  # 2026-11-30T12:00:00Z
ALWAYS = (0, NOON_MS * 2)
LIMITS = Limits(
    lateness_ms=3_600_000,
    future_skew_ms=300_000,
    max_value_bytes=10_000,
    remembered_events=1_000,
    base_currency="CNY",
    rates={"CNY": 1.0, "USD": 7.0},
    placeholders=("N/A",),
)


def transaction(number: int, **fields: Any) -> bytes:
    """A transaction of one of seven customers, a second after the one before."""
    event = {
        "event_id": f"t{number}",
        "event_time": NOON_MS + number * 1_000,
        "customer_id": f"C{number % 7}",
        "kind": "transfer",
        "direction": "debit",
        "amount": number + 0.25,
    }
    return msgspec.json.encode(event | fields)


def login(number: int, **fields: Any) -> bytes:
    """A login of one of seven customers."""
    event = {
        "event_id": f"l{number}",
        "event_time": NOON_MS + number * 1_000 + 500,
        "customer_id": f"C{number % 7}",
        "kind": "login",
        "success": True,
    }
    return msgspec.json.encode(event | fields)


def chunk(
    values: Sequence[bytes | None],
    start: int = 0,
    *,
    partition: int = 3,
    stream: Stream = Stream.TRANSACTION,
    recorded_ms: Sequence[int] | None = None,
) -> Chunk:
    """Records from offset ``start`` on, appended a second after each other."""
    offsets = list(range(start, start + len(values)))
    recorded = [NOON_MS + 200 + offset * 1_000 for offset in offsets]
    return Chunk(
        stream,
        stream.value,
        partition,
        offsets,
        recorded if recorded_ms is None else list(recorded_ms),
        [None] * len(values),
        list(values),
    )


def numbered(start: int, end: int, **where: Any) -> Chunk:
    """Transactions whose numbers are their offsets."""
    return chunk([transaction(number) for number in range(start, end)], start, **where)


def read(folder: Path, stream: Stream = Stream.TRANSACTION) -> list[tuple[int, int, bytes]]:
    """Every row as a reader sees it: partition, offset and the event."""
    reader = ArchiveReader(folder)
    try:
        return [
            row
            for batch in reader.rows(stream, *ALWAYS)
            for row in zip(
                batch[PARTITION].to_pylist(),
                batch[OFFSET].to_pylist(),
                records_of(stream, batch),
                strict=True,
            )
        ]
    finally:
        reader.close()


class KilledError(BaseException):
    """The process ended; nothing catches this."""


class QuickDisk(Disk):
    """A disk without synchronization: the machine does not end in a test."""

    def write(self, path: Path, data: memoryview) -> None:
        """Without waiting for the disk."""
        path.write_bytes(data)

    def sync(self, folder: Path) -> None:
        """Nothing to do."""


class Lost(StrEnum):
    """Which changes of names are lost that were not synchronized."""

    NOTHING = "nothing"  # the process is killed
    ALL = "all"  # the machine ends
    ALL_BUT_THE_LAST = "all_but_the_last"  # it ends after the disk did the last one first


class FailingDisk(QuickDisk):
    """A disk at whose operation number ``fatal`` the process or the machine ends.

    A write that ends so leaves half a file.
    """

    def __init__(self, fatal: int, lost: Lost) -> None:
        self.operations = 0
        self._fatal, self._lost = fatal, lost
        self._changes: list[dict[Path, bytes | None]] = []

    def write(self, path: Path, data: memoryview) -> None:
        """Half of it, then the end."""
        if self._is_fatal():
            path.write_bytes(data[: len(data) // 2])
            self._end()
        super().write(path, data)

    def rename(self, old: Path, new: Path) -> None:
        """The whole or nothing."""
        self._operation()
        self._remember(old, new)
        super().rename(old, new)

    def remove(self, path: Path) -> None:
        """The whole or nothing."""
        self._operation()
        self._remember(path)
        super().remove(path)

    def remove_folder(self, folder: Path) -> None:
        """The whole or nothing."""
        self._operation()
        super().remove_folder(folder)

    def sync(self, folder: Path) -> None:
        """Until then, changed names may be lost."""
        self._operation()
        super().sync(folder)
        self._changes = [each for each in self._changes if folder not in {p.parent for p in each}]

    def _remember(self, *paths: Path) -> None:
        before = {path: path.read_bytes() if path.exists() else None for path in paths}
        self._changes.append(before)

    def _is_fatal(self) -> bool:
        self.operations += 1
        return self.operations == self._fatal

    def _operation(self) -> None:
        if self._is_fatal():
            self._end()

    def _end(self) -> None:
        lost = {
            Lost.NOTHING: [],
            Lost.ALL: self._changes,
            Lost.ALL_BUT_THE_LAST: self._changes[:-1],
        }
        for change in reversed(lost[self._lost]):
            for path, data in change.items():
                if data is None:
                    path.unlink(missing_ok=True)
                else:
                    path.write_bytes(data)
        raise KilledError
