"""The values of a JSON record, read from its bytes: positions in, position behind out.

A reader never rejects.  It returns ``NOT_PLAIN`` for everything that it cannot read exactly as
the decoder (msgspec) would: escapes, exponents, numbers of more than 15
digits, fractions of a second beyond microseconds and everything that is wrong.

Numbers: mantissa and power of ten are both exact doubles, so one division rounds
correctly (Clinger, "How to read floating point numbers accurately", PLDI 1990).
Text: UTF-8 as RFC 3629 has it.  Times: RFC 3339.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.model.ids import sip_end, sip_start, sip_word
from sentinel.model.kernel import inlined, kernel

Bytes = NDArray[np.uint8]
NOT_PLAIN = -1  # in place of a position: leave the record to the decoder
QUOTE, COLON = 34, 58
_BACKSLASH, _DOT, _MINUS, _PLUS, _ZERO, _NINE, _T, _Z = 92, 46, 45, 43, 48, 57, 84, 90
_POWERS = 10.0 ** np.arange(16)
_BYTE, _WORD = np.uint64(8), np.uint64(64)
_MANTISSA_DIGITS = 15  # every such mantissa is an exact double


@inlined
def skip_space(data: Bytes, at: int, end: int) -> int:
    """The position of the next byte that is not JSON's white space."""
    while at < end and (data[at] == 32 or data[at] == 10 or data[at] == 13 or data[at] == 9):
        at += 1
    return at


@kernel
def word(data: Bytes, at: int, end: int, words: Bytes, start: int, stop: int) -> int:
    """The position behind ``words[start:stop]`` if it stands at ``at``."""
    if end - at < stop - start:
        return NOT_PLAIN
    for k in range(stop - start):
        if data[at + k] != words[start + k]:
            return NOT_PLAIN
    return at + stop - start


@kernel
def _character(data: Bytes, at: int, end: int) -> int:
    """Bytes of the UTF-8 character at ``at`` that is not ASCII, or 0 where it is none."""
    first = data[at]
    low, high = 0x80, 0xBF
    if 0xC2 <= first <= 0xDF:
        size = 2
    elif 0xE0 <= first <= 0xEF:
        size = 3
        if first == 0xE0:
            low = 0xA0
        elif first == 0xED:
            high = 0x9F
    elif 0xF0 <= first <= 0xF4:
        size = 4
        if first == 0xF0:
            low = 0x90
        elif first == 0xF4:
            high = 0x8F
    else:
        return 0
    if end - at < size or not low <= data[at + 1] <= high:
        return 0
    for k in range(2, size):
        if not 0x80 <= data[at + k] <= 0xBF:
            return 0
    return size


@inlined
def text(
    data: Bytes, at: int, end: int, least: int, most: int, key: NDArray[np.uint64]
) -> tuple[int, np.uint64]:
    """The position behind the closing quote and the text's hash; ``at`` is behind the first."""
    state, characters, start = sip_start(key), 0, at
    packed, shift = np.uint64(0), np.uint64(0)
    while at < end:
        byte = data[at]
        if byte == QUOTE:
            if least <= characters <= most:
                hashed = sip_end(state, packed, at - start) if characters else np.uint64(0)
                return at + 1, hashed
            return NOT_PLAIN, packed
        if byte < 32 or byte == _BACKSLASH:
            return NOT_PLAIN, packed
        size = 1
        if byte >= 0x80:
            size = _character(data, at, end)
            if size == 0:
                return NOT_PLAIN, packed
        for _ in range(size):
            packed |= np.uint64(data[at]) << shift
            shift += _BYTE
            at += 1
            if shift == _WORD:
                state, packed, shift = sip_word(state, packed), np.uint64(0), np.uint64(0)
        characters += 1
    return NOT_PLAIN, packed


