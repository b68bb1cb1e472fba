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
    recents.KIND,
    normal.KIND,
    velocity.KIND,
    since.KIND,
    rhythm.KIND,
)
"""Every kind of feature; ``advance`` calls the kernels of each, for Numba cannot iterate here."""

BUSY = 0  # the first word of a row: 1 + the customer's busy slot


class Tables(NamedTuple):
    """What to compute: a record per feature (per set, per ring), see the kinds."""

    rings: Table
    windows: Table
    calendars: Table
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

    Busy rows likewise; ``busy_head`` is [first free, highest used, in use].
    """

    f: NDArray[np.float64]
    i: NDArray[np.int64]
    width: int
    busy_f: NDArray[np.float64]
    busy_i: NDArray[np.int64]
    busy_width: int
    busy_head: NDArray[np.int64]


@inlined
def _clear(
    i: NDArray[np.int64],
    row: int,
    width: int,
    busy_i: NDArray[np.int64],
    busy_width: int,
    busy_head: NDArray[np.int64],
) -> None:
    """Make a row that changes hands that of a new customer."""
    busy = i[row + BUSY]
    if busy > 0:
        busy_i[(busy - 1) * busy_width] = busy_head[0]
        busy_head[0] = busy
        busy_head[2] -= 1
    for k in range(row, row + width):
        i[k] = 0


@inlined
def _take_busy(
    i: NDArray[np.int64],
    row: int,
    busy_i: NDArray[np.int64],
    busy_width: int,
    busy_head: NDArray[np.int64],
) -> bool:
    """Give a customer a busy row of zeros; False where none is left."""
    if busy_head[0] > 0:
        busy = busy_head[0]
        busy_head[0] = busy_i[(busy - 1) * busy_width]
    elif (busy_head[1] + 1) * busy_width <= len(busy_i):
        busy_head[1] += 1
        busy = busy_head[1]
    else:
        return False
    busy_head[2] += 1
    for k in range((busy - 1) * busy_width, busy * busy_width):
        busy_i[k] = 0
    i[row + BUSY] = busy
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

    Returns how often a customer found no busy row, so that its counts lost what left
    its ring.
    """
    slots, fresh, streams, times, all_bits, values, ids, periods, ends, hours = inputs
    f, i, width, busy_f, busy_i, busy_width, busy_head = memory
    lost = 0
    for e in range(len(slots)):
        row, stream, time, bits = slots[e] * width, streams[e], times[e], all_bits[e]
        if fresh[e]:
            _clear(i, row, width, busy_i, busy_width, busy_head)

        ring = tables.rings[stream]
        if ring.at != rings.NO_RING:
            stamp = (time << rings.STAMP_SHIFT) | (bits & rings.SERIES_BITS)
            gone = rings.insert(f, i, row + ring.at, ring, stamp, values, e, left)
            if gone >= 0:
                if i[row + BUSY] > 0 or _take_busy(i, row, busy_i, busy_width, busy_head):
                    base = (i[row + BUSY] - 1) * busy_width
                    rings.spill_all(busy_f, busy_i, base, tables.windows, stream, gone, left)
                else:
                    lost += 1

        recents.ask_then_add(
            i, row, tables.sets, tables.first_seen, stream, time, bits, ids, out, e
        )
        normal.score_then_learn(f, i, row, tables.zscores, stream, time, bits, values, out, e)
        since.elapse(i, row, tables.since, stream, time, bits, out, e)
        velocity.move(f, i, row, tables.velocities, stream, time, bits, values, out, e)
        rhythm.score_then_learn(i, row, tables.rarities, stream, hours[e], bits, out, e)

        busy = (i[row + BUSY] - 1) * busy_width if i[row + BUSY] > 0 else -1
        rings.read_windows(
            f, i, row, busy_f, busy_i, busy, tables.rings, tables.windows, time, stream, out, e
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
        recents.count_distinct(
            i, row, tables.sets, tables.distinct, stream, time, bits, ids, out, e
        )
    return lost
