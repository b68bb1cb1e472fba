"""Leap seconds: 23:59:60 UTC ends some half-years, and is one second before the next midnight.

RFC 3339 (section 5.7) writes it, POSIX time has none: it counts as the midnight behind it.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sentinel.model.reading import UNREADABLE

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_LEAP = re.compile(r"(.*T[0-9]{2}:[0-9]{2}:)60((?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2}))")
_SECOND = timedelta(seconds=1)
_ENDS = {(7, 1), (1, 1)}  # month and day behind it: June's and December's last second


def without_leap_second(value: bytes) -> bytes | None:
    """The record with its event time written without a leap second; None where it has none."""
    if b":60" not in value:
        return None
    try:
        record = _decode(value)
        found = _LEAP.fullmatch(record["event_time"])
        if found is None:
            return None
        before = datetime.fromisoformat(f"{found[1]}59{found[2]}").astimezone(UTC)
    except (*UNREADABLE, KeyError, TypeError, OverflowError):
        return None
    behind = before + _SECOND
    is_one = (behind.month, behind.day) in _ENDS and (behind.hour, behind.minute) == (0, 0)
    if not is_one:
        return None
    return msgspec.json.encode({**record, "event_time": behind.isoformat()})
