"""The errors of reading records that others wrote, and how deep these may be nested."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import kernel

UNREADABLE = (ValueError, RecursionError)
"""Not the format, not the schema, no UTF-8; or nested beyond what a stack holds."""

MOST_LEVELS = 128
_QUOTE, _BACKSLASH = ord('"'), ord("\\")
_OPENING, _CLOSING = (ord("{"), ord("[")), (ord("}"), ord("]"))


def check_levels(value: bytes) -> None:
    """Raise msgspec.DecodeError for JSON that is nested deeper than ``MOST_LEVELS``.

    How deep a decoder gets before its RecursionError depends on who called it: the same record
    would be one thing to a worker and another to its recovery.
    """
    if value.count(b"{") + value.count(b"[") <= MOST_LEVELS:
        return
    if _levels(np.frombuffer(value, np.uint8)) > MOST_LEVELS:
        raise msgspec.DecodeError(f"nested deeper than {MOST_LEVELS} levels")


@kernel
def _levels(data: NDArray[np.uint8]) -> int:
    """How deep brackets are nested at most, those within strings left out."""
    level = deepest = 0
    within = escaped = False
    for byte in data:
        if within:
            if escaped:
                escaped = False
            elif byte == _BACKSLASH:
                escaped = True
            elif byte == _QUOTE:
                within = False
        elif byte == _QUOTE:
            within = True
        elif byte in _OPENING:
            level += 1
            deepest = max(deepest, level)
        elif byte in _CLOSING:
            level -= 1
    return deepest
