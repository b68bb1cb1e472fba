"""Placeholders: what sources write into an id when they have none, such as ``N/A``.

All customers of one such merchant or device would count as one: it names nothing.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sentinel.model.ids import Hasher
from sentinel.model.kernel import kernel


@lru_cache(maxsize=8)
def hashes_of(placeholders: Sequence[str], hasher: Hasher) -> NDArray[np.uint64]:
    """The hashes of placeholders, uint64[p]."""
    return hasher.texts(placeholders)


@kernel
def count(hashes: NDArray[np.uint64], placeholders: NDArray[np.uint64]) -> int:
    """How many of ``hashes``, uint64[n], are those of placeholders, uint64[p]."""
    found = 0
    for i in range(len(hashes)):
        for k in range(len(placeholders)):
            if hashes[i] == placeholders[k]:
                found += 1
    return found


def rows_of(hashes: NDArray[np.uint64], placeholders: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The rows of placeholders, int64[m]."""
    if not count(hashes, placeholders):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.isin(hashes, placeholders))
