"""Calendar windows: the local day, week or month that holds an event; always exact.

Words: two cells of [period, count, value], the newest period seen and the one before it
that had events.  A late event still counts in either; the value of an older period is
missing, for it is no longer held.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.features.kernels.conditions import applies
from sentinel.features.kernels.rings import MAX, MIN, result
from sentinel.model.kernel import inlined, kernel

WORDS = 6
BITS, VALUE, OPERATION, UNIT, AT, OUT, DEMAND = 0, 3, 4, 5, 6, 7, 8  # BITS: one per stream


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
def read(
    f: NDArray[np.float64], i: NDArray[np.int64], at: int, operation: int, period: int
) -> float:
    """The aggregate of a period; missing where it is no longer held."""
    if period < i[at]:
        at += 3
    if period == i[at]:
        return result(operation, f[at + 1], f[at + 2], f[at + 2], f[at + 2])
    if period > i[at]:
        return result(operation, 0.0, 0.0, 0.0, 0.0)
    return np.nan


@inlined
def add_then_read(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    row: int,
    table: NDArray[np.int64],
    stream: int,
    bits: int,
    periods: NDArray[np.int64],
    values: NDArray[np.float64],
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Count event ``e`` in its periods and write their aggregates."""
    for q in range(len(table)):
        at, operation = row + table[q, AT], table[q, OPERATION]
        period = periods[table[q, UNIT], e]
        if applies(table[q, BITS + stream], bits):
            value = values[table[q, VALUE], e] if table[q, VALUE] >= 0 else 0.0
            add(f, i, at, operation, period, value)
        if table[q, DEMAND] >> stream & 1:
            out[table[q, OUT], e] = read(f, i, at, operation, period)
