"""Owners: the partition that Kafka's producers choose for the key of an entity's alerts."""

import numpy as np
import pytest

from sentinel.entities.raw_text import murmur2, owners
from sentinel.model.entity import EntityKind

# Kafka's own examples (UtilsTest.testMurmur2), as its partitioner uses them: without the sign.
KNOWN = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "hashed"), KNOWN.items())
def test_the_hash_is_kafkas(key: bytes, hashed: int) -> None:
    """However the key is parted into kind and id."""
    for cut in range(len(key) + 1):
        out = np.zeros(1, np.uint32)
        prefix, text = (np.frombuffer(part, np.uint8) for part in (key[:cut], key[cut:]))
        murmur2(prefix, text, np.array([len(text)]), out)
        assert out[0] == hashed & 0x7FFFFFFF


def test_each_id_has_its_own_owner() -> None:
    """Texts that stand one behind the other are hashed apart, with their kind."""
    text = np.frombuffer("10.0.0.1设备".encode(), np.uint8)
    ends = np.array([8, 14], np.int64)
    together = owners(EntityKind.IP, text, ends)
    alone = [owners(EntityKind.IP, text[s:e], np.array([e - s])) for s, e in ((0, 8), (8, 14))]
    assert together.tolist() == [int(each[0]) for each in alone]
    assert owners(EntityKind.DEVICE, text, ends).tolist() != together.tolist()
