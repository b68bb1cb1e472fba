"""Lines of a file, block by block, with bounded memory for long lines and compressed files."""

from collections import Counter
from collections.abc import Iterator

from sentinel.replay.block import Skip
from sentinel.replay.recode import Reads

BLOCK_BYTES = 4 << 20
LONGEST_LINE = BLOCK_BYTES
"""No event has so many bytes; a longer line is skipped, and no more of it is kept in memory."""


def line_blocks(file: Reads, skipped: Counter[Skip]) -> Iterator[tuple[list[int], list[bytes]]]:
    """Numbers (from 1) and lines without their line feed, in blocks of some megabytes."""
    rest, number, is_skipping = b"", 0, False
    while chunk := file.read(BLOCK_BYTES):
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        first = number + 1
        number += len(lines)
        kept = range(first, number + 1)
        if lines and (is_skipping or len(lines[0]) > LONGEST_LINE):
            skipped[Skip.TOO_LONG] += 1
            lines, kept, is_skipping = lines[1:], kept[1:], False
        if is_skipping or len(rest) > LONGEST_LINE:
            rest, is_skipping = b"", True
        if lines:
            yield list(kept), lines
    if is_skipping:
        skipped[Skip.TOO_LONG] += 1
    elif rest:
        yield [number + 1], [rest]
