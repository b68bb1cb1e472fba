"""Words, pairs of words and pieces of words as 64-bit numbers.

FNV-1a (Fowler, Noll, Vo; RFC 9923) and a finaliser: what is learned of words outlives keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentinel.model.ids import finish
from sentinel.model.kernel import kernel

_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_SPACE = np.uint32(32)
_PAIR = np.uint64(0x9E3779B97F4A7C15)
_SHORTEST, _LONGEST = 4, 5  # pieces, in characters, the spaces around a word included


@dataclass(frozen=True, slots=True)
class Hashes:
    """What a text of n words is made of, each with repeats, in order.

    ``words`` uint64[n], ``pairs`` uint64[max(n - 1, 0)] of neighbours, ``pieces`` uint64[m]:
    four and five characters inside a word and the spaces around it.
    """

    words: NDArray[np.uint64]
    pairs: NDArray[np.uint64]
    pieces: NDArray[np.uint64]

    @property
    def all(self) -> NDArray[np.uint64]:
        """Words, pairs and pieces."""
        return np.concatenate([self.words, self.pairs, self.pieces])


def hash_words(words: Sequence[str]) -> Hashes:
    """The hashes of a text given as its words."""
    text = f" {' '.join(words)} "
    joined = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    found = np.empty(len(words), np.uint64)
    pieces = np.empty(2 * len(joined), np.uint64)
    count = _hash(joined, found, pieces)
    with np.errstate(over="ignore"):
        pairs = (found[:-1] * _PAIR) ^ found[1:]
    return Hashes(found, pairs, pieces[:count])


@kernel
def _hash(joined: NDArray[np.uint32], words: NDArray[np.uint64], pieces: NDArray[np.uint64]) -> int:
    """Hash the words between single spaces, and their pieces; returns how many pieces."""
    n, count, first = 0, 0, 0  # first: the space before the word
    state = _FNV_OFFSET
    for i in range(1, len(joined)):
        if joined[i] != _SPACE:
            state = (state ^ np.uint64(joined[i])) * _FNV_PRIME
            continue
        if n < len(words):
            words[n] = finish(state)
        n += 1
        state = _FNV_OFFSET
        for length in range(_SHORTEST, _LONGEST + 1):
            for start in range(first, i + 2 - length):
                piece = _FNV_OFFSET
                for k in range(start, start + length):
                    piece = (piece ^ np.uint64(joined[k])) * _FNV_PRIME
                pieces[count] = finish(piece ^ np.uint64(length))
                count += 1
        first = i
    return count
