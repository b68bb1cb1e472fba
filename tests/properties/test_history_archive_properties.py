"""The archive: an event read back gives the engine the same event, whatever its record was."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.test_ingest_scan import LIMITS, records
from tests.unit.history.archive_events import DAY_MS, QuickDisk

from sentinel.history.archive import Archive
from sentinel.history.archive_files import files_in
from sentinel.history.archive_query import ArchiveReader
from sentinel.history.archive_rows import chunk_of
from sentinel.ingest import Limits, decode
from sentinel.ingest.decoded import Decoded
from sentinel.model.columns import FIELDS, Column, Kind
from sentinel.model.events import LAST_MOMENT_MS, Stream
from sentinel.model.step import Chunk, DeadLetterReason

SENT_MS = 1_767_571_200_000
CONVERTED = msgspec.structs.replace(
    LIMITS, rates={"CNY": 1.0, "USD": 7.0}, placeholders=("手机行", "USD")
)


_TEXTS = ["x", "手机行", 'a"b\\c', "\n\0é😀", "N/A", "USD", "203.0.113.9", "::ffff:10.0.0.1"]
_OF_THREE = {
    "currency": ["CNY", "USD"],
    "country": ["CN", "手机行"],
    "counterparty_country": ["USD"],
}
_MAY_BE_EMPTY = ("text", "user_agent")
_AMOUNTS = [0, 0.1, 1e-7, 1e15, 0.30000000000000004, "12.50", "0E-8", "123456789012345.123456789"]
_NUMBERS = [0, -0.0, 7, 0.25, 1e-7, 89.99]
_TIMES = [SENT_MS, SENT_MS - 86_399_999, "2026-01-04T23:59:59.999999+08:00", "2026-01-01T00:00:00Z"]


def _choices(column: Column) -> list[Any]:
    """Values that the field may have: plain ones, and such as the scanner leaves to the decoder."""
    if column.vocabulary:
        return [*column.vocabulary]
    if column.kind is Kind.NUMBER:
        return _AMOUNTS if column.name.startswith("amount") else _NUMBERS
    if column.kind is Kind.TIME:
        return _TIMES
    if column.kind is Kind.TRUTH:
        return [True, False]
    texts = _OF_THREE.get(column.name, _TEXTS)
    return [*texts, ""] if column.name in _MAY_BE_EMPTY else texts


@st.composite
def events(draw: st.DrawFn, stream: Stream) -> bytes:
    """An event, its optional fields there, null or absent."""
    fields: dict[str, Any] = {}
    for name, column in FIELDS[stream].items():
        has_default = name in {"currency", "status"} and stream is Stream.TRANSACTION
        absent = not column.required or has_default
        if not absent or draw(st.booleans()):
            nullable = [None] if not column.required else []
            fields[name] = draw(st.sampled_from([*_choices(column), *nullable]))
    return json.dumps(fields, ensure_ascii=draw(st.booleans())).encode()


def _chunk(stream: Stream, raw: list[bytes]) -> Chunk:
    n = len(raw)
    times = [SENT_MS + row * 7 for row in range(n)]
    return Chunk(stream, "t", 3, [*range(10, 10 + n)], times, [None] * n, [*raw])


def _back(folder: Path, stream: Stream) -> Chunk:
    """Everything of the archive as one chunk."""
    batches = [*ArchiveReader(folder).rows(stream, 0, LAST_MOMENT_MS + 1)]
    if not batches:
        return Chunk(stream, "t", 3, [], [], [], [])
    return chunk_of(stream, "t", pa.Table.from_batches(batches).combine_chunks())


def _decoded(stream: Stream, chunk: Chunk, limits: Limits) -> Decoded:
    texts = frozenset(name for name, each in FIELDS[stream].items() if each.kind is Kind.STRING)
    return decode(stream, [chunk], limits, frozenset(FIELDS[stream]), texts, with_offsets=True)


def _texts(decoded: Decoded) -> dict[str, list[bytes]]:
    """The raw texts that are there."""
    texts = decoded.texts
    assert texts is not None
    return {
        name: [
            texts.data[start : start + size].tobytes() if hashed else b""
            for (start, size), hashed in zip(
                texts.spans_of(name).tolist(), decoded.columns[name].tolist(), strict=True
            )
        ]
        for name in texts.fields
    }


@pytest.mark.parametrize("stream", Stream)
def test_an_event_read_back_is_the_same_event(stream: Stream) -> None:
    """Column by column and bit for bit, with the same content hash, texts and append time.

    Under the limits with which it was archived, with placeholders and another currency.
    """
    compared = 0
    either = st.one_of(events(stream), events(stream), records(stream))

    @settings(max_examples=200)
    @given(st.lists(either, min_size=1, max_size=8), st.sampled_from([LIMITS, CONVERTED]))
    def check(raw: list[bytes], limits: Limits) -> None:
        nonlocal compared
        sent = _chunk(stream, raw)
        with TemporaryDirectory() as name:
            archive = Archive(Path(name), limits, disk=QuickDisk())
            archive.append(sent)
            archive.flush()
            back = _back(Path(name), stream)
        expected, found = (_decoded(stream, each, limits) for each in (sent, back))
        assert expected.offsets is not None
        assert found.offsets is not None
        assert found.offsets.tolist() == expected.offsets.tolist()
        for column, array in expected.columns.items():
            assert found.columns[column].tobytes() == array.tobytes(), column
        assert found.contents.tolist() == expected.contents.tolist()
        assert found.recorded_ms.tolist() == expected.recorded_ms.tolist()
        if not expected.dead_letters:  # of which placeholders are counted, too
            assert found.missing == expected.missing
        assert _texts(found) == _texts(expected)
        letters = {letter.offset: letter.reason for letter in expected.dead_letters}
        kept = {letter.offset for letter in found.dead_letters}
        assert {letters[offset] for offset in kept} <= {DeadLetterReason.FUTURE}
        assert archive.counts.refused.total() == len(letters) - len(kept)
        assert archive.position(stream, 3) == 10 + len(raw)
        compared += len(found)

    check()
    assert compared > 200


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=8),
    st.lists(st.integers(0, 3), min_size=40, max_size=40),
)
def test_however_chunks_are_cut_repeated_and_merged_each_offset_is_there_once(
    cuts: list[int], repeats: list[tuple[int, int]], days: list[int]
) -> None:
    """Chunks begin anywhere up to the position, days come in any order, merging at any time."""
    rng = np.random.default_rng(len(cuts))

    def part(start: int, end: int) -> Chunk:
        offsets = [*range(start, min(end, 40))]
        values: list[bytes | None] = [
            b'{"event_id":"e%d","event_time":%d,"customer_id":"c%d","kind":"login","success":true}'
            % (offset, SENT_MS, offset % 3)
            for offset in offsets
        ]
        times = [SENT_MS + days[offset] * DAY_MS for offset in offsets]
        return Chunk(Stream.LOGIN, "t", 3, offsets, times, [None] * len(offsets), values)

    with TemporaryDirectory() as name:
        archive = Archive(Path(name), LIMITS, disk=QuickDisk())
        reached = 0
        for size in cuts * 8:
            archive.append(part(reached, reached + size))
            reached = min(reached + size, 40)
            for start, again in repeats[: rng.integers(0, 3)]:
                archive.append(part(min(start, reached), min(start, reached) + again))
                reached = max(reached, min(start + again, 40) if start <= reached else reached)
            if rng.random() < 0.5:
                archive.flush()
            if rng.random() < 0.3:
                for day in {each.day for each in files_in(Path(name))}:
                    archive.compact(day)
        archive.flush()
        assert _back(Path(name), Stream.LOGIN).offsets == [*range(reached)]
