"""The headers of Kafka's record batches of magic 2, without decoding a record."""

import struct
from collections.abc import Iterator

_BASE_OFFSET, _LENGTH, _LAST_DELTA = struct.Struct(">q"), struct.Struct(">i"), struct.Struct(">i")
_LENGTH_AT, _LAST_DELTA_AT, _LEADING_BYTES, _HEADER_BYTES = 8, 23, 12, 61


def _batches(data: bytes) -> Iterator[tuple[int, int]]:
    """The offset of the first record of each batch, and of the last in relation to it."""
    at = 0
    while at + _HEADER_BYTES <= len(data):
        (base,), (last,) = (
            _BASE_OFFSET.unpack_from(data, at),
            _LAST_DELTA.unpack_from(data, at + _LAST_DELTA_AT),
        )
        yield base, last
        (length,) = _LENGTH.unpack_from(data, at + _LENGTH_AT)
        at += _LEADING_BYTES + length


def end_of(data: bytes) -> int:
    """The offset behind the last of some batches; 0 where there is none."""
    end = 0
    for base, last in _batches(data):
        end = base + last + 1
    return end


def count_of(data: bytes) -> int:
    """How many records some batches have, at most: of a compacted topic some may be gone."""
    return sum(last + 1 for _, last in _batches(data))
