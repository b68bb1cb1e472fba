"""Rollup records: blocks as bytes, a few records for each owner's partition."""

from collections.abc import Iterator

import msgspec
import numpy as np
from msgspec import Struct

from sentinel.entities.spelling import copy
from sentinel.model.entity import EntityKind
from sentinel.model.rollup import RollupBlock

RECORD_BYTES = 500_000  # of rows in a record: well below what brokers take by default
_OFFSETS = "<i4"


class Part(Struct, frozen=True, array_like=True):
    """Rows of one kind: ``rows`` int64[r, width], ``ends`` int32[r], little-endian, and texts."""

    kind: EntityKind
    version: bytes
    rows: bytes
    ends: bytes
    text: bytes


_DECODER = msgspec.msgpack.Decoder(list[Part])


def records(blocks: list[RollupBlock], partitions: int) -> list[tuple[int, bytes]]:
    """The records of a step, each with the partition of the shard that owns what it is about."""
    found = []
    for target in range(partitions):
        parts: list[Part] = []
        size = 0
        for part in _parts(blocks, partitions, target):
            if size + len(part.rows) > RECORD_BYTES and parts:
                found.append((target, msgspec.msgpack.encode(parts)))
                parts, size = [], 0
            parts.append(part)
            size += len(part.rows)
        if parts:
            found.append((target, msgspec.msgpack.encode(parts)))
    return found


def parts_of(record: bytes) -> list[Part]:
    """The parts of a record; raises msgspec.DecodeError."""
    return _DECODER.decode(record)


def _parts(blocks: list[RollupBlock], partitions: int, target: int) -> Iterator[Part]:
    for block in blocks:
        mine = np.flatnonzero(block.owners % np.uint32(partitions) == target)
        most = max(1, RECORD_BYTES // (8 * block.rows.shape[1]))
        for start in range(0, len(mine), most):
            which = mine[start : start + most]
            starts = np.where(which > 0, block.ends[which - 1], 0)
            spans = np.stack([starts, block.ends[which] - starts], axis=1)
            ends = np.cumsum(spans[:, 1])
            text = np.empty(int(ends[-1]), np.uint8)
            copy(block.text, spans, ends, np.arange(len(which)), text)
            yield Part(
                block.kind,
                block.version,
                block.rows[which].astype("<i8", copy=False).tobytes(),
                ends.astype(_OFFSETS).tobytes(),
                text.tobytes(),
            )
