"""Addresses by whom they belong to, against Python's own reading of them."""

from ipaddress import IPv4Address, IPv6Address

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentinel.model.ids import Hasher
from sentinel.model.network import join_networks, network_of

HASHER = Hasher(b"0123456789abcdef")


def _joined(texts: list[str]) -> list[str]:
    """What each text becomes, and whether its hash is that of what it becomes."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([len(each) for each in encoded])
    spans = np.array(
        [(end - len(each), len(each)) for end, each in zip(ends, encoded, strict=True)], np.int64
    ).reshape(-1, 2)
    hashes = HASHER.texts(texts)
    data, nobodys = join_networks(b"".join(encoded), spans, hashes, HASHER)
    found = [data[start : start + size].decode() for start, size in spans]
    assert nobodys == [row for row, text in enumerate(texts) if text and not found[row]]
    assert hashes.tolist() == HASHER.texts(found).tolist()
    return found


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:DB8:0:1:ffff::1", "2001:db8:0:1::/64"),
        ("2001:0db8:0000:0001:0002:0003:0004:0005", "2001:db8:0:1::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("2001:db8:1:2:3:4:192.0.2.1", "2001:db8:1:2::/64"),
        ("1:2:3:4:5:6:7::", "1:2:3:4::/64"),
        ("203.0.113.9:50000", "203.0.113.9"),
        ("[2001:db8::1]:443", "2001:db8::/64"),
        ("[2001:db8::1%eth0]", "2001:db8::/64"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("255.255.255.255", "255.255.255.255"),
        *(
            (text, "")
            for text in [
                *("", "-", "unknown", "0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0"),  # noqa: S104
                *("256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4:", "1..2.3", "1.2.3.4 x"),
                *("1:2", "mac:00:11", "1::2::3", "12345::", ":1", "1:2:3:4:5:6:7:"),
                *("1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "[::1", "2001:db8::1:443:", "例::1"),
            ]
        ),
    ],
)
def test_an_address_is_its_networks(text: str, network: str) -> None:
    """One by one and in columns."""
    assert network_of(text) == network
    assert network_of(network) == network
    assert _joined([text, "10.0.0.1", text]) == [network, "10.0.0.1", network]


_WRITTEN = st.one_of(
    st.integers(0, 2**128 - 1).map(lambda n: str(IPv6Address(n))),
    st.integers(0, 2**128 - 1).map(lambda n: IPv6Address(n).exploded.upper()),
    st.lists(st.sampled_from(["0", "1", "ab", "ffff", "", "g", "12345"]), max_size=10).map(
        ":".join
    ),
    st.integers(0, 2**32 - 1).map(lambda n: f"::ffff:{IPv6Address(n).exploded[-4:]}"),
    st.integers(0, 2**32 - 1).map(lambda n: str(IPv4Address(n))),
    st.lists(st.integers(0, 300).map(str), min_size=3, max_size=5).map(".".join),
    st.text(max_size=20),
    st.text("0123456789.:[]%abf", max_size=20),
)


@given(st.lists(_WRITTEN, max_size=8))
@example(["::", ":", "::1:", "1::", "0:0:0:0:0:ffff:1:2"])
def test_columns_say_what_python_says(texts: list[str]) -> None:
    """However it is written, and whatever is no address."""
    assert _joined(texts) == [network_of(text) for text in texts]
