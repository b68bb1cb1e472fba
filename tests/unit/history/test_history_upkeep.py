"""The archive's upkeep: few files of days that are over, none of days that are too old."""

from datetime import date
from pathlib import Path

import pytest
from tests.unit.history.archive_events import DAY_MS, LIMITS, NOON_MS, numbered, read

from sentinel.history.archive import Archive
from sentinel.history.upkeep import Upkeep


def _written(folder: Path, *ranges: tuple[int, int]) -> Archive:
    archive = Archive(folder, LIMITS)
    for start, end in ranges:
        recorded = [NOON_MS] * (end - start)
        archive.append(numbered(start, end, recorded_ms=recorded))
        archive.flush()
    return archive


def test_only_days_that_are_over_are_merged(tmp_path: Path) -> None:
    """On the day itself files stay as they are; the day after they are one."""
    _written(tmp_path, (0, 3), (3, 5))
    upkeep = Upkeep(tmp_path, LIMITS, 30 * DAY_MS)
    assert upkeep.run(NOON_MS + 1).files == 2
    kept = upkeep.run(NOON_MS + DAY_MS)
    assert (kept.files, kept.counts.files_written) == (1, 1)
    assert kept.size_bytes > 0
    assert [offset for _, offset, _ in read(tmp_path)] == [0, 1, 2, 3, 4]


def test_a_day_is_merged_again_only_if_it_has_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flush after midnight adds a file to the day before, which the next upkeep merges."""
    archive = _written(tmp_path, (0, 3), (3, 5))
    upkeep, merged = Upkeep(tmp_path, LIMITS, 30 * DAY_MS), list[date]()
    compact = Archive.compact

    def counted(self: Archive, day: date) -> int:
        merged.append(day)
        return compact(self, day)

    monkeypatch.setattr(Archive, "compact", counted)
    upkeep.run(NOON_MS + DAY_MS)
    upkeep.run(NOON_MS + DAY_MS)
    assert len(merged) == 1
    archive.append(numbered(5, 7, recorded_ms=[NOON_MS] * 2))
    archive.flush()
    assert upkeep.run(NOON_MS + DAY_MS).files == 1
    assert len(merged) == 2


def test_old_days_are_deleted(tmp_path: Path) -> None:
    """Their events are counted; the position stays."""
    _written(tmp_path, (0, 3), (3, 5))
    kept = Upkeep(tmp_path, LIMITS, 30 * DAY_MS).run(NOON_MS + 40 * DAY_MS)
    assert (kept.counts.events_expired, kept.files) == (5, 1)
    assert read(tmp_path) == []
