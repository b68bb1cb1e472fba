"""How unusual an hour of the local day is for a customer.

Words: 24 counters of 16 bits in six words.  When one is full all are halved, so old
habits fade.  Rarity is 1 minus the share of the customer's events in this hour or the
two beside it, over the events learnt so far; missing below ``LEAST_EVENTS`` of them.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.features.kernels.conditions import applies
from sentinel.model.kernel import inlined, kernel

WORDS = 6
FULL = 0xFFFF
LEAST_EVENTS = 20
BITS, AT, OUT, DEMAND = 0, 3, 4, 5  # BITS: one per stream


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
    table: NDArray[np.int64],
    stream: int,
    hour: int,
    bits: int,
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Write the rarity of event ``e``'s hour, then count it."""
    for q in range(len(table)):
        at = row + table[q, AT]
        learns = applies(table[q, BITS + stream], bits)
        if table[q, DEMAND] >> stream & 1:
            out[table[q, OUT], e] = rarity(i, at, hour) if learns else np.nan
        if learns:
            learn(i, at, hour)
