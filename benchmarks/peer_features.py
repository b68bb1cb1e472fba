"""The declared features in plain Python: what a careful engineer would write by hand.

A feature of a customer is one small object over deques and dicts, stepped event by
event.  Semantics are those of configs/features.yaml, without the bounds on memory (rings,
panes, evictions), which spares this peer work; events come in order of time.
"""

import math
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sentinel.features import Feature
from sentinel.features.kernels.normal import LEAST_DEVIATION, LEAST_WEIGHT
from sentinel.features.kernels.rhythm import LEAST_EVENTS
from sentinel.features.kernels.velocity import EARTH_RADIUS_KM, LEAST_HOURS

_HOUR_MS = 3_600_000

Value = float | bool | None
"""What a feature says; None is missing."""


class Moment:
    """The time of the event at hand, ms UTC, with its local hour and calendar periods."""

    __slots__ = ("_hours", "_zone", "hour", "periods", "time")

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone, self._hours = zone, -1
        self.time, self.hour = 0, 0
        self.periods: dict[str | None, int] = {}

    def move(self, time: int) -> None:
        """Stand at ``time``; the calendar is asked once an hour."""
        self.time = time
        if time // _HOUR_MS != self._hours:
            self._hours = time // _HOUR_MS
            local = datetime.fromtimestamp(time / 1000, self._zone)
            day = local.toordinal()
            self.periods = {"day": day, "week": (day - 1) // 7, "month": local.month}
            self.hour = local.hour


class State(Protocol):
    """One feature of one customer."""

    def step(self, now: Moment, value: Any) -> Value:
        """Take in ``value`` unless it is None, and say what the feature is as of now."""


class Count:
    """How many events the window holds."""

    def __init__(self, feature: Feature) -> None:
        self.span_ms = feature.span_ms
        self.times: deque[int] = deque()

    def step(self, now: Moment, value: bool | None) -> Value:
        """See :class:`State`."""
        times, start = self.times, now.time - self.span_ms
        if value is not None:
            times.append(now.time)
        while times and times[0] <= start:
            times.popleft()
        return len(times)


class Total:
    """Sum or mean of a value over the window."""

    def __init__(self, feature: Feature) -> None:
        self.span_ms, self.total = feature.span_ms, 0.0
        self.entries: deque[tuple[int, float]] = deque()
        self.mean = feature.operation.name == "mean"

    def step(self, now: Moment, value: float | None) -> Value:
        """See :class:`State`."""
        entries, start = self.entries, now.time - self.span_ms
        if value is not None:
            entries.append((now.time, value))
            self.total += value
        while entries and entries[0][0] <= start:
            self.total -= entries.popleft()[1]
        if not entries:
            self.total = 0.0  # no rounding stays behind
            return None if self.mean else 0.0
        return self.total / len(entries) if self.mean else self.total


class Extreme:
    """Largest or smallest value of the window, by a monotonic deque."""

    def __init__(self, feature: Feature) -> None:
        self.span_ms = feature.span_ms
        self.entries: deque[tuple[int, float]] = deque()
        self.sign = 1 if feature.operation.name == "max" else -1

    def step(self, now: Moment, value: float | None) -> Value:
        """See :class:`State`."""
        entries, start = self.entries, now.time - self.span_ms
        if value is not None:
            value *= self.sign
            while entries and entries[-1][1] <= value:
                entries.pop()
            entries.append((now.time, value))
        while entries and entries[0][0] <= start:
            entries.popleft()
        return entries[0][1] * self.sign if entries else None


class PassedOn:
    """What went out of what came in before: values are positive for in, negative for out."""

    def __init__(self, feature: Feature) -> None:
        self.span_ms = feature.span_ms
        self.entries: deque[tuple[int, float]] = deque()

    def step(self, now: Moment, value: float | None) -> Value:
        """See :class:`State`."""
        entries, start = self.entries, now.time - self.span_ms
        if value is not None:
            entries.append((now.time, value))
        while entries and entries[0][0] <= start:
            entries.popleft()
        pool = passed = 0.0
        for _, each in sorted(entries, key=lambda entry: (entry[0], entry[1] < 0)):
            moved = min(pool, -each) if each < 0 else 0.0
            pool, passed = pool - moved + max(each, 0.0), passed + moved
        return passed


class Calendar:
    """Count, sum, mean, largest or smallest of the local day, week or month."""

    def __init__(self, feature: Feature) -> None:
        self.unit, self.operation = feature.calendar, feature.operation
        self.period = -1
        self.count, self.total, self.high, self.low = 0, 0.0, -math.inf, math.inf

    def step(self, now: Moment, value: float | None) -> Value:
        """See :class:`State`."""
        period = now.periods[self.unit]
        if period != self.period:
            self.period = period
            self.count, self.total, self.high, self.low = 0, 0.0, -math.inf, math.inf
        if value is not None:
            self.count += 1
            self.total += value
            self.high, self.low = max(self.high, value), min(self.low, value)
        if self.operation.name == "count":
            return self.count
        if self.operation.name == "sum":
            return self.total
        if not self.count:
            return None
        if self.operation.name == "mean":
            return self.total / self.count
        return self.high if self.operation.name == "max" else self.low


class Recent:
    """The customer's last few distinct values: how many, or whether this one is new."""

    def __init__(self, feature: Feature) -> None:
        self.span_ms, self.keep = feature.span_ms, feature.keep
        self.seen: dict[str, int] = {}  # in order of last sight
        self.asks_new = feature.operation.name == "first_seen"

    def step(self, now: Moment, value: str | None) -> Value:
        """See :class:`State`."""
        seen, start = self.seen, now.time - self.span_ms
        new: bool | None = None
        if value is not None:
            if self.asks_new and seen:
                new = seen.get(value, -1) <= start
            seen.pop(value, None)
            seen[value] = now.time
            if len(seen) > self.keep:
                del seen[next(iter(seen))]
        if self.asks_new:
            return new
        return sum(1 for last in seen.values() if last > start)


class ZScore:
    """Deviation from a decaying mean, scored before it is learnt (West 1979)."""

    def __init__(self, feature: Feature) -> None:
        self.halflife_ms, self.time = feature.span_ms, 0
        self.weight, self.mean, self.squares = 0.0, 0.0, 0.0

    def step(self, now: Moment, value: float | None) -> Value:
        """See :class:`State`."""
        if value is None:
            return None
        fade = 0.5 ** ((now.time - self.time) / self.halflife_ms)
        self.time = now.time
        away, score = value - self.mean, None
        if self.weight >= LEAST_WEIGHT:
            deviation = math.sqrt(self.squares / self.weight)
            score = away / max(deviation, LEAST_DEVIATION * abs(self.mean), 1e-9)
        self.weight = self.weight * fade + 1.0
        self.mean += away / self.weight
        self.squares = self.squares * fade + away * (value - self.mean)
        return score


class Since:
    """Seconds since the last such event before this one."""

    def __init__(self, _feature: Feature) -> None:
        self.last: int | None = None

    def step(self, now: Moment, value: bool | None) -> Value:
        """See :class:`State`."""
        answer = None if self.last is None else (now.time - self.last) / 1000.0
        if value is not None:
            self.last = now.time
        return answer


class Velocity:
    """Speed in km/h from the last located event; values are (latitude, longitude)."""

    def __init__(self, _feature: Feature) -> None:
        self.time, self.at = 0, (math.nan, math.nan)

    def step(self, now: Moment, value: tuple[float, float] | None) -> Value:
        """See :class:`State`."""
        if value is None:
            return None
        speed = None
        if self.time:
            hours = max((now.time - self.time) / _HOUR_MS, LEAST_HOURS)
            speed = _distance_km(self.at, value) / hours
        self.time, self.at = now.time, value
        return speed


class HourRarity:
    """How unusual this hour of the day is for the customer."""

    def __init__(self, _feature: Feature) -> None:
        self.hours, self.total = [0] * 24, 0

    def step(self, now: Moment, value: bool | None) -> Value:
        """See :class:`State`."""
        if value is None:
            return None
        hours, hour, answer = self.hours, now.hour, None
        if self.total >= LEAST_EVENTS:
            near = hours[hour - 1] + hours[hour] + hours[(hour + 1) % 24]
            answer = 1.0 - near / self.total
        hours[hour] += 1
        self.total += 1
        return answer


def _distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    lat_a, lat_b = math.radians(a[0]), math.radians(b[0])
    half_lat, half_lon = (lat_b - lat_a) / 2, math.radians(b[1] - a[1]) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, chord)))


_STATES: dict[str, Callable[[Feature], State]] = {
    "count": Count,
    "sum": Total,
    "mean": Total,
    "max": Extreme,
    "min": Extreme,
    "passed_on": PassedOn,
    "distinct": Recent,
    "first_seen": Recent,
    "zscore": ZScore,
    "since_last": Since,
    "velocity": Velocity,
    "hour_rarity": HourRarity,
}


def new_state(feature: Feature) -> State:
    """The state of ``feature`` for a customer never seen before."""
    if feature.calendar:
        return Calendar(feature)
    return _STATES[feature.operation.name](feature)
