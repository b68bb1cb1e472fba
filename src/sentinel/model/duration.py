"""Lengths of time as people write them: ``90s``, ``10m``, ``6h``, ``30d``."""

import re

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_FORM = re.compile(r"([1-9]\d{0,8})([smhd])")


def parse_duration(text: object) -> int:
    """Milliseconds of ``text``; raises ValueError with the message to show.

    >>> parse_duration("6h")
    21600000
    """
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if not match:
        shown = text if isinstance(text, str) else repr(text)
        raise ValueError(f'"{shown}" is not a duration: a whole number and s, m, h or d, like 10m')
    return int(match[1]) * _UNIT_MS[match[2]]
