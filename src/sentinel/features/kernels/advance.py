"""One pass over a batch: for each event in order, update the customer's row and read it.

Features are read as of the event: windows and distinct counts hold it, while scores
against the customer's normal (z-score, rarity, first seen, since, velocity) are taken
before the event is learnt.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentinel.features.kernels import (
    calendar,
    normal,
    passed,
    recents,
    rhythm,
    rings,
    since,
    velocity,
)
from sentinel.features.kind import Table
from sentinel.model.kernel import inlined, kernel

KINDS = (
    rings.KIND,
    calendar.KIND,
    passed.KIND,
    recents.KIND,
    normal.KIND,
    velocity.KIND,
    since.KIND,
    rhythm.KIND,
)
"""Every kind of feature; ``advance`` calls the kernels of each, for Numba cannot iterate here."""

OVERFLOW = 0  # the first word of a row: 1 + the customer's overflow row


class Tables(NamedTuple):
    """What to compute: a record per feature (per set, per ring), see the kinds."""

    rings: Table
    windows: Table
    calendars: Table
    passed: Table
    sets: Table
    first_seen: Table
    distinct: Table
    zscores: Table
    since: Table
    velocities: Table
    rarities: Table


class Inputs(NamedTuple):
    """The batch as the kernel sees it, n events in merged order.

    ``slots`` int64[n], ``fresh`` bool[n], ``stream`` int8[n], ``time`` int64[n] ms,
    ``bits`` int64[n] conditions that hold, ``values`` float64[columns, n], ``ids``
    int64[columns, n] hashes, ``periods`` int64[3, n] local day, week and month numbers,
    ``ends`` int64[3, n] ms at which each is over, ``hours`` int64[n] local hour.
    """

    slots: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    stream: NDArray[np.int8]
    time: NDArray[np.int64]
    bits: NDArray[np.int64]
    values: NDArray[np.float64]
    ids: NDArray[np.int64]
    periods: NDArray[np.int64]
    ends: NDArray[np.int64]
    hours: NDArray[np.int64]


class Memory(NamedTuple):
    """Rows of words, flat: ``f`` and ``i`` are views of one memory, ``width`` words a row.

    Overflow rows likewise; ``overflow_head`` is [first free, highest used, in use].
    """

    f: NDArray[np.float64]
    i: NDArray[np.int64]
    width: int
    overflow_f: NDArray[np.float64]
    overflow_i: NDArray[np.int64]
    overflow_width: int
    overflow_head: NDArray[np.int64]


@inlined
def _clear(
    i: NDArray[np.int64],
    row: int,
    width: int,
    overflow_i: NDArray[np.int64],
    overflow_width: int,
    overflow_head: NDArray[np.int64],
) -> None:
    """Clear a row for a new customer."""
    overflow = i[row + OVERFLOW]
    if overflow > 0:
        overflow_i[(overflow - 1) * overflow_width] = overflow_head[0]
        overflow_head[0] = overflow
        overflow_head[2] -= 1
    for k in range(row, row + width):
        i[k] = 0


@inlined
def _allocate_overflow(
    i: NDArray[np.int64],
    row: int,
    overflow_i: NDArray[np.int64],
    overflow_width: int,
    overflow_head: NDArray[np.int64],
) -> bool:
    """Give a customer an overflow row of zeros; False where none is left."""
    if overflow_head[0] > 0:
        overflow = overflow_head[0]
        overflow_head[0] = overflow_i[(overflow - 1) * overflow_width]
    elif (overflow_head[1] + 1) * overflow_width <= len(overflow_i):
        overflow_head[1] += 1
        overflow = overflow_head[1]
    else:
        return False
    overflow_head[2] += 1
    for k in range((overflow - 1) * overflow_width, overflow * overflow_width):
        overflow_i[k] = 0
    i[row + OVERFLOW] = overflow
    return True


@kernel
def advance(
    tables: Tables,
    inputs: Inputs,
    memory: Memory,
    left: NDArray[np.float64],
    out: NDArray[np.float64],
) -> int:
    """Run a batch; ``out`` is float64[features, n], written where a stream demands it.

    ``left`` float64[rings.MAX_VALUES] is the kernel's own.

    Returns how often a customer found no overflow row, so that its counts lost what left
    its ring.
    """
    slots, fresh, streams, times, all_bits, values, ids, periods, ends, hours = inputs
    f, i, width, overflow_f, overflow_i, overflow_width, overflow_head = memory
    lost = 0
    for e in range(len(slots)):
        row, stream, time, bits = slots[e] * width, streams[e], times[e], all_bits[e]
        if fresh[e]:
            _clear(i, row, width, overflow_i, overflow_width, overflow_head)

        ring = tables.rings[stream]
        if ring.at != rings.NO_RING:
            stamp = (time << rings.STAMP_SHIFT) | (bits & rings.SERIES_BITS)
            gone = rings.insert(f, i, row + ring.at, ring, stamp, values, e, left)
            if gone >= 0:
                if i[row + OVERFLOW] > 0 or _allocate_overflow(
                    i, row, overflow_i, overflow_width, overflow_head
                ):
                    base = (i[row + OVERFLOW] - 1) * overflow_width
                    rings.spill_all(
                        overflow_f, overflow_i, base, tables.windows, stream, gone, left
                    )
                else:
                    lost += 1

        recents.ask_then_add(
            i, row, tables.sets, tables.first_seen, stream, time, bits, ids, out, e
        )
        normal.score_then_learn(f, i, row, tables.zscores, stream, time, bits, values, out, e)
        since.elapse(i, row, tables.since, stream, time, bits, out, e)
        velocity.move(f, i, row, tables.velocities, stream, time, bits, values, out, e)
        rhythm.score_then_learn(i, row, tables.rarities, stream, hours[e], bits, out, e)

        overflow = (i[row + OVERFLOW] - 1) * overflow_width if i[row + OVERFLOW] > 0 else -1
        rings.read_windows(
            f,
            i,
            row,
            overflow_f,
            overflow_i,
            overflow,
            tables.rings,
            tables.windows,
            time,
            stream,
            out,
            e,
        )
        calendar.add_then_read(
            f,
            i,
            row,
            tables.rings,
            tables.calendars,
            stream,
            time,
            bits,
            periods,
            ends,
            values,
            out,
            e,
        )
        passed.read(f, i, row, tables.rings, tables.passed, time, stream, out, e)
        recents.count_distinct(
            i, row, tables.sets, tables.distinct, stream, time, bits, ids, out, e
        )
    return lost
