"""Times at which something is on: once, or every week in local time."""

import re
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sentinel.model.document import Document, WrongTextError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MS = 1000
_MINUTE_MS = 60 * _MS
_TODAY = range(-1, 1)  # spans that may be on: they last a day at most
_TWO_WEEKS = range(-1, 15)  # the clock may skip the one span of a week, but not the next week's too
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def parse_time_of_day(text: str) -> time:
    """The time that ``text`` writes as ``02:30``; raises WrongTextError."""
    form = _CLOCK.fullmatch(text)
    if form is None:
        hint = 'write "00:00", which ends at midnight' if text == "24:00" else ""
        raise WrongTextError(f'"{text}" is not a time of day like "02:30"', hint)
    return time(int(form[1]), int(form[2]))


def read_zone(document: Document) -> ZoneInfo:
    """The time zone that ``timezone`` of engine.yaml names; raises ConfigError."""
    name = document.data.get("timezone") if isinstance(document.data, dict) else None
    if isinstance(name, str) and name:
        with suppress(KeyError, ValueError, OSError):
            return ZoneInfo(name)
    shown = "" if name is None else name
    hint = "an IANA name such as Asia/Shanghai"
    raise document.error(("timezone",), f'no time zone "{shown}"', hint)


@dataclass(frozen=True, slots=True)
class Span:
    """Once, from start until just before the end (ms UTC)."""

    start_ms: int
    end_ms: int

    def is_on(self, moment_ms: int) -> bool:
        """Whether the moment lies in it."""
        return self.start_ms <= moment_ms < self.end_ms

    def next_change_ms(self, moment_ms: int) -> int | None:
        """Its start or its end."""
        ahead = [each for each in (self.start_ms, self.end_ms) if each > moment_ms]
        return min(ahead, default=None)


@dataclass(frozen=True, slots=True)
class Weekly:
    """Every week on some days (0 is Monday), in local time; ``until`` may be the next morning.

    Where ``until`` equals ``start`` a span lasts a day.  A time that the clock skips, when
    daylight saving begins, is the moment of the change; of one that it shows twice the first
    counts.
    """

    days: frozenset[int]
    start: time
    until: time
    zone: ZoneInfo

    @property
    def never_ends(self) -> bool:
        """Whether it is always on: on every day until the same time of the next."""
        return self.start == self.until and len(self.days) == len(DAYS)

    def is_on(self, moment_ms: int) -> bool:
        """Whether the moment lies in one of its spans."""
        return any(span.is_on(moment_ms) for span in self._spans(moment_ms, _TODAY))

    def next_change_ms(self, moment_ms: int) -> int | None:
        """The first moment after this one at which it goes on or off; None if it never does.

        Spans that touch are one: Saturday and Sunday from 00:00 to 00:00 end on Monday.
        """
        if self.never_ends:
            return None
        spans = self._spans(moment_ms, _TWO_WEEKS)
        edges = {span.start_ms for span in spans} ^ {span.end_ms for span in spans}
        return min(each for each in edges if each > moment_ms)

    def _spans(self, moment_ms: int, days: range) -> list[Span]:
        """The spans that begin on ``days``, counted from the moment's own; without empty ones."""
        today = datetime.fromtimestamp(moment_ms / _MS, self.zone).date()
        spans = []
        for day in (today + timedelta(days=n) for n in days):
            if day.weekday() in self.days:
                last = day if self.until > self.start else day + timedelta(days=1)
                span = Span(self._moment_ms(day, self.start), self._moment_ms(last, self.until))
                if span.start_ms < span.end_ms:
                    spans.append(span)
        return spans

    def _moment_ms(self, day: date, clock: time) -> int:
        """The first moment of the day at which the local clock shows ``clock`` or later."""
        moment = datetime.combine(day, clock, self.zone)
        before, after = moment.utcoffset(), moment.replace(fold=1).utcoffset()
        if before is None or after is None or before >= after:
            return _ms(moment)
        # Skipped: the change lies between what the two offsets make of it.
        minutes = range(_ms(moment.replace(fold=1)), _ms(moment), _MINUTE_MS)
        index = bisect_left(minutes, after, key=self._offset)
        return minutes[index] if index < len(minutes) else _ms(moment)

    def _offset(self, moment_ms: int) -> timedelta:
        return datetime.fromtimestamp(moment_ms / _MS, self.zone).utcoffset() or timedelta()


def _ms(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp()) * _MS
