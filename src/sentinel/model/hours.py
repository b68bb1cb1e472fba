"""Times at which something is on: once, or every week in local time."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MS = 1000
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def parse_time_of_day(text: str) -> time:
    """The time that ``text`` writes as ``02:30``; raises ValueError with the message to show."""
    form = _CLOCK.fullmatch(text)
    if form is None:
        raise ValueError(f'"{text}" is not a time of day like "02:30"')
    return time(int(form[1]), int(form[2]))


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
    """Every week on some days (0 is Monday), in local time; ``until`` may be the next morning."""

    days: frozenset[int]
    start: time
    until: time
    zone: ZoneInfo

    def is_on(self, moment_ms: int) -> bool:
        """Whether the moment lies in one of its spans."""
        return any(span.is_on(moment_ms) for span in self._around(moment_ms))

    def next_change_ms(self, moment_ms: int) -> int | None:
        """The next start or end within the coming week."""
        changes = (span.next_change_ms(moment_ms) for span in self._around(moment_ms))
        return min(each for each in changes if each is not None)

    def _around(self, moment_ms: int) -> list[Span]:
        """The spans that begin yesterday to in eight days: one of them is ahead."""
        today = datetime.fromtimestamp(moment_ms / _MS, self.zone).date()
        spans = []
        for day in (today + timedelta(days=n) for n in range(-1, 9)):
            if day.weekday() in self.days:
                last = day if self.until > self.start else day + timedelta(days=1)
                start = datetime.combine(day, self.start, self.zone)
                end = datetime.combine(last, self.until, self.zone)
                spans.append(Span(_ms(start), _ms(end)))
        return spans


def _ms(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp()) * _MS
