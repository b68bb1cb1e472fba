"""How far a value is from the customer's own normal: z-score on decaying moments.

Words: [newest event time, weight, mean, sum of squared deviations], the exponentially
weighted form of Welford's recurrence (West, CACM 22(9), 1979).  The score is taken
before the value is learnt.  It is missing until ``LEAST_WEIGHT`` values' worth of history;
the deviation is taken as at least a tenth of the mean, so that a customer who always pays
the same is not alarming at the first other amount.
"""

from collections.abc import Sequence
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from sentinel.features.builder import STREAMS, Builder
from sentinel.features.kernels.conditions import applies
from sentinel.features.kind import Feature, FeatureKind, Moment, Operation, Table, columns
from sentinel.model.kernel import inlined, kernel

WORDS = 4
LEAST_WEIGHT = 5.0
LEAST_DEVIATION = 0.1


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
    table: Table,
    stream: int,
    time: int,
    bits: int,
    values: NDArray[np.float64],
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Write the z-scores of event ``e`` and the means behind them, then learn its values."""
    for q in range(len(table)):
        feature = table[q]
        learns = feature.stream == stream and applies(feature.bit, bits)
        at, value = row + feature.at, values[feature.value, e]
        if feature.demand >> stream & 1:
            out[feature.out, e] = zscore(f, at, value) if learns else np.nan
            out[feature.normal, e] = f[at + 2]
        if learns:
            learn(f, i, at, time, feature.halflife_ms, value)


def lay_out(build: Builder, feature: Feature) -> None:
    """A record for the feature, whose normal is a second result."""
    stream = feature.streams[0]
    build.add(
        "zscores",
        stream=STREAMS.index(stream),
        bit=build.bit(feature, stream),
        value=build.value(feature.fields[0]),
        at=build.words(WORDS, feature.meaning),
        halflife_ms=feature.span_ms,
        normal=build.normal(feature),
        **build.out(feature),
    )


def oracle(feature: Feature, moments: Sequence[Moment]) -> float:
    """The weighted mean and deviation of all values before the last one."""
    *before, last = moments
    learnt = [(each.time, float(each.values[0])) for each in before if each.values]
    if last.values is None or not learnt:
        return nan
    newest = max(time for time, _ in learnt)
    weighted = [(0.5 ** ((newest - time) / feature.span_ms), value) for time, value in learnt]
    weight = sum(share for share, _ in weighted)
    if weight < LEAST_WEIGHT:
        return nan
    mean = sum(share * value for share, value in weighted) / weight
    variance = sum(share * (value - mean) ** 2 for share, value in weighted) / weight
    return (float(last.values[0]) - mean) / max(sqrt(variance), LEAST_DEVIATION * abs(mean), 1e-9)


KIND = FeatureKind(
    operations=(Operation("zscore", fields=("value",), span="halflife", measures=True),),
    tables={
        "zscores": columns("stream", "bit", "value", "at", "halflife_ms", "out", "demand", "normal")
    },
    lay_out=lay_out,
    oracle=oracle,
)
