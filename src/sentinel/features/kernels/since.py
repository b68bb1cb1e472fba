"""Time since the last event of a kind.

Words: the last event time and the one before it.  A late event between the
two gets the value as of its time; before both the value is missing, as older times are not kept.
"""

from collections.abc import Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from sentinel.features.builder import STREAMS, Builder
from sentinel.features.kernels.conditions import applies
from sentinel.features.kind import Feature, FeatureKind, Moment, Operation, Table, columns
from sentinel.model.kernel import inlined, kernel

WORDS = 2


@kernel
def seconds_since(i: NDArray[np.int64], at: int, time: int) -> float:
    """Seconds since the last event at ``time`` or before; NaN if there is none, or none is kept."""
    for k in range(2):
        if i[at + k] != 0 and i[at + k] <= time:
            return (time - i[at + k]) / 1000.0
    return np.nan


@kernel
def note(i: NDArray[np.int64], at: int, time: int) -> None:
    """Keep an event time, if it is among the last two."""
    if time > i[at]:
        i[at + 1], i[at] = i[at], time
    elif i[at] > time > i[at + 1]:
        i[at + 1] = time


@inlined
def elapse(
    i: NDArray[np.int64],
    row: int,
    table: Table,
    stream: int,
    time: int,
    bits: int,
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Write the times since the last event before ``e``, which then is the last."""
    for q in range(len(table)):
        feature = table[q]
        at = row + feature.at
        if feature.demand >> stream & 1:
            out[feature.out, e] = seconds_since(i, at, time)
        if applies(feature.bits[stream], bits):
            note(i, at, time)


def lay_out(build: Builder, feature: Feature) -> None:
    """A record for the feature, with a condition for each stream."""
    build.add(
        "since",
        bits=build.stream_bits(feature),
        at=build.words(WORDS, feature.meaning),
        **build.out(feature),
    )


def oracle(_feature: Feature, moments: Sequence[Moment]) -> float:
    """Seconds since the newest of the events before."""
    *before, last = moments
    times = [each.time for each in before if each.values is not None and each.time <= last.time]
    return (last.time - max(times)) / 1000 if times else nan


KIND = FeatureKind(
    operations=(Operation("since_last", many_streams=True, unit="s"),),
    tables={"since": columns("at", "out", "demand", bits=len(STREAMS))},
    lay_out=lay_out,
    oracle=oracle,
)
