"""Several files become one sequence by event time, and the sequence is cut into steps.

The sequence does not depend on the order in which files are named, nor on where steps
end.  A file that is not in order by itself is put in order within ``BUFFER_ROWS`` rows;
a row that is further out of order stays so, and the engine treats it as late.

The engine keeps each stream's order and interleaves the streams of one step by the
highest event time that each has shown (``sentinel.ingest.merge``).  On rows in order
that changes nothing.  Rows that come late are fed in steps of one stream: so the engine
never moves a row, and steps of any size give the same alerts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Step
from sentinel.replay.block import Block

BUFFER_ROWS = 65_536
STEP_ROWS = 8_192

_STREAMS = tuple(Stream)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Rows of several files in order: a block, and int16[n] which file each is from."""

    block: Block
    files: NDArray[np.int16]


class _FileBuffer:
    """What has been read of one file and not been released, in order."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._last_time = 0
        self.block = Block(np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0, np.int64), [])
        self.exhausted = False

    def fill(self, buffer_rows: int) -> None:
        """Read on until twice ``buffer_rows`` are buffered or the file ends."""
        while not self.exhausted and len(self.block) < 2 * buffer_rows:
            block = next(self._blocks, None)
            if block is None:
                self.exhausted = True
            elif len(block):
                self.block = _sorted(_joined([self.block, self._timed(block)]))

    def horizon(self, buffer_rows: int) -> int:
        """The time (ms) up to which rows may be released."""
        return int(self.block.times[-buffer_rows - 1])

    def release(self, until: int | None) -> Block:
        """Remove and return the rows up to the time ``until``, or all."""
        n = (
            len(self.block)
            if until is None
            else int(np.searchsorted(self.block.times, until, side="right"))
        )
        released = _slice(self.block, 0, n)
        self.block = _slice(self.block, n, len(self.block))
        return released

    def _timed(self, block: Block) -> Block:
        """The block with each unknown time replaced by that of the row before."""
        known = block.times >= 0
        row = np.where(known, np.arange(len(block)), -1)
        row = np.maximum.accumulate(row)
        times = np.where(row >= 0, block.times[row], self._last_time)
        self._last_time = int(times[-1])
        return Block(times, block.streams, block.offsets, block.values)


def in_order(
    files: Mapping[str, Iterator[Block]], buffer_rows: int = BUFFER_ROWS
) -> Iterator[Sequence]:
    """The files' rows by (event time, stream, file name, row), in pieces."""
    buffers = [_FileBuffer(files[name]) for name in sorted(files)]
    while True:
        for each in buffers:
            each.fill(buffer_rows)
        open_ones = [each.horizon(buffer_rows) for each in buffers if not each.exhausted]
        until = min(open_ones) if open_ones else None
        released = [each.release(until) for each in buffers]
        sizes = [len(block) for block in released]
        if sum(sizes):
            which = np.repeat(np.arange(len(buffers), dtype=np.int16), sizes)
            yield _interleaved(_joined([block for block in released if len(block)]), which)
        if until is None:
            return


def first_rows(sequences: Iterator[Sequence], limit: int) -> Iterator[Sequence]:
    """The first ``limit`` rows."""
    for sequence in sequences:
        n = min(limit, len(sequence.block))
        yield Sequence(_slice(sequence.block, 0, n), sequence.files[:n])
        limit -= n
        if not limit:
            return


def steps(
    sequences: Iterator[Sequence], names: list[str], step_rows: int = STEP_ROWS
) -> Iterator[Step]:
    """Cut into steps of at most ``step_rows``; ``names`` are the files', sorted.

    A step's chunks have the file's name as topic and its row numbers as offsets; the
    record's timestamp is the event's own time, so that no event is from the future.
    """
    highest = 0
    for sequence in sequences:
        times, streams = sequence.block.times, sequence.block.streams
        late = int(np.searchsorted(times, highest))
        turns = np.flatnonzero(np.diff(streams[:late])) + 1
        edges = sorted({0, *turns.tolist(), late, len(times)})
        for start, end in pairwise(edges):
            for first in range(start, end, step_rows):
                yield _step(sequence, names, first, min(first + step_rows, end))
        highest = max(highest, int(times[-1]))


def _step(sequence: Sequence, names: list[str], first: int, end: int) -> Step:
    block = _slice(sequence.block, first, end)
    files = sequence.files[first:end]
    chunks = []
    for stream in np.unique(block.streams):
        rows = np.flatnonzero(block.streams == stream)
        breaks = (np.diff(files[rows]) != 0) | (np.diff(block.offsets[rows]) < 0)
        for run in np.split(rows, np.flatnonzero(breaks) + 1):
            times = block.times[run].tolist()
            chunks.append(
                Chunk(
                    stream=_STREAMS[stream],
                    topic=names[files[run[0]]],
                    partition=0,
                    offsets=block.offsets[run].tolist(),
                    recorded_ms=times,
                    keys=[None] * len(run),
                    values=[block.values[row] for row in run.tolist()],
                )
            )
    return Step(int(block.times.max()), chunks)


def _slice(block: Block, first: int, end: int) -> Block:
    return Block(
        block.times[first:end],
        block.streams[first:end],
        block.offsets[first:end],
        block.values[first:end],
    )


def _joined(blocks: list[Block]) -> Block:
    return Block(
        np.concatenate([block.times for block in blocks]),
        np.concatenate([block.streams for block in blocks]),
        np.concatenate([block.offsets for block in blocks]),
        [value for block in blocks for value in block.values],
    )


def _reordered(block: Block, order: NDArray[np.int64]) -> Block:
    values = block.values
    return Block(
        block.times[order],
        block.streams[order],
        block.offsets[order],
        [values[row] for row in order.tolist()],
    )


def _sorted(block: Block) -> Block:
    """By time, then row number."""
    if (block.times[1:] >= block.times[:-1]).all():
        return block
    return _reordered(block, np.argsort(block.times, kind="stable"))


def _interleaved(block: Block, files: NDArray[np.int16]) -> Sequence:
    """By time, then stream, then file: the rows come file by file, each in order."""
    order = np.lexsort((block.streams, block.times))
    if (np.diff(order) == 1).all():
        return Sequence(block, files)
    return Sequence(_reordered(block, order), files[order])
