"""Addresses reduced to their holder: of IPv6 the network of 64 bits, of IPv4 the address.

The holder of one IPv6 address has 2**64 of them (RFC 6177, RFC 8981 section 3.4), so counts of
single addresses mean nothing.  A network is written as in RFC 5952, ``2001:db8:0:1::/64``.  A
port, brackets and a zone are no part of an address, and an IPv4 address in IPv6
(``::ffff:192.0.2.1``) is the IPv4 address.  Unspecified addresses and all other text name no one.
"""

import re
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import LENGTH, START
from sentinel.model.ids import Hasher, sip_end, sip_start, sip_word
from sentinel.model.kernel import kernel

_PREFIX = 64
_GROUPS, _OF_NETWORK = 8, 4
_LONGEST = 24  # bytes of a network's text
_FORMS = re.compile(
    r"(?P<v4>[0-9.]+)(:\d{1,5})?|\[(?P<v6>[0-9a-fA-F:.]+)(%[^\]]*)?\](:\d{1,5})?"
    r"|(?P<bare>[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)((?P<network>/64)|%.*)?"
)
_DOT, _COLON, _ZERO, _NINE, _LOWER_A, _LOWER_F = 46, 58, 48, 57, 97, 102
_AS_IT_IS, _NETWORK, _UNSURE = 0, 1, 2
_END = np.frombuffer(b"::/64", np.uint8)
_BYTE, _WORD = np.uint64(8), np.uint64(64)


@lru_cache(maxsize=4_096)
def network_of(text: str) -> str:
    """The network of the address as text; empty where it names no one.  A network stays as it is.

    >>> network_of("[2001:DB8::1]:443"), network_of("203.0.113.9:50000"), network_of("unknown")
    ('2001:db8::/64', '203.0.113.9', '')
    """
    found = _FORMS.fullmatch(text.strip())
    if found is None:
        return ""
    try:
        address = ip_address(found["v4"] or found["v6"] or found["bare"])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_unspecified and not found["network"]:
        return ""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _PREFIX), strict=False))
    return str(address)


@kernel
def _is_plain(data: NDArray[np.uint8], at: int, end: int) -> bool:
    """Whether these are four numbers of an IPv4 address as it is written, not all of them 0."""
    found, digits, value, total = 0, 0, 0, 0
    for k in range(at, end + 1):
        if k < end and _ZERO <= data[k] <= _NINE:
            if digits > 0 and value == 0:
                return False
            value, digits = value * 10 + (data[k] - _ZERO), digits + 1
            if digits > 3:
                return False
        elif (k < end and data[k] != _DOT) or digits == 0 or value > 255:
            return False
        else:
            found, total, digits, value = found + 1, total + value, 0, 0
    return found == 4 and total > 0


@kernel
def _groups(data: NDArray[np.uint8], at: int, end: int, groups: NDArray[np.int64]) -> bool:
    """Read the eight groups of an IPv6 address of hexadecimal digits and colons alone."""
    found, gap, digits, value = 0, -1, 0, 0
    if end - at >= 2 and data[at] == _COLON:
        if data[at + 1] != _COLON:
            return False
        at, gap = at + 2, 0
    while at < end:
        byte = data[at] | 32 if data[at] >= 64 else data[at]
        if _ZERO <= byte <= _NINE or _LOWER_A <= byte <= _LOWER_F:
            value = value * 16 + (byte - _ZERO if byte <= _NINE else byte - _LOWER_A + 10)
            digits += 1
            if digits > 4:
                return False
            at += 1
            if at < end:
                continue
        elif byte != _COLON or digits == 0:
            return False
        if found == _GROUPS:
            return False
        groups[found] = value
        found, digits, value = found + 1, 0, 0
        if at == end:
            break
        at += 1
        if at == end:
            return False
        if data[at] == _COLON:
            if gap >= 0:
                return False
            gap, at = found, at + 1
    if gap < 0:
        return found == _GROUPS
    if found == _GROUPS:
        return False
    for k in range(found - gap):
        groups[_GROUPS - 1 - k] = groups[found - 1 - k]
    for k in range(gap, gap + _GROUPS - found):
        groups[k] = 0
    return True


