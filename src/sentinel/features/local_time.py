"""Local time of events, without a clock: an IANA zone as a table of its offsets."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
_MONDAY = 3  # 1970-01-01 was a Thursday
PERIODS = ("day", "week", "month")


class LocalTime:
    """Offsets of one time zone from 1970 to 2100."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._starts, self._offsets = _offsets(zone)

    def local_ms(self, time_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Milliseconds on the local wall clock, int64[n], of UTC milliseconds."""
        offsets: NDArray[np.int64] = self._offsets
        if len(offsets) > 1:
            offsets = offsets[np.searchsorted(self._starts, time_ms, "right") - 1]
        return np.add(time_ms, offsets)

    def utc_ms(self, local_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Milliseconds UTC, int64[n], at which the wall clock first shows ``local_ms``."""
        offsets: NDArray[np.int64] = self._offsets
        if len(offsets) > 1:
            # When the clock is put back a time is shown twice: an offset's end counts for it.
            shown = self._starts[1:] + offsets[:-1]
            offsets = offsets[np.searchsorted(shown, local_ms, "left")]
        return np.subtract(local_ms, offsets)


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


def periods(local_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of the local PERIODS, int64[3, n], all above 0; a week begins on Monday."""
    days = local_ms // _DAY_MS
    months = local_ms.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    return np.stack([days, (days + _MONDAY) // 7, months]) + 1


def ends(periods: NDArray[np.int64]) -> NDArray[np.int64]:
    """Local milliseconds at which numbered days, weeks and months are over, int64[3, n]."""
    days, weeks, months = periods
    over = months.astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64)
    return np.stack([days * _DAY_MS, (weeks * 7 - _MONDAY) * _DAY_MS, over])


def hours(local_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Hour of the local day, int64[n], 0 to 23."""
    return local_ms // _HOUR_MS % 24
