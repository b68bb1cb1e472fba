"""Files through the real engine: the same alerts and state however they are fed."""

import gzip
from pathlib import Path

import pytest
from tests.integration.stage import lively

from sentinel.alerting.cloudevent import encode
from sentinel.engine import Engine
from sentinel.model.events import Stream
from sentinel.model.step import DeadLetterReason
from sentinel.replay.block import ReplayError, Skip
from sentinel.replay.run import Summary, replay
from sentinel.replay.source import open_source
from sentinel.settings import read_configuration


def _files(folder: Path) -> list[str]:
    """Three streams of a lively bank with bad lines, one file out of order, one zipped."""
    lines: dict[Stream, list[bytes]] = {stream: [] for stream in Stream}
    for stream, _, value in lively(600, seed=3, customers=5):
        lines[stream].append(value or b"")
    lines[Stream.LOGIN].reverse()
    lines[Stream.LOGIN].insert(5, b'{"event_id":')
    lines[Stream.TRANSACTION].insert(9, b'{"event_time": 1}')
    names = []
    for stream, mine in lines.items():
        data = b"\n".join(mine) + b"\n"
        if stream is Stream.LOGIN:
            path, data = folder / f"{stream}s.jsonl.gz", gzip.compress(data)
        else:
            path = folder / f"{stream}s.jsonl"
        path.write_bytes(data)
        names.append(str(path))
    return names


def _replayed(
    files: list[str], step_rows: int, limit: int | None = None
) -> tuple[list[bytes], str, Summary]:
    engine, summary = Engine(read_configuration(None)), Summary()
    sources = [open_source(name) for name in files]
    outcomes = replay(engine, sources, summary, step_rows=step_rows, limit=limit)
    alerts = [encode(alert) for outcome in outcomes for alert in outcome.emitted.alerts]
    return alerts, engine.digest(), summary


def test_step_size_and_file_order_change_nothing(tmp_path: Path) -> None:
    """Alerts, state and counts are the same to the byte."""
    files = _files(tmp_path)
    alerts, digest, summary = _replayed(files, 8192)
    assert len(alerts) > 3
    assert summary.dead_letters == {DeadLetterReason.MALFORMED: 1, DeadLetterReason.SCHEMA: 1}
    assert sum(summary.alerts.values()) == len(alerts)
    for order, step_rows in [(files[::-1], 8192), (files, 1), (files[1:] + files[:1], 37)]:
        assert _replayed(order, step_rows) == (alerts, digest, summary)


def test_a_limit_counts_rows_good_and_bad(tmp_path: Path) -> None:
    """A limited replay stops after so many rows of all files together."""
    *_, summary = _replayed(_files(tmp_path), 64, limit=100)
    assert sum(summary.events.values()) + sum(summary.dead_letters.values()) == 100


def test_rows_add_up(tmp_path: Path) -> None:
    """Every row is an event, a dead letter, a repeat or skipped, and conflicts are events."""
    row = '{"stream":"login","event_id":"%s","event_time":%d,"customer_id":"c","kind":"login",'
    good = row + '"success":true}'
    lines = [
        good % ("a", 1_767_578_400_000),
        good % ("a", 1_767_578_400_000),  # sent twice
        good % ("a", 1_767_578_401_000),  # another under its id
        row % ("b", 1_767_578_402_000),  # cut off
        '{"event_time":1767578403000}',
        "",
        good % ("c", 1_767_578_404),  # seconds
        "x" * 5_000_000,
    ]
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join(lines))
    *_, summary = _replayed([str(path)], 64)
    assert summary.rows == 7
    assert summary.events == {Stream.LOGIN: 2}
    assert summary.conflicts == {Stream.LOGIN: 1}
    assert summary.repeated == {Stream.LOGIN: 1}
    assert summary.dead_letters == {DeadLetterReason.MALFORMED: 1, DeadLetterReason.SCHEMA: 1}
    assert summary.skipped == {Skip.NO_STREAM: 1, Skip.TOO_LONG: 1}
    counted = (summary.events, summary.repeated, summary.dead_letters, summary.skipped)
    assert sum(each.total() for each in counted) == summary.rows
    letters = {why: (each.offset, each.detail) for (_, why), each in summary.first_letters.items()}
    assert letters[DeadLetterReason.MALFORMED][0] == 4
    assert letters[DeadLetterReason.SCHEMA][1].endswith("it looks like seconds")


def test_a_file_given_twice_is_refused(tmp_path: Path) -> None:
    """The same rows twice would be no history."""
    first, *_ = _files(tmp_path)
    with pytest.raises(ReplayError) as caught:
        _replayed([first, first], 64)
    assert str(caught.value) == f"{first}: given twice"
