"""How unusual an hour of the local day is for a customer.

Words: 24 counters of 16 bits in six words.  When one is full all are halved, so old
habits fade.  Rarity is 1 minus the share of the customer's events in this hour or the
two beside it, over the events learnt so far; missing below ``LEAST_EVENTS`` of them.
"""

from collections.abc import Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from sentinel.features.builder import STREAMS, Builder
from sentinel.features.kernels.conditions import applies
from sentinel.features.kind import Feature, FeatureKind, Moment, Operation, Table, columns
from sentinel.model.kernel import inlined, kernel

WORDS = 6
FULL = 0xFFFF
LEAST_EVENTS = 20


@kernel
def _count(i: NDArray[np.int64], at: int, hour: int) -> int:
    return (i[at + hour // 4] >> (16 * (hour % 4))) & FULL


@kernel
def rarity(i: NDArray[np.int64], at: int, hour: int) -> float:
    """0: always around this hour; 1: never."""
    total = 0
    for h in range(24):
        total += _count(i, at, h)
    if total < LEAST_EVENTS:
        return np.nan
    near = _count(i, at, (hour + 23) % 24) + _count(i, at, hour) + _count(i, at, (hour + 1) % 24)
    return 1.0 - near / total


@kernel
def learn(i: NDArray[np.int64], at: int, hour: int) -> None:
    """Count an event in its hour."""
    if _count(i, at, hour) == FULL:
        for w in range(6):
            i[at + w] = (i[at + w] >> 1) & 0x7FFF7FFF7FFF7FFF
    i[at + hour // 4] += 1 << (16 * (hour % 4))


@inlined
def score_then_learn(
    i: NDArray[np.int64],
    row: int,
    table: Table,
    stream: int,
    hour: int,
    bits: int,
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Write the rarity of event ``e``'s hour, then count it."""
    for q in range(len(table)):
        feature = table[q]
        at = row + feature.at
        learns = applies(feature.bits[stream], bits)
        if feature.demand >> stream & 1:
            out[feature.out, e] = rarity(i, at, hour) if learns else np.nan
        if learns:
            learn(i, at, hour)


def lay_out(build: Builder, feature: Feature) -> None:
    """A record for the feature, with a condition for each stream."""
    build.add(
        "rarities",
        bits=build.stream_bits(feature),
        at=build.words(WORDS, feature.meaning),
        **build.out(feature),
    )


def oracle(_feature: Feature, moments: Sequence[Moment]) -> float:
    """1 minus the share of the earlier events that are an hour of the day away at most."""
    *before, last = moments
    learnt = [each.local.hour for each in before if each.values is not None]
    if last.values is None or len(learnt) < LEAST_EVENTS:
        return nan
    near = [hour for hour in learnt if (hour - last.local.hour) % 24 in (23, 0, 1)]
    return 1 - len(near) / len(learnt)


KIND = FeatureKind(
    operations=(Operation("hour_rarity", many_streams=True),),
    tables={"rarities": columns("at", "out", "demand", bits=len(STREAMS))},
    lay_out=lay_out,
    oracle=oracle,
    local_time=True,
)
