"""Local time of events, without a clock: an IANA zone as a table of its offsets."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import inlined, kernel

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
_MONDAY = 3  # 1970-01-01 was a Thursday
PERIODS = ("day", "week", "month")


@inlined
def _behind(moments: NDArray[np.int64], moment: int, after_equal: int) -> int:
    """How many ascending moments lie before one; those equal to it, too, with ``after_equal`` 1."""
    low, high = 0, len(moments)
    while low < high:
        middle = (low + high) // 2
        if moments[middle] < moment + after_equal:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _month(day: int) -> int:
    """The number of a day's month since January 1970 (Hinnant, days_to_civil, from March on)."""
    shifted = day + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    return (year + era * 400) * 12 + (5 * of_year + 2) // 153 + 2 - 1_970 * 12


@inlined
def _first_day(month: int) -> int:
    """The day, since 1970-01-01, on which a month begins (Hinnant, days_from_civil)."""
    since_march = month + 1_970 * 12 - 2
    year, of_year = since_march // 12, since_march % 12
    era = year // 400
    of_era = year - era * 400
    days = of_era * 365 + of_era // 4 - of_era // 100 + (153 * of_year + 2) // 5
    return era * 146_097 + days - 719_468


@kernel
def _locate(
    times: NDArray[np.int64],
    starts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    shown: NDArray[np.int64],
    periods: NDArray[np.int64],
    ends: NDArray[np.int64],
    hours: NDArray[np.int64],
) -> None:
    """``starts`` and ``offsets`` int64[changes + 1]: when an offset begins to hold, and it.

    ``shown`` int64[changes] is what the wall clock shows at the end of each offset but the last.
    """
    for i in range(len(times)):
        local = times[i] + offsets[_behind(starts, times[i], 1) - 1]
        day = local // _DAY_MS
        week, month = (day + _MONDAY) // 7, _month(day)
        hours[i] = local // _HOUR_MS % 24
        periods[0, i], periods[1, i], periods[2, i] = day + 1, week + 1, month + 1
        ends[0, i] = (day + 1) * _DAY_MS
        ends[1, i] = ((week + 1) * 7 - _MONDAY) * _DAY_MS
        ends[2, i] = _first_day(month + 1) * _DAY_MS
        for unit in range(3):
            ends[unit, i] -= offsets[_behind(shown, ends[unit, i], 0)]


class Calendar(NamedTuple):
    """Where events stand on the local calendar.

    ``periods`` int64[3, n] numbers of the local PERIODS, all above 0, a week begins on Monday;
    ``ends`` int64[3, n] ms UTC at which each is over; ``hours`` int64[n] of the local day, 0 to 23.
    """

    periods: NDArray[np.int64]
    ends: NDArray[np.int64]
    hours: NDArray[np.int64]


class LocalTime:
    """Offsets of one time zone from 1970 to 2100."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._starts, self._offsets = _offsets(zone)
        # When the clock is put back a time is shown twice: an offset's end counts for it.
        self._shown = self._starts[1:] + self._offsets[:-1]

    def calendar(self, time_ms: NDArray[np.int64]) -> Calendar:
        """Where times, int64[n] ms UTC, stand on the local calendar."""
        n = len(time_ms)
        found = Calendar(
            np.empty((3, n), np.int64), np.empty((3, n), np.int64), np.empty(n, np.int64)
        )
        _locate(time_ms, self._starts, self._offsets, self._shown, *found)
        return found


@cache
def _offsets(zone: ZoneInfo) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """When each offset begins to hold, and the offset, int64[changes + 1] milliseconds."""
    starts, offsets = [-(2**62)], [_offset_ms(zone, _FIRST)]
    moment, step = _FIRST, timedelta(days=1)
    while moment < _LAST:
        if _offset_ms(zone, moment + step) != offsets[-1]:
            starts.append(_change_ms(zone, moment, moment + step))
            offsets.append(_offset_ms(zone, moment + step))
        moment += step
    return np.array(starts, np.int64), np.array(offsets, np.int64)


def _offset_ms(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None  # noqa: S101 - an aware datetime has one
    return int(offset.total_seconds() * 1000)


def _change_ms(zone: ZoneInfo, before: datetime, after: datetime) -> int:
    """The first millisecond of the new offset, to the second, by bisection."""
    low, high = int(before.timestamp()), int(after.timestamp())
    old = _offset_ms(zone, before)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_ms(zone, datetime.fromtimestamp(middle, UTC)) == old:
            low = middle
        else:
            high = middle
    return high * 1000
