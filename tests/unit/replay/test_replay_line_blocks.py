"""Lines however they are cut into reads, and however long one is."""

import gzip
import tracemalloc
from collections import Counter
from io import BytesIO
from typing import BinaryIO, cast

import pytest

from sentinel.replay import line_blocks as subject
from sentinel.replay.block import Skip
from sentinel.replay.line_blocks import LONGEST_LINE, line_blocks


def _read(data: bytes) -> tuple[list[tuple[int, bytes]], Counter[Skip]]:
    skipped: Counter[Skip] = Counter()
    found = [
        pair
        for numbers, lines in line_blocks(BytesIO(data), skipped)
        for pair in zip(numbers, lines, strict=True)
    ]
    return found, skipped


@pytest.mark.parametrize("size", range(1, 5))
def test_lines_are_the_same_wherever_a_read_ends(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Empty ones and one without a line feed count, and a long one has its number."""
    monkeypatch.setattr(subject, "BLOCK_BYTES", size)
    monkeypatch.setattr(subject, "LONGEST_LINE", 4)
    found, skipped = _read(b"a\n\nbb\n12345678\nccc\n123456\n12345\ndd\r\n\ne")
    assert found == [
        (1, b"a"),
        (2, b""),
        (3, b"bb"),
        (5, b"ccc"),
        (8, b"dd\r"),
        (9, b""),
        (10, b"e"),
    ]
    assert skipped == {Skip.TOO_LONG: 3}


@pytest.mark.parametrize("data", [b"", b"\n", b"a", b"a\n"])
def test_an_end_is_an_end(data: bytes) -> None:
    """With a line feed or without."""
    assert [line for _, line in _read(data)[0]] == data.splitlines()


def test_a_line_that_was_packed_small_takes_no_memory() -> None:
    """200 MB of one letter in 200 kB of gzip: skipped, in a few megabytes."""
    packed = BytesIO(gzip.compress(b"good\n" + b"x" * 200_000_000 + b"\nbetter\n", 1))
    skipped: Counter[Skip] = Counter()
    tracemalloc.start()
    file = cast("BinaryIO", gzip.GzipFile(fileobj=packed))
    found = [line for _, lines in line_blocks(file, skipped) for line in lines]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [b"good", b"better"]
    assert skipped == {Skip.TOO_LONG: 1}
    assert most < 8 * LONGEST_LINE
