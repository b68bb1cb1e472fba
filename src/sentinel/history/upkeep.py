"""The archive's upkeep: days that are over are merged into few files, old days are deleted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sentinel.history.archive import Archive, ArchiveCounts
from sentinel.history.archive_files import ArchiveFile, day_of, files_in
from sentinel.ingest import Limits


@dataclass(frozen=True, slots=True)
class Kept:
    """The result of one upkeep: what the archive counted, and its size afterwards."""

    counts: ArchiveCounts
    files: int
    size_bytes: int


class Upkeep:
    """Keeps the files of a folder few; it may run while another archive of the folder appends."""

    def __init__(self, folder: Path, limits: Limits, keep_ms: int) -> None:
        self._folder, self._limits, self._keep_ms = folder, limits, keep_ms
        self._done: dict[date, int] = {}

    def run(self, now_ms: int) -> Kept:
        """Merge the files of days before that of ``now_ms``, delete what is older than it is kept.

        A day is looked at again only if it has other files than after the last merge.  Blocks;
        raises OSError.
        """
        archive = Archive(self._folder, self._limits)
        archive.retain(now_ms - self._keep_ms)
        today, days = day_of(now_ms), _by_day(files_in(self._folder))
        for day, files in sorted(days.items()):
            if day < today and self._done.get(day) != _digest(files) and _has_several(files):
                archive.compact(day)
        files = files_in(self._folder)
        self._done = {day: _digest(each) for day, each in _by_day(files).items() if day < today}
        return Kept(archive.counts, len(files), sum(_size(self._folder / f.path) for f in files))


def _by_day(files: Sequence[ArchiveFile]) -> dict[date, list[ArchiveFile]]:
    days: dict[date, list[ArchiveFile]] = {}
    for file in files:
        days.setdefault(file.day, []).append(file)
    return days


def _has_several(files: Sequence[ArchiveFile]) -> bool:
    """Whether a partition has more than one file."""
    return max(Counter((file.stream, file.partition) for file in files).values()) > 1


def _digest(files: Sequence[ArchiveFile]) -> int:
    return hash(frozenset(files))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # merged since it was listed
        return 0
