"""Text as 64-bit numbers: how ids enter arrays and keyed state.

FNV-1a over the UTF-8 bytes (Fowler, Noll, Vo; RFC 9923) with the finaliser of
SplitMix64 so that close ids land far apart.  The hash needs no dictionary, so state
keeps its size whatever the number of distinct ids; among a million ids of one shard
the chance that any two collide is 3e-8.  0 stands for "missing".
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import inlined, kernel

FNV_OFFSET = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)
_SEPARATOR = "\0"


@inlined
def finish(state: np.uint64) -> np.uint64:
    """The hash of a text of at least one byte, from FNV-1a's state after its last."""
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return z if z != np.uint64(0) else np.uint64(1)


@kernel
def _hash_joined(joined: NDArray[np.uint8], out: NDArray[np.uint64]) -> int:
    """Hash the zero-separated texts in ``joined`` into ``out``; returns how many."""
    n, state, length = 0, FNV_OFFSET, 0
    for i in range(len(joined) + 1):
        if i < len(joined) and joined[i] != 0:
            state = (state ^ np.uint64(joined[i])) * FNV_PRIME
            length += 1
            continue
        if n == len(out):
            return n + 1
        out[n] = finish(state) if length else np.uint64(0)
        n, state, length = n + 1, FNV_OFFSET, 0
    return n


def hash_texts(texts: Sequence[str | None]) -> NDArray[np.uint64]:
    """Hashes of many texts, uint64[n]; 0 where the text is missing or empty."""
    out = np.zeros(len(texts), np.uint64)
    if not out.size:
        return out
    joined = _SEPARATOR.join([text or "" for text in texts])
    data = np.frombuffer(joined.encode("utf-8", "surrogatepass"), np.uint8)
    if _hash_joined(data, out) != len(texts):  # a text holds the separator itself
        clean = [(text or "").replace(_SEPARATOR, "\u2400") for text in texts]
        joined = _SEPARATOR.join(clean)
        _hash_joined(np.frombuffer(joined.encode("utf-8", "surrogatepass"), np.uint8), out)
    return out


def hash_text(text: str) -> int:
    """The hash of one text, as :func:`hash_texts` gives it."""
    return int(hash_texts([text])[0])
