"""Text hashes: SipHash-1-3, the same one by one and together, 0 only for missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.model.ids import PLAIN, Hasher

KEY = bytes(range(16))
_MASK = (1 << 64) - 1


def _rotated(x: int, bits: int) -> int:
    return (x << bits | x >> 64 - bits) & _MASK


def _siphash(key: bytes, data: bytes, each: int, last: int) -> int:
    """SipHash as its paper writes it, with so many rounds for each word and at the end."""
    k0, k1 = (int.from_bytes(key[at : at + 8], "little") for at in (0, 8))
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D]
    v += [k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count: int) -> None:
        for _ in range(count):
            v[0], v[2] = (v[0] + v[1]) & _MASK, (v[2] + v[3]) & _MASK
            v[1], v[3] = _rotated(v[1], 13) ^ v[0], _rotated(v[3], 16) ^ v[2]
            v[0] = _rotated(v[0], 32)
            v[2], v[0] = (v[2] + v[1]) & _MASK, (v[0] + v[3]) & _MASK
            v[1], v[3] = _rotated(v[1], 17) ^ v[2], _rotated(v[3], 21) ^ v[0]
            v[2] = _rotated(v[2], 32)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        rounds(each)
        v[0] ^= word
    v[2] ^= 255
    rounds(last)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def test_the_oracle_gives_the_papers_test_value() -> None:
    """SipHash-2-4 of the bytes 0 to 14 under the key 0 to 15, from the paper's appendix A."""
    assert _siphash(KEY, bytes(range(15)), 2, 4) == 0xA129CA6149BE45E5


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=16, max_size=16), st.text(min_size=1, max_size=40))
def test_it_is_siphash_1_3(key: bytes, text: str) -> None:
    """Of the UTF-8 bytes; a zero byte counts as the symbol for it, and no text is 0."""
    data = text.replace("\0", "\u2400").encode("utf-8", "surrogatepass")
    assert Hasher(key).text(text) == (_siphash(key, data, 1, 3) or 1)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=20))
def test_one_by_one_and_together_agree(texts: list[str | None]) -> None:
    """A text's hash does not depend on its neighbours, zero bytes in them included."""
    together = PLAIN.texts(texts)
    assert together.dtype == np.uint64
    assert together.tolist() == [0 if not text else PLAIN.text(text) for text in texts]
    assert all(value != 0 for value, text in zip(together, texts, strict=True) if text)


def test_a_hundred_thousand_ids_do_not_collide() -> None:
    """Sequential ids, the common case, land on different numbers."""
    hashes = PLAIN.texts([f"c{number:08d}" for number in range(100_000)])
    assert len(np.unique(hashes)) == 100_000


def test_a_key_has_sixteen_bytes() -> None:
    """Another length is refused."""
    with pytest.raises(ValueError, match="16 bytes"):
        Hasher(b"short")
