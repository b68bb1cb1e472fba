"""The archive's files: how they are named, which of them count, and how they come to be.

``transaction/day=2026-11-30/p0003-START-END-FIRST-LAST.parquet`` covers the offsets from START to
before END of partition 3; its events happened from FIRST to LAST, ms UTC (both 0 without events).
So a reader chooses files by their names, without opening them.  The day is that of the brokers'
timestamps.  Customers need no buckets of their own: records are keyed by customer, so a partition
is one.

The ranges are the only record of what is archived.  Where they overlap, because a process ended
between writing a merged file and removing its parts, the range that starts first counts, of those
the longest; a range within it is superseded.  Of another that only overlaps, the offsets count that
are not covered yet.
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

from sentinel.model.events import Stream

DAY_MS = 86_400_000
_TEMPORARY = ".new-"
_DAY = "day="
_WRITING, _REWRITING = ".writing.lock", ".rewriting.lock"
_NAME = re.compile(r"p(\d{4,9})-(\d{20})-(\d{20})-(\d+)-(\d+)\.parquet")


@dataclass(frozen=True, slots=True, order=True)
class ArchiveFile:
    """A file by its name: the records with offsets from ``start`` to before ``end``."""

    stream: Stream
    partition: int
    start: int
    end: int
    day: date
    first_ms: int
    last_ms: int

    @property
    def path(self) -> str:
        """Its path within the archive."""
        name = (
            f"p{self.partition:04}-{self.start:020}-{self.end:020}-{self.first_ms}-{self.last_ms}"
        )
        return f"{self.stream.value}/{_DAY}{self.day}/{name}.parquet"

    def overlaps(self, from_ms: int, to_ms: int) -> bool:
        """Whether it may have events from ``from_ms`` to before ``to_ms``."""
        return self.first_ms < to_ms and from_ms <= self.last_ms


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A file that counts; its records with offsets before ``first`` are in another one."""

    file: ArchiveFile
    first: int


def day_of(time_ms: int) -> date:
    """The day (UTC) of a time."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).date()


def files_in(
    folder: Path, stream: Stream | None = None, partition: int | None = None
) -> list[ArchiveFile]:
    """Every file of the archive, superseded ones too; those of a stream and partition if given."""
    streams = tuple(Stream) if stream is None else (stream,)
    start = "p" if partition is None else f"p{partition:04}-"
    return [
        file
        for each in streams
        for day in _listed(folder / each.value)
        if day.startswith(_DAY)
        for name in _listed(folder / each.value / day)
        if name.startswith(start)
        if (file := _parsed(each, day, name)) is not None
    ]


def live_files(
    folder: Path, stream: Stream | None = None, partition: int | None = None
) -> list[LiveFile]:
    """The files that count, for who reads while others may write, merge and remove.

    A listing during which files are merged may miss the parts and the whole.  So a file that was
    there must still be there in the listing after: then whatever replaced another is, too.
    """
    found: set[ArchiveFile] | None = None
    while True:
        before, found = found, set(files_in(folder, stream, partition))
        if before is not None and before <= found:
            return live(found)


def torn_in(folder: Path) -> list[str]:
    """The paths of temporary files: each was left by a process that ended while it wrote."""
    return [
        f"{stream.value}/{day}/{name}"
        for stream in Stream
        for day in _listed(folder / stream.value)
        for name in _listed(folder / stream.value / day)
        if name.startswith(_TEMPORARY)
    ]


def _listed(folder: Path) -> list[str]:
    """The names in a folder, sorted; none if it is gone or no folder."""
    try:
        return sorted(each.name for each in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _parsed(stream: Stream, day: str, name: str) -> ArchiveFile | None:
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        at = date.fromisoformat(day.removeprefix(_DAY))
    except ValueError:
        return None
    partition, start, end, first_ms, last_ms = map(int, found.groups())
    return ArchiveFile(stream, partition, start, end, at, first_ms, last_ms)


def live(files: Iterable[ArchiveFile]) -> list[LiveFile]:
    """The files of a listing that count, by stream, partition and offset."""
    found: list[LiveFile] = []
    in_order = sorted(files, key=lambda each: (*_owner(each), each.start, -each.end, each))
    for _, group in groupby(in_order, _owner):
        covered = 0
        for file in group:
            if file.end > covered:
                found.append(LiveFile(file, max(file.start, covered)))
                covered = file.end
    return found


def _owner(file: ArchiveFile) -> tuple[Stream, int]:
    return file.stream, file.partition


class Disk:
    """The operations by which files change; tests interrupt them."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder, and those above it that are missing."""
        if not folder.exists():
            self.make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
            self.sync(folder.parent)

    def write(self, path: Path, data: memoryview) -> None:
        """Write a new file."""
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, in the same folder; one that had it is gone."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        path.unlink(missing_ok=True)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder if it is empty."""
        if not any(folder.iterdir()):
            folder.rmdir()

    def sync(self, folder: Path) -> None:
        """Make the names in a folder durable."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_file(disk: Disk, folder: Path, file: ArchiveFile, data: memoryview) -> None:
    """Write a file of the archive whole or not at all; one of the same name is replaced.

    The caller synchronizes the folder of the day: until then the machine may lose the name.
    """
    path = folder / file.path
    temporary = path.with_name(f"{_TEMPORARY}{os.getpid()}-{path.name}")
    disk.make_folder(path.parent)
    try:
        disk.write(temporary, data)
        disk.rename(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def remove_files(disk: Disk, folder: Path, paths: Iterable[str]) -> int:
    """Remove files, in the order given; how many."""
    several = list(paths)
    for path in several:
        disk.remove(folder / path)
    for parent in sorted({(folder / path).parent for path in several}):
        disk.sync(parent)
    return len(several)


@contextmanager
def rewriting(folder: Path) -> Iterator[None]:
    """Wait until nobody else rewrites or removes files, then keep others waiting."""
    with _locked(folder / _REWRITING, fcntl.LOCK_EX):
        yield


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Several may write new files at the same time, also while others are rewritten."""
    with _locked(folder / _WRITING, fcntl.LOCK_SH):
        yield


@contextmanager
def nobody_writing(folder: Path) -> Iterator[None]:
    """Wait until nobody writes new files, then keep them waiting: for a short time."""
    with _locked(folder / _WRITING, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
