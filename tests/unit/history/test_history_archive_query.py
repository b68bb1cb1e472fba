"""Reading: in order for a replay, and one customer's timeline of all streams."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.history.archive_events import (
    ALWAYS,
    LIMITS,
    NOON_MS,
    chunk,
    login,
    numbered,
    read,
    transaction,
)

from sentinel.history import archive_files, archive_query
from sentinel.history.archive import Archive
from sentinel.history.archive_files import files_in, live_files
from sentinel.history.archive_parquet import read_rows
from sentinel.history.archive_query import ArchiveReader
from sentinel.model.columns import FIELDS
from sentinel.model.events import Complaint, Login, Stream, Transaction, epoch_ms

TODAY = date(2026, 11, 30)


def _archive(folder: Path) -> Archive:
    archive = Archive(folder, LIMITS)
    for start in (0, 20, 40):
        archive.append(numbered(start, start + 20))
        archive.append(numbered(start, start + 20, partition=1))
        logins = [login(number) for number in range(start, start + 20)]
        archive.append(chunk(logins, start, stream=Stream.LOGIN))
        archive.flush()
    return archive


def test_rows_come_by_partition_and_offset_between_two_times(tmp_path: Path) -> None:
    """From the first time to before the second, by event time; files outside are not opened."""
    _archive(tmp_path)
    for each in files_in(tmp_path, Stream.TRANSACTION):
        if each.start == 40:
            (tmp_path / each.path).write_bytes(b"not Parquet")
    batches = list(
        ArchiveReader(tmp_path).rows(Stream.TRANSACTION, NOON_MS + 5_000, NOON_MS + 25_000)
    )
    found = [
        row
        for batch in batches
        for row in zip(batch["partition"].to_pylist(), batch["offset"].to_pylist(), strict=True)
    ]
    assert found == [(p, n) for p in (1, 3) for n in range(5, 25)]
    assert batches[0].schema.names[:3] == ["partition", "offset", "recorded_ms"]


def test_a_timeline_has_one_customers_events_of_all_streams(tmp_path: Path) -> None:
    """Newest first, at most as many as asked for."""
    archive = _archive(tmp_path)
    complaint = (
        b'{"event_id":"k1","event_time":%d,"complaint_id":"K","customer_id":"C2",'
        b'"status":"received","channel":"app","text":""}' % (NOON_MS + 100_000)
    )
    archive.append(chunk([complaint], stream=Stream.COMPLAINT))
    archive.flush()
    reader = ArchiveReader(tmp_path)
    found = reader.timeline("C2", *ALWAYS)
    assert {each.event.customer_id for each in found} == {"C2"}
    numbers = range(2, 60, 7)
    assert len(found) == 3 * len(numbers) + 1
    times = [epoch_ms(each.event.event_time) for each in found]
    assert times == sorted(times, reverse=True)
    assert isinstance(found[0].event, Complaint)
    assert found[0].event.text == ""
    assert isinstance(found[1].event, Login)
    assert isinstance(found[2].event, Transaction)
    assert (found[2].stream, found[2].partition, found[2].offset) == (Stream.TRANSACTION, 3, 58)
    assert found[2].recorded_ms == NOON_MS + 58_200
    assert reader.timeline("C2", *ALWAYS, limit=2) == found[:2]
    assert reader.timeline("C2", *ALWAYS, partition=1) == [
        each for each in found if each.partition == 1
    ]
    assert reader.timeline("C2", NOON_MS + 9_000, NOON_MS + 16_000) == [
        each
        for each in found
        if NOON_MS + 9_000 <= epoch_ms(each.event.event_time) < NOON_MS + 16_000
    ]
    assert reader.timeline("nobody", *ALWAYS) == reader.timeline("C2", 0, 1) == []
    reader.close()


def test_a_customer_id_is_never_a_part_of_the_query(tmp_path: Path) -> None:
    """Quotes, percent signs and SQL are an id like any other."""
    odd = "C1' OR 1=1 --%_"
    archive = Archive(tmp_path / "a 'quoted' folder*", LIMITS)
    archive.append(chunk([transaction(0), transaction(1, customer_id=odd)]))
    archive.flush()
    reader = ArchiveReader(tmp_path / "a 'quoted' folder*")
    assert [each.offset for each in reader.timeline(odd, *ALWAYS)] == [1]


def test_a_timeline_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked for."""
    monkeypatch.setattr(archive_query, "MOST_EVENTS", 3)
    _archive(tmp_path)
    assert len(ArchiveReader(tmp_path).timeline("C2", *ALWAYS, limit=10**9)) == 3


