"""How far a value is from the customer's own normal: z-score on decaying moments.

Words: [newest event time, weight, mean, sum of squared deviations], the exponentially
weighted form of Welford's recurrence (West, CACM 22(9), 1979).  The score is taken
before the value is learnt.  It is missing until ``LEAST_WEIGHT`` values' worth of history;
the deviation is taken as at least a tenth of the mean, so that a customer who always pays
the same is not alarming at the first other amount.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.features.kernels.conditions import applies
from sentinel.model.kernel import inlined, kernel

WORDS = 4
LEAST_WEIGHT = 5.0
LEAST_DEVIATION = 0.1
STREAM, BIT, COLUMN, AT, HALFLIFE_MS, OUT, DEMAND, NORMAL = range(8)


@kernel
def zscore(f: NDArray[np.float64], at: int, value: float) -> float:
    """Standard deviations from the decaying mean; NaN while there is too little history."""
    weight, mean = f[at + 1], f[at + 2]
    if weight < LEAST_WEIGHT:
        return np.nan
    deviation = max(np.sqrt(f[at + 3] / weight), LEAST_DEVIATION * abs(mean), 1e-9)
    return (value - mean) / deviation


@kernel
def learn(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    at: int,
    time: int,
    halflife_ms: int,
    value: float,
) -> None:
    """Fade the history up to ``time`` and add ``value``; a late value is faded instead."""
    share = 1.0
    if f[at + 1] > 0:
        fade = 0.5 ** (abs(time - i[at]) / halflife_ms)
        if time >= i[at]:
            f[at + 1] *= fade
            f[at + 3] *= fade
        else:
            share = fade
    i[at] = max(i[at], time)
    f[at + 1] += share
    step = value - f[at + 2]
    f[at + 2] += step * share / f[at + 1]
    f[at + 3] += share * step * (value - f[at + 2])


@inlined
def score_then_learn(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    row: int,
    table: NDArray[np.int64],
    stream: int,
    time: int,
    bits: int,
    values: NDArray[np.float64],
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Write the z-scores of event ``e`` and the means behind them, then learn its values."""
    for q in range(len(table)):
        learns = table[q, STREAM] == stream and applies(table[q, BIT], bits)
        at, value = row + table[q, AT], values[table[q, COLUMN], e]
        if table[q, DEMAND] >> stream & 1:
            out[table[q, OUT], e] = zscore(f, at, value) if learns else np.nan
            out[table[q, NORMAL], e] = f[at + 2]
        if learns:
            learn(f, i, at, time, table[q, HALFLIFE_MS], value)
