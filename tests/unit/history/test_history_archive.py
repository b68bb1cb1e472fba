"""Appending: each event exactly once, whatever is read again; limits; retention; erasure."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from tests.unit.history.archive_events import (
    DAY_MS,
    LIMITS,
    NOON_MS,
    chunk,
    login,
    numbered,
    read,
    transaction,
)

from sentinel.history.archive import Archive, ArchiveLimit, ArchiveLimits
from sentinel.history.archive_files import Disk, files_in, live
from sentinel.history.archive_query import ArchiveReader
from sentinel.history.archive_rows import chunk_of
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.step import Chunk, DeadLetterReason

TODAY = date(2026, 11, 30)


def _names(folder: Path) -> list[str]:
    return sorted(
        each.relative_to(folder).as_posix()
        for each in folder.rglob("*.*")
        if each.suffix != ".lock"
    )


def test_a_file_is_named_by_stream_day_partition_offsets_and_times(tmp_path: Path) -> None:
    """A reader chooses files without opening them."""
    archive = Archive(tmp_path, LIMITS)
    archive.append(numbered(12, 20))
    assert archive.flush() == 8
    name = f"p0003-{12:020}-{20:020}-{NOON_MS + 12_000}-{NOON_MS + 19_000}.parquet"
    assert _names(tmp_path) == [f"transaction/day=2026-11-30/{name}"]
    assert archive.counts.events == {Stream.TRANSACTION: 8}
    assert archive.counts.files_written == 1


def test_what_is_read_again_is_skipped(tmp_path: Path) -> None:
    """By offset, in the buffer, in the files of this process and of one before."""
    archive = Archive(tmp_path, LIMITS)
    archive.append(numbered(0, 10))
    archive.append(numbered(5, 15))
    archive.flush()
    archive.append(numbered(0, 15))
    archive.append(numbered(10, 20))
    archive.flush()
    assert archive.counts.repeated == 5 + 15 + 5
    again = Archive(tmp_path, LIMITS)
    assert again.position(Stream.TRANSACTION, 3) == 20
    again.append(numbered(0, 30))
    again.flush()
    assert [offset for _, offset, _ in read(tmp_path)] == list(range(30))


def test_partitions_and_streams_have_positions_of_their_own(tmp_path: Path) -> None:
    """What one has archived says nothing of another."""
    archive = Archive(tmp_path, LIMITS)
    archive.append(numbered(0, 4, partition=0))
    archive.append(numbered(0, 6, partition=1))
    archive.append(chunk([login(number) for number in range(3)], stream=Stream.LOGIN))
    assert archive.buffered_records == 13
    assert archive.position(Stream.TRANSACTION, 1) == 0
    assert archive.flush() == 13
    assert (archive.buffered_records, archive.buffered_bytes) == (0, 0)
    assert archive.position(Stream.TRANSACTION, 0) == 4
    assert archive.position(Stream.TRANSACTION, 1) == 6
    assert archive.position(Stream.LOGIN, 3) == 3
    assert [row[:2] for row in read(tmp_path)] == [(0, n) for n in range(4)] + [
        (1, n) for n in range(6)
    ]


def test_what_is_no_event_is_counted_and_within_the_range(tmp_path: Path) -> None:
    """So it is not read again, even if a file has no event at all."""
    archive = Archive(tmp_path, LIMITS)
    archive.append(chunk([b"{", None, transaction(2, customer_id="N/A")]))
    archive.append(chunk([transaction(3, currency="XYZ"), b" " * 20_000], 3))
    assert archive.flush() == 0
    assert archive.counts.refused == Counter(
        {
            DeadLetterReason.MALFORMED: 1,
            DeadLetterReason.EMPTY: 1,
            DeadLetterReason.SCHEMA: 2,
            DeadLetterReason.TOO_LARGE: 1,
        }
    )
    assert read(tmp_path) == []
    again = Archive(tmp_path, LIMITS)
    assert again.position(Stream.TRANSACTION, 3) == 5
    again.append(chunk([transaction(5)], 5))
    assert again.flush() == 1


def test_an_event_of_the_future_is_kept_for_the_engine_to_judge(tmp_path: Path) -> None:
    """The engine compares it with append times that depend on the records before."""
    archive = Archive(tmp_path, LIMITS)
    archive.append(chunk([transaction(0, event_time=NOON_MS + DAY_MS)]))
    assert archive.flush() == 1
    assert not archive.counts.refused


def test_records_of_two_days_are_in_two_files(tmp_path: Path) -> None:
    """By the broker's timestamps; the ranges of their offsets follow each other."""
    times = [NOON_MS + number * DAY_MS // 10 for number in range(10)]
    archive = Archive(tmp_path, LIMITS)
    archive.append(chunk([transaction(number) for number in range(10)], recorded_ms=times))
    archive.flush()
    files = [each.file for each in live(files_in(tmp_path))]
    assert [(each.day.day, each.start, each.end) for each in files] == [(30, 0, 5), (1, 5, 10)]
    assert [offset for _, offset, _ in read(tmp_path)] == list(range(10))


def test_odd_timestamps_make_no_files_of_their_own(tmp_path: Path) -> None:
    """A producer with a broken clock cannot scatter its records over as many days."""
    times = [NOON_MS] * 1_000
    for odd in range(0, 1_000, 100):
        times[odd] = NOON_MS + odd * DAY_MS
    times[7] = -1
    archive = Archive(tmp_path, LIMITS)
    archive.append(chunk([transaction(number) for number in range(1_000)], recorded_ms=times))
    archive.flush()
    assert [each.day for each in files_in(tmp_path)] == [TODAY]


def test_without_timestamps_event_times_give_the_day(tmp_path: Path) -> None:
    """And without events it is the first of all days."""
    archive = Archive(tmp_path, LIMITS)
    archive.append(chunk([transaction(0), transaction(1)], recorded_ms=[0, -1]))
    archive.append(chunk([b"{"], partition=4, recorded_ms=[0]))
    archive.flush()
    assert [str(each.day) for each in files_in(tmp_path)] == ["1970-01-01", "2026-11-30"]


def test_a_limit_writes_what_is_buffered_early(tmp_path: Path) -> None:
    """Records, bytes and partitions are bounded, and each limit is counted."""
    bounds = ArchiveLimits(buffered_records=10, buffered_bytes=5_000, partitions=2)
    archive = Archive(tmp_path, LIMITS, bounds)
    archive.append(numbered(0, 8))
    archive.append(numbered(8, 16))
    assert (archive.position(Stream.TRANSACTION, 3), archive.buffered_records) == (8, 8)
    assert archive.counts.limits == {ArchiveLimit.BUFFERED_RECORDS: 1}
    archive.append(chunk([transaction(16, device_id="d" * 100) + b" " * 4_500], 16))
    assert archive.counts.limits[ArchiveLimit.BUFFERED_BYTES] == 1
    archive.flush()
    for partition in (0, 1, 2):
        archive.append(numbered(0, 1, partition=partition))
    assert archive.counts.limits[ArchiveLimit.PARTITIONS] == 1
    archive.append(numbered(0, 100, partition=7))  # a chunk beyond the limit is not cut
    archive.flush()
    assert len(read(tmp_path)) == 17 + 3 + 100


def test_a_disk_that_fails_keeps_the_buffer(tmp_path: Path) -> None:
    """The call is repeated later; nothing is lost, nothing is doubled."""

    class Full(Disk):
        full = True

        def rename(self, old: Path, new: Path) -> None:
            if self.full:
                raise OSError("No space left on device")
            super().rename(old, new)

    disk = Full()
    archive = Archive(tmp_path, LIMITS, ArchiveLimits(buffered_records=10), disk)
    archive.append(numbered(0, 10))
    with pytest.raises(OSError, match="No space"):
        archive.flush()
    with pytest.raises(OSError, match="No space"):
        archive.append(numbered(10, 11))
    assert archive.buffered_records == 10
    assert not [each for each in tmp_path.rglob("*") if each.name.startswith(".new")]
    disk.full = False
    archive.append(numbered(0, 11))
    archive.flush()
    assert [offset for _, offset, _ in read(tmp_path)] == list(range(11))
    assert archive.counts.events == {Stream.TRANSACTION: 11}


def test_a_folder_that_could_not_be_synchronized_is_synchronized_by_the_next_flush(
    tmp_path: Path,
) -> None:
    """Before anything else is written: what follows must not be durable without it."""

    class Unwilling(Disk):
        fails = 0
        calls: list[str] = []  # noqa: RUF012 - of one test

        def rename(self, old: Path, new: Path) -> None:
            super().rename(old, new)
            self.calls.append(new.parent.name)

        def sync(self, folder: Path) -> None:
            if self.fails:
                self.fails -= 1
                raise OSError("Input/output error")
            super().sync(folder)
            self.calls.append(f"synchronized {folder.name}")

    disk = Unwilling()
    archive = Archive(tmp_path, LIMITS, disk=disk)
    (tmp_path / "transaction" / "day=2026-11-30").mkdir(parents=True)
    archive.append(numbered(0, 4))
    disk.calls.clear()
    disk.fails = 1
    with pytest.raises(OSError, match="Input/output"):
        archive.flush()
    archive.append(numbered(0, 6))
    archive.flush()
    written = "day=2026-11-30"
    assert disk.calls == [written, f"synchronized {written}"] * 2
    assert [offset for _, offset, _ in read(tmp_path)] == list(range(6))


def test_a_released_partition_is_read_from_the_files_again(tmp_path: Path) -> None:
    """Another process may have appended to it meanwhile."""
    one, other = Archive(tmp_path, LIMITS), Archive(tmp_path, LIMITS)
    assert other.position(Stream.TRANSACTION, 3) == 0
    one.append(numbered(0, 5))
    one.flush()
    one.append(numbered(5, 9))
    one.release(Stream.TRANSACTION, 3)
    assert one.buffered_records == 0
    assert other.position(Stream.TRANSACTION, 3) == 0  # as it was when it was asked for
    other.release(Stream.TRANSACTION, 3)
    other.append(numbered(0, 7))
    other.flush()
    assert one.position(Stream.TRANSACTION, 3) == 7


def test_records_of_controls_are_not_archived(tmp_path: Path) -> None:
    """The archive is of input events."""
    archive = Archive(tmp_path, LIMITS)
    control = next(iter(Control))
    with pytest.raises(ValueError, match="is not a valid Stream"):
        archive.append(Chunk(control, "t", 0, [0], [0], [None], [b""]))


def test_retention_deletes_whole_days_but_not_the_position(tmp_path: Path) -> None:
    """The newest file of a partition keeps its range without its events."""
    archive = Archive(tmp_path, LIMITS)
    for number, partition in enumerate((0, 0, 0, 1)):
        recorded = [NOON_MS + number * DAY_MS]
        value = [transaction(number)]
        archive.append(chunk(value, number, partition=partition, recorded_ms=recorded))
        archive.flush()
    assert archive.retain(NOON_MS + 2 * DAY_MS) == 2
    assert [row[:2] for row in read(tmp_path)] == [(0, 2), (1, 3)]
    assert archive.retain(NOON_MS + 9 * DAY_MS) == 2
    assert archive.retain(NOON_MS + 9 * DAY_MS) == 0
    assert read(tmp_path) == []
    assert archive.counts.files_expired == archive.counts.events_expired == 4
    assert len(list((tmp_path / "transaction").iterdir())) == 2
    again = Archive(tmp_path, LIMITS)
    assert again.position(Stream.TRANSACTION, 0) == 3
    again.append(chunk([transaction(3)], 3, partition=0, recorded_ms=[NOON_MS + 4 * DAY_MS]))
    again.flush()
    assert again.retain(NOON_MS + 4 * DAY_MS) == 1  # the empty file is not needed any more


def test_a_customer_is_erased_from_every_file(tmp_path: Path) -> None:
    """Buffered events too, of all streams, and nobody else's; positions stay."""
    archive = Archive(tmp_path, LIMITS)
    archive.append(numbered(0, 21))
    archive.append(chunk([login(number) for number in range(14)], stream=Stream.LOGIN))
    archive.flush()
    archive.append(numbered(21, 28))
    before = read(tmp_path)
    assert archive.erase("C3") == 3 + 2 + 1
    assert archive.erase("C3") == 0
    assert archive.erase("nobody") == 0
    assert archive.counts.events_erased == 6
    kept = [row for row in before if b'"C3"' not in row[2]]
    assert read(tmp_path)[: len(kept)] == kept
    assert len(read(tmp_path)) == 24
    assert len(read(tmp_path, Stream.LOGIN)) == 12
    again = Archive(tmp_path, LIMITS)
    again.append(numbered(0, 28))
    assert again.flush() == 0
    assert not any(b'"C3"' in file.read_bytes() for file in tmp_path.rglob("*.parquet"))


def test_a_day_is_compacted_partition_by_partition(tmp_path: Path) -> None:
    """Into files of at most so many rows; other days are left alone."""
    archive = Archive(tmp_path, LIMITS, ArchiveLimits(file_rows=25))
    for start in range(0, 60, 10):
        archive.append(numbered(start, start + 10))
        archive.append(numbered(start, start + 10, partition=4))
        archive.flush()
    archive.append(chunk([transaction(60)], 60, recorded_ms=[NOON_MS + DAY_MS]))
    archive.flush()
    before = read(tmp_path)
    assert archive.compact(TODAY) == 12
    assert read(tmp_path) == before
    ranges = [(each.partition, each.start, each.end) for each in files_in(tmp_path)]
    assert sorted(ranges) == [
        *[(3, 0, 20), (3, 20, 40), (3, 40, 60), (3, 60, 61)],
        *[(4, 0, 20), (4, 20, 40), (4, 40, 60)],
    ]
    assert archive.compact(TODAY) == 0
    assert Archive(tmp_path, LIMITS).compact(TODAY) == 6
    assert read(tmp_path) == before


def test_a_file_of_another_day_between_two_is_not_covered(tmp_path: Path) -> None:
    """A merged range over it would supersede it."""
    archive = Archive(tmp_path, LIMITS)
    for offset, day in enumerate((0, 0, 1, 0, 0)):
        recorded = [NOON_MS + day * DAY_MS]
        archive.append(chunk([transaction(offset)], offset, recorded_ms=recorded))
        archive.flush()
    before = read(tmp_path)
    assert archive.compact(TODAY) == 4
    assert len(files_in(tmp_path)) == 3
    assert read(tmp_path) == before


def test_archived_rows_replay_as_the_chunk_that_kafka_gave(tmp_path: Path) -> None:
    """With offsets and timestamps, so that append times are the same."""
    sent = numbered(5, 25)
    archive = Archive(tmp_path, LIMITS)
    archive.append(sent)
    archive.flush()
    (batch,) = ArchiveReader(tmp_path).rows(Stream.TRANSACTION, 0, NOON_MS * 2)
    back = chunk_of(Stream.TRANSACTION, "transaction", batch)
    assert (back.partition, back.offsets, back.recorded_ms) == (3, sent.offsets, sent.recorded_ms)
    assert back.keys == [b"C%d" % (number % 7) for number in range(5, 25)]