def test_a_reader_goes_on_while_files_are_merged(tmp_path: Path) -> None:
    """It finds the merged file, and reads from there what it has not read yet."""
    archive = _archive(tmp_path)
    expected = read(tmp_path)
    rows = ArchiveReader(tmp_path).rows(Stream.TRANSACTION, *ALWAYS)
    first = next(rows)
    archive.compact(TODAY)
    found = [first, *rows]
    assert [offset for batch in found for offset in batch["offset"].to_pylist()] == [
        offset for _, offset, _ in expected
    ]


def test_a_timeline_lists_the_files_again_if_one_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may be removed between listing and reading."""
    archive = _archive(tmp_path)
    reader = ArchiveReader(tmp_path)
    expected = reader.timeline("C2", *ALWAYS)
    old = {stream: reader.files(stream) for stream in Stream}
    archive.compact(TODAY)
    listed = []

    def files(self: ArchiveReader, stream: Stream, partition: int | None) -> object:
        listed.append(stream)
        return old.pop(stream, None) or real(self, stream, partition)

    real = ArchiveReader.files
    monkeypatch.setattr(ArchiveReader, "files", files)
    assert reader.timeline("C2", *ALWAYS) == expected
    assert listed.count(Stream.TRANSACTION) == 2


def test_a_listing_that_misses_a_merged_file_and_its_parts_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that appear and go while a folder is listed may both be left out."""
    archive = _archive(tmp_path)
    before = files_in(tmp_path, Stream.TRANSACTION)
    archive.compact(TODAY)
    merged = files_in(tmp_path, Stream.TRANSACTION)
    listings = [before, [each for each in before if each.partition == 1], merged, merged]
    monkeypatch.setattr(archive_files, "files_in", lambda *_: listings.pop(0))
    assert [each.file for each in live_files(tmp_path)] == sorted(merged)
    assert listings == []


def test_rows_of_an_older_version_lack_newer_fields(tmp_path: Path) -> None:
    """They are null, or have their default; fields that are gone are left out."""
    archive = _archive(tmp_path)
    before = [
        (*where, value.replace(b',"status":"approved"', b"")) for *where, value in read(tmp_path)
    ]
    for each in files_in(tmp_path, Stream.TRANSACTION):
        path = tmp_path / each.path
        rows = pq.ParquetFile(path).read().drop_columns(["balance_after", "status"])
        rows = rows.append_column("gone", pa.nulls(rows.num_rows, pa.string()))
        pq.write_table(rows, path)
    assert read(tmp_path) == before
    found = ArchiveReader(tmp_path).timeline("C2", *ALWAYS)
    events = [each.event for each in found if isinstance(each.event, Transaction)]
    assert {event.status for event in events} == {"approved"}
    archive.compact(TODAY)
    assert read(tmp_path) == before


def test_a_file_has_every_field_typed_and_sorted_by_customer(tmp_path: Path) -> None:
    """So that row groups of other customers are passed over."""
    _archive(tmp_path)
    (file, *_) = files_in(tmp_path, Stream.TRANSACTION)
    rows = read_rows(tmp_path / file.path, Stream.TRANSACTION)
    assert set(FIELDS[Stream.TRANSACTION]) < set(rows.column_names)
    assert rows.schema.field("amount").type == pa.float64()
    customers = rows["customer_id"].to_pylist()
    assert customers == sorted(customers)
    parquet = pq.ParquetFile(tmp_path / file.path)
    index = rows.column_names.index("customer_id")
    statistics = parquet.metadata.row_group(0).column(index).statistics
    assert (statistics.min, statistics.max) == ("C0", "C6")