@inlined
def _decimal(data: Bytes, at: int, end: int) -> tuple[int, int, float]:
    """The position behind digits, with or without decimals; how many whole ones; the number."""
    mantissa, digits, decimals = 0, 0, 0
    while at < end and _ZERO <= data[at] <= _NINE:
        mantissa = mantissa * 10 + (data[at] - _ZERO)
        digits += 1
        at += 1
        if digits > _MANTISSA_DIGITS:
            return NOT_PLAIN, 0, 0.0
    if digits == 0:
        return NOT_PLAIN, 0, 0.0
    if at < end and data[at] == _DOT:
        at += 1
        while at < end and _ZERO <= data[at] <= _NINE:
            mantissa = mantissa * 10 + (data[at] - _ZERO)
            decimals += 1
            at += 1
            if digits + decimals > _MANTISSA_DIGITS:
                return NOT_PLAIN, 0, 0.0
        if decimals == 0:
            return NOT_PLAIN, 0, 0.0
    return at, digits, mantissa / _POWERS[decimals]


@inlined
def number(data: Bytes, at: int, end: int) -> tuple[int, float]:
    """The position behind a plain number, and the number."""
    negative = at < end and data[at] == _MINUS
    if negative:
        at += 1
    start = at
    at, digits, value = _decimal(data, at, end)
    if at == NOT_PLAIN or (digits > 1 and data[start] == _ZERO):
        return NOT_PLAIN, 0.0
    if at < end and (data[at] == 101 or data[at] == 69):  # an exponent
        return NOT_PLAIN, 0.0
    if negative and value == 0.0:  # the decoder's zero may have a sign
        return NOT_PLAIN, 0.0
    return at, -value if negative else value


@inlined
def amount_text(data: Bytes, at: int, end: int) -> tuple[int, float]:
    """The position behind the closing quote of decimal text, and its number."""
    at, _, value = _decimal(data, at, end)
    if at < 0 or at == end or data[at] != QUOTE:
        return NOT_PLAIN, 0.0
    return at + 1, value


@kernel
def _digits(data: Bytes, at: int, count: int) -> int:
    """The number in exactly ``count`` digits, or a very negative one."""
    value = 0
    for k in range(count):
        if not _ZERO <= data[at + k] <= _NINE:
            return -1_000_000
        value = value * 10 + (data[at + k] - _ZERO)
    return value


@kernel
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar (Hinnant, days_from_civil)."""
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@kernel
def moment(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The position behind the closing quote of an RFC 3339 time, and its milliseconds UTC."""
    if end - at < 21:  # 2026-01-05T00:00:00Z"
        return NOT_PLAIN, 0
    if not (
        data[at + 4] == _MINUS
        and data[at + 7] == _MINUS
        and data[at + 10] == _T
        and data[at + 13] == COLON
        and data[at + 16] == COLON
    ):
        return NOT_PLAIN, 0
    year, month, day = _digits(data, at, 4), _digits(data, at + 5, 2), _digits(data, at + 8, 2)
    hour, minute, second = (
        _digits(data, at + 11, 2),
        _digits(data, at + 14, 2),
        _digits(data, at + 17, 2),
    )
    if not (1971 <= year <= 2098 and 1 <= month <= 12 and day >= 1):
        return NOT_PLAIN, 0
    following = _days(year + month // 12, month % 12 + 1, 1)
    if _days(year, month, day) >= following:
        return NOT_PLAIN, 0
    if not (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59):
        return NOT_PLAIN, 0
    at += 19
    micros, unit = 0, 100_000
    if data[at] == _DOT:
        at += 1
        while at < end and _ZERO <= data[at] <= _NINE:
            if unit == 0:
                return NOT_PLAIN, 0
            micros += (data[at] - _ZERO) * unit
            unit //= 10
            at += 1
        if unit == 100_000:
            return NOT_PLAIN, 0
    shift = 0
    if at < end and data[at] == _Z:
        at += 1
    elif end - at > 6 and (data[at] == _PLUS or data[at] == _MINUS) and data[at + 3] == COLON:
        hours, minutes = _digits(data, at + 1, 2), _digits(data, at + 4, 2)
        if not (0 <= hours <= 23 and 0 <= minutes <= 59):
            return NOT_PLAIN, 0
        shift = (hours * 60 + minutes) * (60 if data[at] == _PLUS else -60)
        at += 6
    else:
        return NOT_PLAIN, 0
    if at == end or data[at] != QUOTE:
        return NOT_PLAIN, 0
    seconds = (_days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second - shift
    return at + 1, seconds * 1000 + micros // 1000
