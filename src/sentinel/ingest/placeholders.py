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
def any_in(
    columns: NDArray[np.uint64], which: NDArray[np.int64], placeholders: NDArray[np.uint64]
) -> bool:
    """Whether one of the columns ``which`` of uint64[columns, n] has a placeholder, uint64[p]."""
    for c in range(len(which)):
        for i in range(columns.shape[1]):
            for k in range(len(placeholders)):
                if columns[which[c], i] == placeholders[k]:
                    return True
    return False


def rows_of(hashes: NDArray[np.uint64], placeholders: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The rows of placeholders in one column, int64[m]."""
    return np.flatnonzero(np.isin(hashes, placeholders))
