"""Text as 64-bit numbers: how ids enter arrays and keyed state.

SipHash-1-3 over the UTF-8 bytes (Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012),
under a key that each deployment has for itself: customers choose ids, and without the key they can
neither find collisions nor crowd one cell of a table.  The hash needs no dictionary, so the size of
the state does not depend on the number of distinct ids; among a million ids of one shard the chance
that any two collide is 3e-8.  0 stands for "missing".
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import inlined, kernel

KEY_BYTES = 16
_SEPARATOR = "\0"
_C0, _C1 = np.uint64(0x736F6D6570736575), np.uint64(0x646F72616E646F6D)
_C2, _C3 = np.uint64(0x6C7967656E657261), np.uint64(0x7465646279746573)
_LAST = np.uint64(0xFF)
_BYTE, _WORD = np.uint64(8), np.uint64(64)
_LENGTH_SHIFT = np.uint64(56)

Sip = tuple[np.uint64, np.uint64, np.uint64, np.uint64]
"""The state between rounds."""


@inlined
def _rotated(x: np.uint64, bits: int) -> np.uint64:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@inlined
def sip_round(state: Sip) -> Sip:
    """One SipRound."""
    v0, v1, v2, v3 = state
    v0 += v1
    v1 = _rotated(v1, 13) ^ v0
    v0 = _rotated(v0, 32)
    v2 += v3
    v3 = _rotated(v3, 16) ^ v2
    v0 += v3
    v3 = _rotated(v3, 21) ^ v0
    v2 += v1
    v1 = _rotated(v1, 17) ^ v2
    v2 = _rotated(v2, 32)
    return v0, v1, v2, v3


@inlined
def sip_start(key: NDArray[np.uint64]) -> Sip:
    """The state before the first byte; ``key`` uint64[2]."""
    return key[0] ^ _C0, key[1] ^ _C1, key[0] ^ _C2, key[1] ^ _C3


@inlined
def sip_word(state: Sip, word: np.uint64) -> Sip:
    """The state after eight more bytes, little end first."""
    v0, v1, v2, v3 = sip_round((state[0], state[1], state[2], state[3] ^ word))
    return v0 ^ word, v1, v2, v3


@inlined
def sip_end(state: Sip, word: np.uint64, length: int) -> np.uint64:
    """The hash of a text of ``length`` bytes of which ``word`` has the last, fewer than eight."""
    v0, v1, v2, v3 = sip_word(state, word | (np.uint64(length) << _LENGTH_SHIFT))
    state = v0, v1, v2 ^ _LAST, v3
    v0, v1, v2, v3 = sip_round(sip_round(sip_round(state)))
    hashed = v0 ^ v1 ^ v2 ^ v3
    return hashed if hashed != np.uint64(0) else np.uint64(1)


@inlined
def finish(state: np.uint64) -> np.uint64:
    """A 64-bit number mixed (SplitMix64), never 0: close numbers land far apart."""
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return z if z != np.uint64(0) else np.uint64(1)


@kernel
def _hash_joined(
    joined: NDArray[np.uint8], key: NDArray[np.uint64], out: NDArray[np.uint64]
) -> int:
    """Hash the zero-separated texts in ``joined`` into ``out``; returns how many."""
    n, length = 0, 0
    state, word, shift = sip_start(key), np.uint64(0), np.uint64(0)
    for i in range(len(joined) + 1):
        if i < len(joined) and joined[i] != 0:
            word |= np.uint64(joined[i]) << shift
            shift += _BYTE
            length += 1
            if shift == _WORD:
                state, word, shift = sip_word(state, word), np.uint64(0), np.uint64(0)
            continue
        if n == len(out):
            return n + 1
        out[n] = sip_end(state, word, length) if length else np.uint64(0)
        n, length = n + 1, 0
        state, word, shift = sip_start(key), np.uint64(0), np.uint64(0)
    return n


class Hasher:
    """Hashes texts under a key of 16 bytes; the same key always gives the same numbers.

    Raises ValueError for a key of another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self.key = key
        self.words = np.frombuffer(key, "<u8").astype(np.uint64)
        """The key as kernels take it, uint64[2]."""

    def texts(self, texts: Sequence[str | None]) -> NDArray[np.uint64]:
        """Hashes of many texts, uint64[n]; 0 where the text is missing or empty."""
        out = np.zeros(len(texts), np.uint64)
        if not out.size:
            return out
        if self._joined([text or "" for text in texts], out) != len(texts):
            # A text holds the separator itself.
            self._joined([(text or "").replace(_SEPARATOR, "\u2400") for text in texts], out)
        return out

    def text(self, text: str) -> int:
        """The hash of one text, as :meth:`texts` gives it."""
        return int(self.texts([text])[0])

    def _joined(self, texts: Sequence[str], out: NDArray[np.uint64]) -> int:
        data = _SEPARATOR.join(texts).encode("utf-8", "surrogatepass")
        return int(_hash_joined(np.frombuffer(data, np.uint8), self.words, out))


PLAIN = Hasher(bytes(KEY_BYTES))
"""Of what has no deployment: files that are replayed, simulations, tests."""
