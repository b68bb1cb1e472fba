"""Countries of records to alpha-2 codes, see :mod:`sentinel.model.countries`.

Usual texts (codes in capitals or small letters, names as written or in capitals) are found by
their hashes; others are read one by one, each distinct text once.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import LENGTH, START
from sentinel.model.countries import WRITTEN, country_of
from sentinel.model.ids import Hasher
from sentinel.model.kernel import kernel

ALPHA_2 = "".join(WRITTEN).encode()
"""All alpha-2 codes, one after the other."""

_NUMBERS = {code: number for number, code in enumerate(WRITTEN)}
_SLOTS = 8_192  # more than twice as many as there are usual texts
_SIZE = 2  # bytes of a code
_NONE = np.uint64(0)


@kernel
def _replace_usual(
    hashes: NDArray[np.uint64],
    spans: NDArray[np.int64],
    usual: NDArray[np.uint64],
    numbers: NDArray[np.int64],
    codes: NDArray[np.uint64],
    alpha_2_at: int,
    unusual: NDArray[np.int64],
) -> int:
    """Replace usual texts; write the rows of the others to ``unusual`` and return their number.

    ``usual`` uint64[slots] is a hash table with linear probing, 0 is a free slot; ``numbers``
    int64[slots] the country in each slot, ``codes`` uint64[countries] the hashes of the codes.
    """
    found, last_slot = 0, np.uint64(len(usual) - 1)
    for i in range(len(hashes)):
        if hashes[i] == _NONE:
            continue
        slot = hashes[i] & last_slot
        while usual[slot] != _NONE and usual[slot] != hashes[i]:
            slot = (slot + np.uint64(1)) & last_slot
        if usual[slot] == _NONE:
            unusual[found] = i
            found += 1
            continue
        hashes[i] = codes[numbers[slot]]
        spans[i, START] = alpha_2_at + _SIZE * numbers[slot]
        spans[i, LENGTH] = _SIZE
    return found


class Countries:
    """The hashes of usual texts and of alpha-2 codes under one key."""

    def __init__(self, hasher: Hasher) -> None:
        usual = {
            form: number
            for number, texts in enumerate(WRITTEN.values())
            for text in texts
            for form in (text, text.upper(), text.lower())
        }
        self._codes = hasher.texts(list(WRITTEN))
        self._usual = np.zeros(_SLOTS, np.uint64)
        self._numbers = np.zeros(_SLOTS, np.int64)
        for hashed, number in zip(hasher.texts(list(usual)).tolist(), usual.values(), strict=True):
            slot = hashed % _SLOTS
            while self._usual[slot]:
                slot = (slot + 1) % _SLOTS
            self._usual[slot], self._numbers[slot] = hashed, number

    def replace(
        self, data: bytes, spans: NDArray[np.int64], hashes: NDArray[np.uint64], alpha_2_at: int
    ) -> NDArray[np.int64]:
        """Replace countries by alpha-2 codes in place; returns the rows that are no country.

        ``spans`` int64[n, 2] first byte and length of each text in ``data``, ``hashes`` uint64[n],
        0 where there is none.  ``ALPHA_2`` stands in ``data`` at ``alpha_2_at``.  The rows that
        are no country, int64[m] ascending, are left as they are.
        """
        unusual = np.empty(len(hashes), np.int64)
        found = _replace_usual(
            hashes, spans, self._usual, self._numbers, self._codes, alpha_2_at, unusual
        )
        rows = unusual[:found]
        if not found:
            return rows
        _, firsts, which = np.unique(hashes[rows], return_index=True, return_inverse=True)
        texts = [data[start : start + size] for start, size in spans[rows[firsts]].tolist()]
        codes = [country_of(text.decode("utf-8", "replace")) for text in texts]
        numbers = np.array([_NUMBERS.get(code, -1) for code in codes], np.int64)[which]
        known, given = rows[numbers >= 0], numbers[numbers >= 0]
        hashes[known] = self._codes[given]
        spans[known, START], spans[known, LENGTH] = alpha_2_at + _SIZE * given, _SIZE
        return rows[numbers < 0]


@lru_cache(maxsize=8)
def countries_of(hasher: Hasher) -> Countries:
    """The countries under the key of ``hasher``."""
    return Countries(hasher)
