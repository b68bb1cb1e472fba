"""Calendar windows: the local day, week or month that holds an event, as of the event.

Words: two cells of [period, count, value], the newest period seen and the one before it
that had events.  A late event still counts in either, and what came after it is taken off by
the ring of last events.  The value is missing where that cannot be known: in an older period,
where more came after it than the ring holds, and of a maximum that may be a later event's.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentinel.features.builder import STREAMS, Builder
from sentinel.features.kernels.conditions import applies
from sentinel.features.kernels.rings import (
    AGGREGATES,
    HEAD_WORDS,
    MAX,
    MIN,
    STAMP_SHIFT,
    aggregate,
    operations,
    result,
)
from sentinel.features.kind import CALENDAR, Feature, FeatureKind, Moment, Record, Table, columns
from sentinel.features.local_time import PERIODS
from sentinel.model.kernel import inlined, kernel

WORDS = 6


@kernel
def _start(f: NDArray[np.float64], i: NDArray[np.int64], at: int, period: int) -> None:
    i[at] = period
    f[at + 1] = 0.0
    f[at + 2] = 0.0


@kernel
def add(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    at: int,
    operation: int,
    period: int,
    value: float,
) -> None:
    """Count an event in its period, if that is still kept."""
    if period > i[at]:
        for k in range(3):
            i[at + 3 + k] = i[at + k]
        _start(f, i, at, period)
    elif period < i[at]:
        at += 3
        if period < i[at]:
            return
        if period > i[at]:
            _start(f, i, at, period)
    if operation == MAX:
        f[at + 2] = value if f[at + 1] == 0 else max(f[at + 2], value)
    elif operation == MIN:
        f[at + 2] = value if f[at + 1] == 0 else min(f[at + 2], value)
    else:
        f[at + 2] += value
    f[at + 1] += 1.0


@kernel
def later(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    ring: int,
    capacity: int,
    value: int,
    bit: int,
    time: int,
    end: int,
) -> tuple[float, float, float, float]:
    """Count, sum, maximum and minimum of what a ring holds after ``time`` and before ``end``."""
    stamps = ring + HEAD_WORDS
    count, total, high, low = 0.0, 0.0, -np.inf, np.inf
    j = i[ring] - 1
    while j >= 0 and (i[stamps + j] >> STAMP_SHIFT) > time:
        if (i[stamps + j] >> STAMP_SHIFT) < end and i[stamps + j] >> bit & 1:
            count += 1.0
            if value >= 0:
                mine = f[stamps + capacity * (value + 1) + j]
                total += mine
                high = max(high, mine)
                low = min(low, mine)
        j -= 1
    return count, total, high, low


@inlined
def read(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    row: int,
    ring: Record,
    feature: Record,
    period: int,
    time: int,
    end: int,
) -> float:
    """The aggregate of a period up to ``time``; missing where it is not known."""
    at, operation = row + feature.at, feature.operation
    if period < i[at]:
        at += 3
        if period < i[at]:
            return np.nan
    if period > i[at]:
        return result(operation, 0.0, 0.0, 0.0, 0.0)
    count, value = f[at + 1], f[at + 2]
    first = row + ring.at
    if i[first] and i[first + HEAD_WORDS + i[first] - 1] >> STAMP_SHIFT > time:
        if i[first + 1] > time:
            return np.nan
        more, total, high, low = later(
            f, i, first, ring.capacity, feature.ring_value, feature.bit, time, end
        )
        if (operation == MAX and high >= value) or (operation == MIN and low <= value):
            return np.nan
        count -= more
        if operation not in (MAX, MIN):
            value = value - total if count else 0.0
    return result(operation, count, value, value, value)


@inlined
def add_then_read(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    row: int,
    rings: Table,
    table: Table,
    stream: int,
    time: int,
    bits: int,
    periods: NDArray[np.int64],
    ends: NDArray[np.int64],
    values: NDArray[np.float64],
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Count event ``e`` in its periods and write their aggregates."""
    for q in range(len(table)):
        feature = table[q]
        period = periods[feature.unit, e]
        if feature.stream == stream and applies(feature.bit, bits):
            value = values[feature.value, e] if feature.value >= 0 else 0.0
            add(f, i, row + feature.at, feature.operation, period, value)
        if feature.demand >> stream & 1:
            end = ends[feature.unit, e]
            ring = rings[feature.stream]
            out[feature.out, e] = read(f, i, row, ring, feature, period, time, end)


def lay_out(build: Builder, feature: Feature) -> None:
    """A record for the feature, whose events the ring of their stream holds too."""
    assert feature.calendar is not None  # noqa: S101
    stream = feature.streams[0]
    build.add(
        "calendars",
        stream=STREAMS.index(stream),
        bit=build.bit(feature, stream, in_ring=True),
        value=build.value(feature.fields[0]) if feature.fields else -1,
        ring_value=build.ring_fields[stream].index(feature.fields[0]) if feature.fields else -1,
        operation=AGGREGATES[feature.operation.name],
        unit=PERIODS.index(feature.calendar),
        at=build.words(WORDS, feature.meaning),
        **build.out(feature),
    )


def oracle(feature: Feature, moments: Sequence[Moment]) -> float:
    """The aggregate of all events of the local period until now."""

    def period(moment: Moment) -> tuple[int, ...]:
        local = moment.local
        if feature.calendar == "week":
            return local.isocalendar()[:2]
        return (local.year, local.month, local.day if feature.calendar == "day" else 0)

    last = moments[-1]
    inside = [each for each in moments if period(each) == period(last) and each.time <= last.time]
    values = [each.values for each in inside if each.values is not None]
    return aggregate(feature.operation.name, values)


KIND = FeatureKind(
    operations=operations(CALENDAR, required=False),
    tables={
        "calendars": columns(
            "stream",
            "bit",
            "value",
            "ring_value",
            "operation",
            "unit",
            "at",
            "out",
            "demand",
        )
    },
    lay_out=lay_out,
    oracle=oracle,
    local_time=True,
)