@kernel
def _write(groups: NDArray[np.int64], out: NDArray[np.uint8], at: int) -> int:
    """Write the network of an address; returns the position behind it."""
    last = _OF_NETWORK
    while last > 0 and groups[last - 1] == 0:
        last -= 1
    for g in range(last):
        if g:
            out[at] = _COLON
            at += 1
        begun = False
        for shift in (12, 8, 4, 0):
            digit = (groups[g] >> shift) & 15
            if digit or begun or shift == 0:
                out[at] = _ZERO + digit if digit < 10 else _LOWER_A + digit - 10
                at += 1
                begun = True
    for byte in _END:
        out[at] = byte
        at += 1
    return at


@kernel
def _judge(
    data: NDArray[np.uint8],
    spans: NDArray[np.int64],
    key: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    out: NDArray[np.uint8],
    found: NDArray[np.int8],
    groups: NDArray[np.int64],
) -> tuple[int, int]:
    """Write the networks' texts to ``out``; their spans there and their hashes replace the old.

    Returns the bytes that they take, and how many addresses could not be read with certainty.
    """
    used, unsure = 0, 0
    for i in range(len(spans)):
        at, end = spans[i, START], spans[i, START] + spans[i, LENGTH]
        found[i] = _AS_IT_IS
        if hashes[i] == np.uint64(0) or _is_plain(data, at, end):
            continue
        found[i] = _UNSURE
        unsure += 1
        if not _groups(data, at, end, groups) or groups[:6].sum() == 0:
            continue
        if groups[:5].sum() == 0 and groups[5] == 0xFFFF:
            continue
        unsure -= 1
        start, used = used, _write(groups, out, used)
        spans[i, START], spans[i, LENGTH] = start, used - start
        found[i] = _NETWORK
        state, word, shift = sip_start(key), np.uint64(0), np.uint64(0)
        for k in range(start, used):
            word |= np.uint64(out[k]) << shift
            shift += _BYTE
            if shift == _WORD:
                state, word, shift = sip_word(state, word), np.uint64(0), np.uint64(0)
        hashes[i] = sip_end(state, word, used - start)
    return used, unsure


def join_networks(
    data: bytes, spans: NDArray[np.int64], hashes: NDArray[np.uint64], hasher: Hasher
) -> tuple[bytes, list[int]]:
    """Replace addresses by their networks: spans and hashes are changed in place.

    ``spans`` int64[n, 2] first byte and length of each address in ``data``, ``hashes`` uint64[n],
    0 where there is none.  Returns the bytes to which the spans belong then, and the rows of
    addresses that name no one: their hashes are 0 now.
    """
    found = np.empty(len(spans), np.int8)
    given = np.frombuffer(data, np.uint8)
    out = np.empty(_LONGEST * len(spans), np.uint8)
    groups = np.empty(_GROUPS, np.int64)
    used, unsure = _judge(given, spans, hasher.words, hashes, out, found, groups)
    if not used and not unsure:
        return data, []
    spans[found == _NETWORK, START] += len(data)
    added = [out[:used].tobytes()]
    behind, nobodys = len(data) + used, list[int]()
    for row in np.flatnonzero(found == _UNSURE).tolist():
        start, size = spans[row]
        text = data[start : start + size].decode("utf-8", "replace")
        network = network_of(text)
        if not network:
            nobodys.append(row)
            spans[row, LENGTH], hashes[row] = 0, 0
        elif network != text:
            spans[row], hashes[row] = (behind, len(network)), hasher.text(network)
            added.append(network.encode())
            behind += len(network)
    return (b"".join([data, *added]) if behind > len(data) else data), nobodys
