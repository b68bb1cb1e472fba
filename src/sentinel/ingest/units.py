"""The unit that a number most likely has that is not a time in milliseconds since 1970.

Read as milliseconds, a time of today in seconds is in January 1970: the event would raise no alert,
and nobody would notice.  So an event from before 1990 is refused, with the probable unit.
"""

from datetime import datetime

from sentinel.model.events import FIRST_MOMENT_MS, LAST_MOMENT_MS

_MOST = 10**19  # nothing beyond it is a time in any unit, nor worth printing
_UNITS = (
    ("seconds", 1_000),
    ("microseconds", 1 / 1_000),
    ("nanoseconds", 1 / 1_000_000),
)
_EPOCH_OF_SHEETS, _DAY_MS = 25_569, 86_400_000  # days from 1899-12-30 to 1970-01-01
_WRITTEN = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}


def likely_unit(number: int) -> str | None:
    """How ``number`` is a time between 1990 and 2100, in words; None if in no known way.

    >>> likely_unit(1767607200), likely_unit(20260105)
    ('seconds', 'YYYYMMDD')
    """
    written = _WRITTEN.get(len(str(number)))
    if written is not None:
        try:
            if 1990 <= datetime.strptime(str(number), written).year < 2100:  # noqa: DTZ007
                return "YYYYMMDD" if len(str(number)) == 8 else "YYYYMMDDhhmmss"
        except ValueError:
            pass
    for unit, in_ms in _UNITS:
        if FIRST_MOMENT_MS <= number * in_ms <= LAST_MOMENT_MS:
            return unit
    if FIRST_MOMENT_MS <= (number - _EPOCH_OF_SHEETS) * _DAY_MS <= LAST_MOMENT_MS:
        return "days of a spreadsheet"
    return None


def problem_of(number: int) -> str:
    """Why ``number`` is no event time, with what it most likely is."""
    if abs(number) >= _MOST:
        return "event_time is not between 1990 and 2100 in milliseconds"
    unit = likely_unit(number)
    hint = f", it looks like {unit}" if unit else ""
    return f"event_time {number} is not between 1990 and 2100 in milliseconds{hint}"
