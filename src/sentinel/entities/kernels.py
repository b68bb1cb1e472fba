"""The loop at the owner of shared entities: rollup rows into rings.

A distinct count keeps the KEPT customers who were seen last, and in which pane: while fewer are in
its window it is exact (but for two that share 34 bits of a keyed hash, one in 10^7).  With more it
is linear counting over 256 bits (Whang, Vander-Zanden and Taylor, "A linear-time probabilistic
counting algorithm for database applications", ACM TODS 15(2), 1990): n = -256 ln(share of bits that
are 0), to the nearest whole number.  Its standard error is 4.5 % at 64 customers, 6 % at 400 and 9
% at 800; an error of twice that is usual, of three times it one in 400.  The result is 1,420 at
most, which reads as "at least", never less than KEPT and never more than events.

Customers in order of their last pane, then hash: who is evicted at capacity would have
left the window before all who are kept.  So what is kept depends on rows and not on their order.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sentinel.entities.layout import (
    COUNT,
    DISTINCT,
    KEPT,
    PANE,
    SKETCH_WORDS,
    SLOT_PANE,
    SUM,
    Table,
)
from sentinel.model.kernel import inlined, kernel

SKETCH_BITS = 64 * SKETCH_WORDS
ESTIMATES = np.array(
    [
        round(-SKETCH_BITS * math.log(max(1, SKETCH_BITS - ones) / SKETCH_BITS))
        for ones in range(SKETCH_BITS + 1)
    ],
    np.float64,
)
"""How many customers a sketch stands for, by how many of its bits are 1."""

_HASH_BITS = 34  # a pane's number takes the 29 bits above
_HASH_MASK = (1 << _HASH_BITS) - 1
_SKETCH_PANE = SKETCH_WORDS + 1


@inlined
def _ones(word: int) -> int:
    """How many bits of a word are 1 (Warren, Hacker's Delight, 5-1)."""
    x = np.uint64(word)
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@inlined
def _joined_ones(slab: NDArray[np.int64], ring: int, panes: int) -> int:
    """How many bits are 1 in any of a ring's sketches."""
    ones = 0
    for w in range(SKETCH_WORDS):
        joined = 0
        for k in range(panes):
            joined |= slab[ring + k * _SKETCH_PANE + w]
        ones += _ones(joined)
    return ones


@inlined
def _rows_in(slab: NDArray[np.int64], ring: int, panes: int) -> int:
    """How many rows a ring of sketches has counted."""
    found = 0
    for k in range(panes):
        found += slab[ring + k * _SKETCH_PANE + SKETCH_WORDS]
    return found


@inlined
def _keep_customer(slab: NDArray[np.int64], size: int, customer: int, pane: int) -> None:
    """Note that a customer was seen in a pane; ``size`` is the index of their number."""
    known, first = slab[size], size + 1
    mine = (pane << _HASH_BITS) | (customer & _HASH_MASK)
    position = known
    for k in range(known):
        if slab[first + k] & _HASH_MASK == mine & _HASH_MASK:
            if slab[first + k] >= mine:
                return
            position = k
            break
    if position == KEPT:
        if slab[first + KEPT - 1] >= mine:
            return
        position = KEPT - 1
    elif position == known:
        slab[size] = known + 1
    while position > 0 and slab[first + position - 1] < mine:
        slab[first + position] = slab[first + position - 1]
        position -= 1
    slab[first + position] = mine


@inlined
def _drop_customers(slab: NDArray[np.int64], size: int, pane: int) -> None:
    """Drop the customers who were seen last in ``pane`` or before."""
    while slab[size] and slab[size + slab[size]] >> _HASH_BITS <= pane:
        slab[size + slab[size]] = 0
        slab[size] -= 1


@inlined
def _estimate(slab: NDArray[np.int64], value: int, ring: int, panes: int) -> float:
    """The estimated customers of a ring with KEPT or more; ``value`` caches its ones."""
    if slab[value] == 0:
        slab[value] = _joined_ones(slab, ring, panes)
    least, most = float(KEPT), float(_rows_in(slab, ring, panes))
    return min(max(ESTIMATES[slab[value]], least), most)


@inlined
def _quotient(a: int, b: int) -> int:
    """``a // b`` of numbers from 0 to 2**52, exactly; dividing doubles is several times faster."""
    return int(float(a) / float(b))


@kernel
def absorb(
    rows: NDArray[np.int64],
    slots: NDArray[np.int64],
    fresh: NDArray[np.bool_],
    measures: Table,
    slab: NDArray[np.int64],
    width: int,
    out: NDArray[np.float64],
) -> int:
    """Add rows to their entities' rings, one by one; returns how many were too late for all.

    ``slots`` int64[r] and ``fresh`` bool[r] as :meth:`sentinel.state.Slots.assign` gives them;
    ``slab`` int64[slots * width]; ``out`` float64[measures, r] is each measure as it stands
    after each row.  The value of a measure is the total of its ring; of a distinct count, how many
    bits are 1 in its sketches together, 0 if that is not computed yet.
    """
    late = 0
    for i in range(len(rows)):
        base, pane = slots[i] * width, rows[i, PANE]
        if fresh[i]:
            for w in range(width):
                slab[base + w] = 0
        newest = slab[base + SLOT_PANE]
        head = max(newest, pane)
        slab[base + SLOT_PANE] = head
        counted = False
        for m in range(len(measures)):
            measure = measures[m]
            operation, every, panes = measure.operation, measure.every, measure.panes
            word, value = measure.word, base + measure.slot_word
            size = value + 1
            ring, words = size, 1
            if operation == DISTINCT:
                ring, words = size + 1 + KEPT, _SKETCH_PANE
            last = _quotient(head, every)
            mine = last if pane == head else _quotient(pane, every)
            # A ring without anything has nothing to expire; a sum of 0 may hide both signs.
            if newest and newest != head and (operation == SUM or slab[value] or slab[size]):
                first = max(_quotient(newest, every) + 1, last - panes + 1)
                cell = first - panes * _quotient(first, panes)
                for _ in range(last + 1 - first):
                    if operation == DISTINCT:
                        slab[value] = 0
                    else:
                        slab[value] -= slab[ring + cell]
                    for w in range(words):
                        slab[ring + cell * words + w] = 0
                    cell += 1
                    if cell == panes:
                        cell = 0
                if operation == DISTINCT:
                    _drop_customers(slab, size, last - panes)
            if mine > last - panes:
                counted = True
                at = ring + (mine - panes * _quotient(mine, panes)) * words
                if operation != DISTINCT:
                    slab[value] += rows[i, word]
                    slab[at] += rows[i, word]
                elif rows[i, word]:
                    bit = np.int64(np.uint64(rows[i, word]) >> np.uint64(56))
                    slab[at + (bit >> 6)] |= np.int64(1) << (bit & 63)
                    slab[at + SKETCH_WORDS] += 1
                    slab[value] = 0
                    _keep_customer(slab, size, rows[i, word], mine)
            if operation == COUNT:
                out[m, i] = slab[value]
            elif operation == SUM:
                out[m, i] = slab[value] / 100.0
            elif slab[size] < KEPT:
                out[m, i] = slab[size]
            else:
                out[m, i] = _estimate(slab, value, ring, panes)
        late += not counted
    return late
