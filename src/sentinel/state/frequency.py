"""Approximate counts of how often evicted customers came lately, to decide whom to keep.

A count-min sketch of small counters, halved again and again so that the past fades (Einziger,
Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM TOS 2017).  The four
counters of a key lie in one block of 64 bytes: one cache line.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.model.ids import finish
from sentinel.model.kernel import inlined, kernel

BLOCK = 64
_KEYS_A_BLOCK = 4
MOST = 15
_SALT = np.uint64(0x9E3779B97F4A7C15)
_SHIFTS = (0, 6, 12, 18)
_BLOCK_SHIFT = np.uint64(24)


def sketch_for(capacity: int) -> NDArray[np.uint8]:
    """A sketch for so many keys, all zero: uint8[blocks * 64]."""
    blocks = 1 << (max(1, capacity // _KEYS_A_BLOCK) - 1).bit_length()
    return np.zeros(blocks * BLOCK, np.uint8)


@inlined
def _spread(key: int) -> np.uint64:
    return finish(np.uint64(key) ^ _SALT)


@kernel
def estimate(sketch: NDArray[np.uint8], key: int) -> int:
    """How often the key was seen when last kept, at most 15, halved since; may be too high."""
    spread = _spread(key)
    start = int((spread >> _BLOCK_SHIFT) & np.uint64(len(sketch) // BLOCK - 1)) * BLOCK
    least = MOST
    for shift in _SHIFTS:
        least = min(least, sketch[start + int((spread >> np.uint64(shift)) & np.uint64(63))])
    return least


@kernel
def remember(sketch: NDArray[np.uint8], key: int, often: int) -> None:
    """Set how often the key has been seen."""
    spread = _spread(key)
    start = int((spread >> _BLOCK_SHIFT) & np.uint64(len(sketch) // BLOCK - 1)) * BLOCK
    for shift in _SHIFTS:
        cell = start + int((spread >> np.uint64(shift)) & np.uint64(63))
        sketch[cell] = max(sketch[cell], min(often, MOST))


@kernel
def fade(counters: NDArray[np.uint8]) -> None:
    """Halve all counters."""
    for cell in range(len(counters)):
        counters[cell] >>= 1
