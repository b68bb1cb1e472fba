"""One sequence from several files, the same whatever the order of files and size of steps."""

import random
from collections.abc import Iterator

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel import ingest
from sentinel.model.events import Stream
from sentinel.model.step import Step
from sentinel.replay.block import Block
from sentinel.replay.order import first_rows, in_order, steps

STREAMS = tuple(Stream)
LIMITS = ingest.Limits(
    lateness_ms=10,
    future_skew_ms=0,
    max_value_bytes=9999,
    remembered_events=99,
    base_currency="CNY",
    rates={"CNY": 1.0},
)

FIELDS: dict[Stream, dict[str, object]] = {
    Stream.TRANSACTION: {"kind": "card", "direction": "debit", "amount": 1},
    Stream.LOGIN: {"kind": "login", "success": True},
    Stream.COMPLAINT: {"complaint_id": "c", "status": "received", "channel": "app"},
}

START_MS = 1_700_000_000_000
Row = tuple[int, int]  # stream's place, time in ms since the start or -1
files_of_rows = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 60)), max_size=40), min_size=1, max_size=4
)


def _blocks(name: str, rows: list[Row], block_rows: int) -> Iterator[Block]:
    for first in range(0, len(rows), block_rows):
        part = rows[first : first + block_rows]
        values = [
            msgspec.json.encode(
                {
                    "event_id": f"{name}{first + i}",
                    "event_time": START_MS + time if time >= 0 else "unknown",
                    "customer_id": "c",
                    **FIELDS[STREAMS[stream]],
                }
            )
            for i, (stream, time) in enumerate(part)
        ]
        yield Block(
            np.array([START_MS + time if time >= 0 else -1 for _, time in part], np.int64),
            np.array([stream for stream, _ in part], np.int8),
            np.arange(first + 1, first + 1 + len(part)),
            values,
        )


def _steps(
    files: list[list[Row]], order: list[int], buffer_rows: int, step_rows: int
) -> Iterator[Step]:
    named = {f"f{i}": _blocks(f"f{i}-", files[i], 7) for i in order}
    return steps(in_order(named, buffer_rows), sorted(named), step_rows)


def _as_the_engine_sees(all_steps: Iterator[Step]) -> list[tuple[str, bool]]:
    """Ids and lateness in the order in which the engine's ingest merges them."""
    watermarks = ingest.Watermarks()
    seen: list[tuple[str, bool]] = []
    for step in all_steps:
        chunks = {s: [chunk for chunk in step.chunks if chunk.stream is s] for s in Stream}
        decoded = {s: ingest.decode(s, chunks[s], LIMITS, frozenset()) for s in Stream}
        batch = ingest.merge(decoded, watermarks, LIMITS.lateness_ms)
        for stream, row, late in zip(batch.stream, batch.row, batch.late, strict=True):
            seen.append((batch.rows[STREAMS[stream]].events[row].event_id, bool(late)))
    return seen


@settings(deadline=None)  # the first example compiles a kernel
@given(files_of_rows, st.integers(1, 50), st.integers(1, 12), st.randoms(use_true_random=False))
def test_step_size_and_file_order_do_not_matter(
    files: list[list[Row]], step_rows: int, buffer_rows: int, chance: random.Random
) -> None:
    """However disordered the files, the engine sees the same events in the same order."""
    order = list(range(len(files)))
    expected = _as_the_engine_sees(_steps(files, order, buffer_rows, 1))
    assert len(expected) == sum(time >= 0 for rows in files for _, time in rows)
    chance.shuffle(order)
    assert _as_the_engine_sees(_steps(files, order, buffer_rows, step_rows)) == expected


@given(files_of_rows)
def test_files_within_the_held_rows_come_in_full_order(files: list[list[Row]]) -> None:
    """Disorder that fits into memory is gone: times ascend, equal ones by stream and file."""
    rows = [
        (time, stream, f"f{i}", number)
        for i, file in enumerate(files)
        for number, (stream, time) in enumerate(file, 1)
    ]
    if any(time < 0 for time, *_ in rows):
        return
    seen_times = [
        (time - START_MS, STREAMS.index(chunk.stream), chunk.topic, offset)
        for step in _steps(files, list(range(len(files))), 1000, 1)
        for chunk in step.chunks
        for time, offset in zip(chunk.recorded_ms, chunk.offsets, strict=True)
    ]
    assert seen_times == sorted(rows)


@given(files_of_rows, st.integers(1, 12), st.integers(1, 50))
def test_chunks_are_what_the_engine_expects(
    files: list[list[Row]], buffer_rows: int, step_rows: int
) -> None:
    """Offsets ascend within a chunk, lists are equally long, and no step is too big."""
    for step in _steps(files, list(range(len(files))), buffer_rows, step_rows):
        assert sum(len(chunk.offsets) for chunk in step.chunks) <= step_rows
        for chunk in step.chunks:
            assert chunk.offsets == sorted(set(chunk.offsets))
            assert len(chunk.offsets) == len(chunk.values) == len(chunk.keys)
            assert len(chunk.recorded_ms) == len(chunk.values) > 0


def test_a_row_without_time_stays_behind_the_row_before() -> None:
    """A row that ingest will refuse keeps its place among its neighbours."""
    rows = [(0, 5), (0, -1), (0, 7)]
    (step,) = _steps([rows], [0], 100, 100)
    assert [time - START_MS for time in step.chunks[0].recorded_ms] == [5, 5, 7]
    assert step.chunks[0].offsets == [1, 2, 3]


def test_a_limit_takes_the_first_rows_in_order() -> None:
    """The limit counts rows of all files together."""
    files = [[(0, 5), (0, 9)], [(0, 7), (0, 8)]]
    named = {f"f{i}": _blocks(f"f{i}-", rows, 7) for i, rows in enumerate(files)}
    limited = steps(first_rows(in_order(named, 10), 3), sorted(named), 100)
    seen_times = [time for step in limited for chunk in step.chunks for time in chunk.recorded_ms]
    assert [time - START_MS for time in seen_times] == [5, 7, 8]
