"""A stream of the archive as one sequence, in the order in which its records were appended."""

from pathlib import Path

import msgspec
import pytest
from tests.unit.history.archive_events import LIMITS, NOON_MS, chunk, transaction

from sentinel.history.archive import Archive
from sentinel.model.events import Stream
from sentinel.replay import archived
from sentinel.replay.archived import ArchiveSource

SPAN = (NOON_MS, NOON_MS + 10**9)


def _numbers(folder: Path, span: tuple[int, int] = SPAN) -> list[int]:
    """The numbers of the events in the order of a replay."""
    source, numbers, rows = ArchiveSource(folder, Stream.TRANSACTION, span), [], []
    for block in source.blocks():
        values = [msgspec.json.decode(value) for value in block.values]
        assert [each["event_time"] for each in values] == block.times.tolist()
        numbers += [int(each["event_id"][1:]) for each in values]
        rows += block.offsets.tolist()
    assert rows == list(range(1, len(rows) + 1))
    return numbers


def _append(folder: Path, partition: int, *appended: tuple[int, int]) -> None:
    """Two records a file: numbers of events, and when each was appended (seconds)."""
    archive = Archive(folder, LIMITS)
    for start in range(0, len(appended), 2):
        part = appended[start : start + 2]
        values = [transaction(number) for number, _ in part]
        recorded = [second and NOON_MS + second * 1_000 for _, second in part]
        archive.append(chunk(values, start, partition=partition, recorded_ms=recorded))
        archive.flush()


def test_partitions_are_merged_by_append_time(tmp_path: Path) -> None:
    """Whatever the event times, and wherever files end."""
    _append(tmp_path, 0, (5, 1), (1, 4), (2, 7), (3, 8))
    _append(tmp_path, 1, (9, 2), (8, 3), (4, 5), (7, 6), (6, 9))
    assert _numbers(tmp_path) == [5, 9, 8, 1, 4, 7, 2, 3, 6]


def test_of_one_append_time_the_partition_and_its_order_decide(tmp_path: Path) -> None:
    """Also where a file ends between records of the same time."""
    _append(tmp_path, 0, (1, 4), (2, 4), (3, 4), (4, 5))
    _append(tmp_path, 1, (5, 4), (6, 4), (7, 4), (8, 4))
    assert _numbers(tmp_path) == [1, 2, 3, 5, 6, 7, 8, 4]


def test_a_timestamp_before_its_predecessor_counts_as_that(tmp_path: Path) -> None:
    """A partition keeps its order."""
    _append(tmp_path, 0, (1, 6), (2, 3), (3, 7))
    _append(tmp_path, 1, (4, 5))
    assert _numbers(tmp_path) == [4, 1, 2, 3]


def test_without_timestamps_event_times_count(tmp_path: Path) -> None:
    """As brokers of old topics have it."""
    _append(tmp_path, 0, (1, 0), (4, 0))
    _append(tmp_path, 1, (2, 0), (3, 0))
    assert _numbers(tmp_path) == [1, 2, 3, 4]


def test_only_events_of_the_span_are_read(tmp_path: Path) -> None:
    """From its first millisecond to before its last; an archive that is not there has none."""
    _append(tmp_path, 0, (1, 1), (2, 2), (3, 3), (4, 4))
    assert _numbers(tmp_path, (NOON_MS + 2_000, NOON_MS + 4_000)) == [2, 3]
    assert _numbers(tmp_path / "nosuch") == []


def test_blocks_have_one_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the last."""
    monkeypatch.setattr(archived, "_BLOCK_ROWS", 2)
    _append(tmp_path, 0, (1, 1), (2, 2), (3, 3), (4, 4), (5, 5))
    source = ArchiveSource(tmp_path, Stream.TRANSACTION, SPAN)
    assert [len(block) for block in source.blocks()] == [2, 2, 1]
    assert (source.drain_refused(), source.done_bytes()) == ([], 0)
