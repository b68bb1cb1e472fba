"""A crash at any operation of the disk loses nothing that Kafka has, and doubles nothing.

Every run is interrupted at its first operation, at its second, and so on: the process is killed
(what was written stays), or the machine is (names that were not synchronized are lost, some or
all).  Then a new process goes on, and the result is compared with an undisturbed run.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.unit.history.archive_events import (
    DAY_MS,
    LIMITS,
    NOON_MS,
    FailingDisk,
    KilledError,
    Lost,
    QuickDisk,
    chunk,
    numbered,
    read,
    transaction,
)

from sentinel.history.archive import Archive
from sentinel.history.archive_files import Disk, files_in, torn_in
from sentinel.model.events import Stream

TODAY = date(2026, 11, 30)


def _filled(folder: Path, disk: Disk) -> Archive:
    """Two partitions and three flushes, as an agent does it: from the positions on."""
    archive = Archive(folder, LIMITS, disk=disk)
    for end in (12, 24, 36):
        for partition in (0, 3):
            start = archive.position(Stream.TRANSACTION, partition)
            if start < end:
                times = [NOON_MS + offset // 30 * DAY_MS for offset in range(start, end)]
                values = [transaction(offset) for offset in range(start, end)]
                archive.append(chunk(values, start, partition=partition, recorded_ms=times))
        archive.flush()
    return archive


def _fill(folder: Path, disk: Disk) -> None:
    _filled(folder, disk)


def _compact(folder: Path, disk: Disk) -> None:
    Archive(folder, LIMITS, disk=disk).compact(TODAY)


def _erase(folder: Path, disk: Disk) -> None:
    Archive(folder, LIMITS, disk=disk).erase("C3")


def _retain(folder: Path, disk: Disk) -> None:
    Archive(folder, LIMITS, disk=disk).retain(NOON_MS + DAY_MS)


def _positions(folder: Path) -> list[int]:
    archive = Archive(folder, LIMITS)
    return [archive.position(Stream.TRANSACTION, partition) for partition in (0, 3)]


@pytest.mark.parametrize("lost", Lost)
@pytest.mark.parametrize("run", [_fill, _compact, _erase, _retain])
def test_after_a_crash_at_any_step_the_rows_are_the_same(
    tmp_path: Path, run: Callable[[Path, Disk], None], lost: Lost
) -> None:
    """In between they are those of before or after, each once, and no position is lost."""
    start, expected = tmp_path / "start", tmp_path / "expected"
    start.mkdir()
    if run is not _fill:
        _filled(start, QuickDisk())
    before = read(start)
    shutil.copytree(start, expected)
    run(expected, QuickDisk())
    after = read(expected)
    fatal = 0
    while True:
        fatal += 1
        folder = tmp_path / str(fatal)
        shutil.copytree(start, folder)
        try:
            run(folder, FailingDisk(fatal, lost))
        except KilledError:
            seen = read(folder)
            assert len({row[:2] for row in seen}) == len(seen)
            assert set(after) & set(before) <= set(seen) <= set(after) | set(before), fatal
            if run is not _fill:
                assert _positions(folder) == [36, 36]
            run(folder, QuickDisk())
            assert read(folder) == after
            assert _positions(folder) == [36, 36]
            assert torn_in(folder) == []
        else:
            break
    assert fatal > 8
    assert read(folder) == after


def test_a_merged_file_supersedes_its_parts_at_once(tmp_path: Path) -> None:
    """For a reader, before they are removed; opening the archive removes and counts them."""
    _filled(tmp_path, QuickDisk())
    before, files = read(tmp_path), files_in(tmp_path)
    kept = {each.path: (tmp_path / each.path).read_bytes() for each in files}
    Archive(tmp_path, LIMITS).compact(TODAY)
    for path, data in kept.items():
        (tmp_path / path).write_bytes(data)
    assert len(files_in(tmp_path)) > len(files)
    assert read(tmp_path) == before
    archive = Archive(tmp_path, LIMITS)
    assert archive.counts.files_superseded == 6  # three flushes of two partitions
    assert read(tmp_path) == before


def test_a_torn_file_is_removed_and_counted(tmp_path: Path) -> None:
    """It was never renamed, so nobody read it; files of others are left alone."""
    _filled(tmp_path, QuickDisk())
    folder = tmp_path / files_in(tmp_path)[0].path
    (folder.parent / ".new-7-p0003.parquet").write_bytes(b"PAR1")
    (folder.parent / "notes.txt").write_text("by hand")
    (tmp_path / "transaction" / "day=soon").mkdir()
    (tmp_path / "transaction" / "day=soon" / folder.name).write_bytes(b"")
    archive = Archive(tmp_path, LIMITS)
    assert archive.counts.files_torn == 1
    assert (folder.parent / "notes.txt").exists()


def test_ranges_that_overlap_in_part_give_each_record_once(tmp_path: Path) -> None:
    """A process that had lost the partition wrote once more."""
    late, owner = Archive(tmp_path, LIMITS), Archive(tmp_path, LIMITS)
    late.append(numbered(0, 10))
    owner.append(numbered(0, 6))
    owner.flush()
    late.flush()
    owner.append(numbered(6, 15))
    owner.flush()
    assert sorted(each.start for each in files_in(tmp_path)) == [0, 0, 6]
    assert [offset for _, offset, _ in read(tmp_path)] == list(range(15))
    Archive(tmp_path, LIMITS).compact(TODAY)
    assert [(each.start, each.end) for each in files_in(tmp_path)] == [(0, 15)]
    assert [offset for _, offset, _ in read(tmp_path)] == list(range(15))


def test_one_appends_while_another_merges_and_a_third_reads(tmp_path: Path) -> None:
    """A reader sees every offset up to some position, each once, at any time."""
    archive, stop = Archive(tmp_path, LIMITS, disk=QuickDisk()), Event()

    def merge() -> None:
        merging = Archive(tmp_path, LIMITS, disk=QuickDisk())
        while not stop.is_set():
            merging.compact(TODAY)
        merged.append(merging.counts.files_written)

    merged: list[int] = []
    thread = Thread(target=merge)
    thread.start()
    try:
        for start in range(0, 200, 10):
            archive.append(numbered(start, start + 10))
            archive.flush()
            assert [offset for _, offset, _ in read(tmp_path)] == list(range(start + 10))
    finally:
        stop.set()
        thread.join()
    assert merged[0] > 3
    assert len(files_in(tmp_path)) < 20


def test_a_killed_process_leaves_an_archive_that_goes_on(tmp_path: Path) -> None:
    """SIGKILL while it appends, flushes and compacts."""
    for round_number in range(3):
        child = os.fork()
        if child == 0:
            try:
                archive = Archive(tmp_path, LIMITS)
                while True:
                    start = archive.position(Stream.TRANSACTION, 3)
                    archive.append(numbered(start, start + 20))
                    archive.flush()
                    if start % 100 == 0:
                        archive.compact(TODAY)
            finally:
                os._exit(1)
        time.sleep(0.15 + 0.06 * round_number)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    archive = Archive(tmp_path, LIMITS)
    end = archive.position(Stream.TRANSACTION, 3)
    archive.append(numbered(0, end + 20))
    archive.flush()
    assert [offset for _, offset, _ in read(tmp_path)] == list(range(end + 20))
    assert end > 0
