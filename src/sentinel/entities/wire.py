"""The encoding of rollup records: blocks as bytes, a few records for each owner's partition."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from sentinel.entities.raw_text import copy
from sentinel.model.columns import LENGTH
from sentinel.model.entity import EntityKind
from sentinel.model.rollup import Progress, RollupBlock

RECORD_BYTES = 500_000  # of rows in a record: well below what brokers take by default
_OFFSETS = "<i4"
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
    found = []
    for target in range(sources):
        parts: list[Part] = []
        size = 0
        for part in _parts(blocks, sources, target):
            if size + len(part.rows) > RECORD_BYTES and parts:
                found.append((target, msgspec.msgpack.encode(Rollup(source, sources, None, parts))))
                parts, size = [], 0
            parts.append(part)
            size += len(part.rows)
        if parts or tells_all:
            last = Rollup(source, sources, progress, parts)
            found.append((target, msgspec.msgpack.encode(last)))
    return found


def decode(record: bytes) -> Rollup:
    """A record's content; raises msgspec.DecodeError."""
    rollup = _DECODER.decode(record)
    if rollup.source >= rollup.sources:
        raise msgspec.ValidationError(f"shard {rollup.source} of {rollup.sources}")
    return rollup


def _parts(blocks: list[RollupBlock], partitions: int, target: int) -> Iterator[Part]:
    for block in blocks:
        mine = np.flatnonzero(block.owners % np.uint32(partitions) == target)
        most = max(1, RECORD_BYTES // (8 * block.rows.shape[1]))
        for start in range(0, len(mine), most):
            which = mine[start : start + most]
            starts = np.where(which > 0, block.ends[which - 1], 0)
            spans = np.stack([starts, block.ends[which] - starts], axis=1)
            ends = np.cumsum(spans[:, LENGTH])
            text = np.empty(int(ends[-1]), np.uint8)
            copy(block.text, spans, ends, np.arange(len(which)), text)
            yield Part(
                block.kind,
                block.version,
                block.rows[which].astype("<i8", copy=False).tobytes(),
                ends.astype(_OFFSETS).tobytes(),
                text.tobytes(),
            )
