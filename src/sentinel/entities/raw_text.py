"""Ids as text: copied from the records' own bytes, and hashed as Kafka's producers hash keys.

``murmur2`` is Java's default partitioner's and librdkafka's ``murmur2_random``'s (Appleby's
MurmurHash2, 32 bits, as Kafka seeds it): the owner of an entity is the shard to which its
alerts' key leads, so responses to its alerts reach it.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import LENGTH, START
from sentinel.model.entity import owner_key
from sentinel.model.kernel import inlined, kernel

_SEED, _M = np.uint32(0x9747B28C), np.uint32(0x5BD1E995)


@kernel
def copy(
    data: NDArray[np.uint8],
    spans: NDArray[np.int64],
    ends: NDArray[np.int64],
    which: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None:
    """Copy texts to ``out``: text i of ``spans`` int64[n, 2] ends at ``ends[which[i]]``."""
    for i in range(len(which)):
        start, size = spans[i, START], spans[i, LENGTH]
        at = ends[which[i]] - size
        for k in range(size):
            out[at + k] = data[start + k]


@inlined
def _byte(prefix: NDArray[np.uint8], text: NDArray[np.uint8], start: int, k: int) -> np.uint32:
    if k < len(prefix):
        return np.uint32(prefix[k])
    return np.uint32(text[start + k - len(prefix)])


@kernel
def murmur2(
    prefix: NDArray[np.uint8],
    text: NDArray[np.uint8],
    ends: NDArray[np.int64],
    out: NDArray[np.uint32],
) -> None:
    """Hash texts, each behind the same prefix; see :func:`owners`."""
    for i in range(len(ends)):
        start = ends[i - 1] if i else 0
        size = len(prefix) + ends[i] - start
        h = _SEED ^ np.uint32(size)
        at = 0
        while at + 4 <= size:
            k = (
                _byte(prefix, text, start, at)
                | _byte(prefix, text, start, at + 1) << np.uint32(8)
                | _byte(prefix, text, start, at + 2) << np.uint32(16)
                | _byte(prefix, text, start, at + 3) << np.uint32(24)
            )
            k = np.uint32(k * _M)
            k ^= k >> np.uint32(24)
            k = np.uint32(k * _M)
            h = np.uint32(h * _M) ^ k
            at += 4
        if at < size:
            for left in range(size - at):
                h ^= _byte(prefix, text, start, at + left) << np.uint32(8 * left)
            h = np.uint32(h * _M)
        h ^= h >> np.uint32(13)
        h = np.uint32(h * _M)
        h ^= h >> np.uint32(15)
        out[i] = h & np.uint32(0x7FFFFFFF)


def owners(kind: str, text: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Hashes of the Kafka keys, uint32[n]; modulo the number of partitions they are owners.

    ``text`` uint8[bytes] holds the ids one after the other, ``ends`` int64[n] where each ends.
    """
    out = np.empty(len(ends), np.uint32)
    murmur2(np.frombuffer(owner_key(kind, "").encode(), np.uint8), text, ends, out)
    return out
