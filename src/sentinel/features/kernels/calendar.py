"""Calendar windows: the local day, week or month that holds an event, as of the event.

Words: two cells of [period, count, value], the newest period seen and the one before it
that had events.  A late event still counts in either, and what came after it is taken off by
the ring of last events.  The value is missing where that cannot be known: in an older period,
where more came after it than the ring holds, and of a maximum that may be a later event's.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.features.kernels.conditions import applies
from sentinel.features.kernels.rings import (
    HEAD_WORDS,
    MAX,
    MIN,
    RING_AT,
    RING_CAPACITY,
    STAMP_SHIFT,
    result,
)
from sentinel.model.kernel import inlined, kernel

WORDS = 6
STREAM, BIT, VALUE, OPERATION, UNIT, AT, OUT, DEMAND, RING_VALUE = range(9)


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
    """Count an event in its period, if that is still held."""
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
    rings: NDArray[np.int64],
    table: NDArray[np.int64],
    q: int,
    period: int,
    time: int,
    end: int,
) -> float:
    """The aggregate of a period up to ``time``; missing where it is not known."""
    at, operation, stream = row + table[q, AT], table[q, OPERATION], table[q, STREAM]
    if period < i[at]:
        at += 3
        if period < i[at]:
            return np.nan
    if period > i[at]:
        return result(operation, 0.0, 0.0, 0.0, 0.0)
    count, value = f[at + 1], f[at + 2]
    ring, capacity = row + rings[stream, RING_AT], rings[stream, RING_CAPACITY]
    if i[ring] and i[ring + HEAD_WORDS + i[ring] - 1] >> STAMP_SHIFT > time:
        if i[ring + 1] > time:
            return np.nan
        more, total, high, low = later(
            f, i, ring, capacity, table[q, RING_VALUE], table[q, BIT], time, end
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
    rings: NDArray[np.int64],
    table: NDArray[np.int64],
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
        period = periods[table[q, UNIT], e]
        if table[q, STREAM] == stream and applies(table[q, BIT], bits):
            value = values[table[q, VALUE], e] if table[q, VALUE] >= 0 else 0.0
            add(f, i, row + table[q, AT], table[q, OPERATION], period, value)
        if table[q, DEMAND] >> stream & 1:
            end = ends[table[q, UNIT], e]
            out[table[q, OUT], e] = read(f, i, row, rings, table, q, period, time, end)
