"""Deadlines in calendar days and in working days, and fractions of the time until then.

The State Council moves the working days of mainland China every year: holidays become longer,
and weekends before or after are worked instead.  The ``holidays`` package has its notices, from
2001 on; a notice that came out after the installed version is put into
``configs/complaints.yaml``.
"""

import datetime as dt
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import holidays

from sentinel.complaints.term import Term

_DAY = dt.timedelta(days=1)

# A year's notice also arranges the days before its 1 January: 29 to 31 December 2018 were
# arranged by the notice for 2019.
_NEW_YEAR = dt.timedelta(days=4)


@dataclass(frozen=True, slots=True)
class _Table:
    """The working days of a year and of the year after it.

    ``days`` are ordinals; ``starts`` and ``ends`` local midnights (ms UTC); ``used`` is the
    working time in ms from the table's beginning to each start.
    """

    days: list[int]
    starts: list[int]
    ends: list[int]
    used: list[int]

    def worked(self, time_ms: int) -> int:
        """Working time in ms from the table's beginning to ``time_ms``."""
        last = bisect_right(self.starts, time_ms) - 1
        if last < 0:
            return 0
        return self.used[last] + min(time_ms, self.ends[last]) - self.starts[last]

    def moment(self, worked_ms: int) -> int:
        """When ``worked_ms`` (more than 0) of working time was used up, the earliest such time."""
        last = bisect_left(self.used, worked_ms) - 1
        return self.starts[last] + worked_ms - self.used[last]


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Working days in ``zone``; ``working`` and ``off`` override the package.

    Keeps a table for each year asked for: some 40 kB each, at most one for each year that
    event times may have (1970 to 2100).
    """

    zone: ZoneInfo
    working: frozenset[dt.date] = frozenset()
    off: frozenset[dt.date] = frozenset()
    _tables: dict[int, _Table] = field(default_factory=dict, repr=False, compare=False)
    _published: dict[int, bool] = field(default_factory=dict, repr=False, compare=False)

    def is_working_day(self, day: dt.date) -> bool:
        """Whether people work on ``day``."""
        days = self._table(day.year).days
        index = bisect_left(days, day.toordinal())
        return index < len(days) and days[index] == day.toordinal()

    def local_day(self, time_ms: int) -> dt.date:
        """The local day of ``time_ms``."""
        return dt.datetime.fromtimestamp(time_ms // 1000, self.zone).date()

    def deadline_ms(self, start_ms: int, term: Term) -> int:
        """The end of the last day of ``term`` after the local day of ``start_ms``.

        It is the midnight that ends the day, the first moment that is late; a term in calendar
        days may end on a day off.  Working days are from 1 to
        :data:`~sentinel.complaints.term.MAX_DAYS`.
        """
        if not term.working:
            return self._midnight(self.local_day(start_ms) + (term.days + 1) * _DAY)
        table = self._table(self.local_day(start_ms).year)
        return table.ends[bisect_right(table.starts, start_ms) + term.days - 1]

    def fraction_ms(self, start_ms: int, due_ms: int, fraction: float, *, working: bool) -> int:
        """When ``fraction`` (above 0, at most 1) of the time to ``due_ms`` is used up.

        If ``working``, time counts on working days only, all 24 hours of them, and ``due_ms`` is
        the :meth:`deadline_ms` of a term in working days.
        """
        if not working:
            return start_ms + round(fraction * (due_ms - start_ms))
        table = self._table(self.local_day(start_ms).year)
        before = table.worked(start_ms)
        return table.moment(before + round(fraction * (table.worked(due_ms) - before)))

    def is_published(self, year: int) -> bool:
        """Whether the notice for ``year`` is known, from the package or from the overrides."""
        known = self._published.get(year)
        if known is None:
            named = self.working | self.off
            moved = holidays.country_holidays("CN", years=year, expand=False).weekend_workdays
            known = any(day.year == year and (day + _NEW_YEAR).year == year for day in moved)
            known = self._published[year] = known or any(day.year == year for day in named)
        return known

    def is_provisional(self, start_ms: int, due_ms: int) -> bool:
        """Whether a day from ``start_ms`` to ``due_ms`` may yet become a working day, or cease to.

        The last days of December wait for the notice of the next year.
        """
        first, last = self.local_day(start_ms), self.local_day(due_ms - 1000) + _NEW_YEAR
        return not all(map(self.is_published, range(first.year, last.year + 1)))

    def _table(self, year: int) -> _Table:
        table = self._tables.get(year)
        if table is None:
            table = self._tables[year] = self._build(year)
        return table

    def _build(self, year: int) -> _Table:
        package = holidays.country_holidays("CN", years=(year, year + 1), expand=False)
        table, used = _Table([], [], [], []), 0
        day = dt.date(year, 1, 1)
        while day.year <= year + 1:
            works = package.is_working_day(day)
            if (works or day in self.working) and day not in self.off:
                start, end = self._midnight(day), self._midnight(day + _DAY)
                table.days.append(day.toordinal())
                table.starts.append(start)
                table.ends.append(end)
                table.used.append(used)
                used += end - start
            day += _DAY
        return table

    def _midnight(self, day: dt.date) -> int:
        return int(dt.datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()) * 1000
