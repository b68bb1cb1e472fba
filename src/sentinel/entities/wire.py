"""The encoding of rollup records: blocks as bytes, a few records for each owner's partition."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sentinel.model.entity import EntityKind
from sentinel.model.kernel import kernel
from sentinel.model.rollup import Progress, RollupBlock

RECORD_BYTES = 500_000  # of rows in a record: well below what brokers take by default
_MOST_SHARDS = 1_024


class Part(Struct, frozen=True, array_like=True):
    """Rows of one kind: ``rows`` int64[r, width], ``ends`` int32[r], little-endian, and texts."""

    kind: EntityKind
    version: bytes
    rows: bytes
    ends: bytes
    text: bytes


class Rollup(Struct, frozen=True, array_like=True):
    """One record: its source shard of how many, its rows, and that shard's progress.

    Of a step's records for one owner only the last has ``progress``.
    """

    source: Annotated[int, Meta(ge=0, lt=_MOST_SHARDS)]
    sources: Annotated[int, Meta(ge=1, le=_MOST_SHARDS)]
    progress: Progress | None
    parts: list[Part]


_DECODER = msgspec.msgpack.Decoder(Rollup)


def records(
    blocks: list[RollupBlock],
    source: int,
    sources: int,
    progress: Progress,
    *,
    tells_all: bool = False,
) -> list[tuple[int, bytes]]:
    """The records of a step, each with the partition of the owner of its entities.

    ``source`` is the sending shard, ``sources`` the number of shards; with ``tells_all`` each
    of them gets a record, if only with the progress.
    """
    by_target: dict[int, list[Part]] = {target: [] for target in range(sources) if tells_all}
    for block in blocks:
        for target, part in _parts(block, sources):
            by_target.setdefault(target, []).append(part)
    found = []
    for target in sorted(by_target):
        parts: list[Part] = []
        size = 0
        for part in by_target[target]:
            if size + len(part.rows) > RECORD_BYTES and parts:
                found.append((target, msgspec.msgpack.encode(Rollup(source, sources, None, parts))))
                parts, size = [], 0
            parts.append(part)
            size += len(part.rows)
        last = Rollup(source, sources, progress, parts)
        found.append((target, msgspec.msgpack.encode(last)))
    return found


def decode(record: bytes) -> Rollup:
    """A record's content; raises msgspec.DecodeError."""
    rollup = _DECODER.decode(record)
    if rollup.source >= rollup.sources:
        raise msgspec.ValidationError(f"shard {rollup.source} of {rollup.sources}")
    return rollup


def _parts(block: RollupBlock, partitions: int) -> Iterator[tuple[int, Part]]:
    """The rows of a block for each owner's partition, none of them longer than a record."""
    n, width = block.rows.shape
    rows, ends = np.empty((n, width), "<i8"), np.empty(n, "<i4")
    text, sizes = np.empty(len(block.text), np.uint8), np.zeros((2, partitions), np.int64)
    _sort_by_owner(
        block.rows,
        block.ends,
        block.text,
        block.owners,
        sizes,
        np.empty_like(sizes),
        rows,
        ends,
        text,
    )
    most, end, text_end = max(1, RECORD_BYTES // (8 * width)), 0, 0
    for target in np.flatnonzero(sizes[0]).tolist():
        first, end, base = end, end + int(sizes[0, target]), 0
        for start in range(first, end, most):
            stop = min(end, start + most)
            size = int(ends[stop - 1]) - base
            yield (
                target,
                Part(
                    block.kind,
                    block.version,
                    rows[start:stop].tobytes(),
                    (ends[start:stop] - base).tobytes(),
                    text[text_end : text_end + size].tobytes(),
                ),
            )
            base, text_end = base + size, text_end + size


@kernel
def _sort_by_owner(
    rows: NDArray[np.int64],
    ends: NDArray[np.int64],
    text: NDArray[np.uint8],
    owners: NDArray[np.uint32],
    sizes: NDArray[np.int64],
    next_at: NDArray[np.int64],
    sorted_rows: NDArray[np.int64],
    sorted_ends: NDArray[np.int32],
    sorted_text: NDArray[np.uint8],
) -> None:
    """Write a block's rows and texts by the partition of their owner, else in their order.

    ``sizes`` int64[2, partitions], zeros before, is how many rows and bytes of text each has; the
    ends of texts are within their partition.  ``next_at`` int64[2, partitions] is the kernel's own.
    """
    partitions = sizes.shape[1]
    for r in range(len(rows)):
        target = owners[r] % partitions
        sizes[0, target] += 1
        sizes[1, target] += ends[r] - (ends[r - 1] if r else 0)
    for of in range(2):
        at = 0
        for target in range(partitions):
            next_at[of, target] = at
            at += sizes[of, target]
            sizes[of, target] = 0
    for r in range(len(rows)):
        target = owners[r] % partitions
        row, at = next_at[0, target] + sizes[0, target], next_at[1, target]
        for w in range(rows.shape[1]):
            sorted_rows[row, w] = rows[r, w]
        for k in range(ends[r - 1] if r else 0, ends[r]):
            sorted_text[at + sizes[1, target]] = text[k]
            sizes[1, target] += 1
        sizes[0, target] += 1
        sorted_ends[row] = sizes[1, target]
