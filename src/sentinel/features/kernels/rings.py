"""Sliding windows (t - window, t] over a ring of a customer's last events.

Words of a ring: [events held, newest event time that left the ring, stamps[capacity],
values[capacity] for each value column].  A stamp is ``event_time << 20 | series bits``;
the ring is sorted by stamp, then values, so its content does not depend on the order
of arrival.  What leaves a full ring goes to panes of 1/12 window in the customer's overflow
row: per window feature ``PANES`` cells of [pane number, a, b], where (a, b) is
(count, sum) or (count, extreme).  A window that the ring covers is exact; otherwise the
panes that lie wholly inside it are added, so that its count reads as "at least".
"""

from collections.abc import Iterator, Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from sentinel.features.builder import STREAMS, Builder, index_of
from sentinel.features.kernels.conditions import RING_BITS
from sentinel.features.kind import Feature, FeatureKind, Moment, Operation, Record, Table, columns
from sentinel.model.kernel import inlined, kernel

HEAD_WORDS = 2
STAMP_SHIFT = RING_BITS  # the 42 bits above hold times until 2109
SERIES_BITS = (1 << STAMP_SHIFT) - 1
PANES = 14  # 12 whole ones, the partial one at each end
PANE_WORDS = 3 * PANES
COUNT, SUM, MEAN, MAX, MIN = 0, 1, 2, 3, 4
MAX_VALUES = 4  # value columns of one ring
NO_RING = -1  # instead of a ring's index
PASSED_ON = "passed_on"  # of another kind, which reads the ring
AGGREGATES = {"count": COUNT, "sum": SUM, "mean": MEAN, "max": MAX, "min": MIN}


@kernel
def _precedes(
    i: NDArray[np.int64],
    stamps: int,
    capacity: int,
    n_values: int,
    position: int,
    stamp: int,
    values: NDArray[np.float64],
    event: int,
    ring: Record,
    f: NDArray[np.float64],
) -> bool:
    """Whether the ring's entry at ``position`` stands before the new one."""
    there = i[stamps + position]
    if there != stamp:
        return there < stamp
    for v in range(n_values):
        mine = f[stamps + capacity * (v + 1) + position]
        new = values[ring.values[v], event]
        if mine != new:
            return mine < new
    return True


@inlined
def insert(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    at: int,
    ring: Record,
    stamp: int,
    values: NDArray[np.float64],
    event: int,
    left: NDArray[np.float64],
) -> int:
    """Put an event into the ring; returns the stamp that left it, or -1.

    ``left`` receives the values of the event that left.  It may be the new event itself,
    when that is older than all that a full ring holds.
    """
    n = i[at]
    capacity, n_values = ring.capacity, ring.n_values
    stamps = at + HEAD_WORDS
    position = n
    while position > 0 and not _precedes(
        i, stamps, capacity, n_values, position - 1, stamp, values, event, ring, f
    ):
        position -= 1
    if n < capacity:
        for j in range(n, position, -1):
            i[stamps + j] = i[stamps + j - 1]
            for v in range(1, n_values + 1):
                f[stamps + capacity * v + j] = f[stamps + capacity * v + j - 1]
        i[at] = n + 1
        gone = -1
    else:
        if position == 0:
            gone = stamp
            for v in range(n_values):
                left[v] = values[ring.values[v], event]
        else:
            gone = i[stamps]
            for v in range(n_values):
                left[v] = f[stamps + capacity * (v + 1)]
            position -= 1
            for j in range(position):
                i[stamps + j] = i[stamps + j + 1]
                for v in range(1, n_values + 1):
                    f[stamps + capacity * v + j] = f[stamps + capacity * v + j + 1]
        i[at + 1] = max(i[at + 1], gone >> STAMP_SHIFT)
        if position == 0 and gone == stamp:
            return gone
    i[stamps + position] = stamp
    for v in range(n_values):
        f[stamps + capacity * (v + 1) + position] = values[ring.values[v], event]
    return gone


@kernel
def _pane_ms(window_ms: int) -> int:
    return (window_ms + 11) // 12


@kernel
def spill(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    at: int,
    operation: int,
    window_ms: int,
    time: int,
    value: float,
) -> None:
    """Add an event that left the ring to the panes at ``at`` of an overflow row."""
    pane = time // _pane_ms(window_ms) + 1
    cell = at + 3 * (pane % PANES)
    if i[cell] > pane:
        return  # its pane has been given to a newer one: it is out of the window
    if i[cell] < pane:
        i[cell] = pane
        f[cell + 1] = 0.0
        f[cell + 2] = 0.0
        if operation == MAX:
            f[cell + 2] = -np.inf
        elif operation == MIN:
            f[cell + 2] = np.inf
    f[cell + 1] += 1.0
    if operation == MAX:
        f[cell + 2] = max(f[cell + 2], value)
    elif operation == MIN:
        f[cell + 2] = min(f[cell + 2], value)
    else:
        f[cell + 2] += value


@kernel
def result(operation: int, count: float, total: float, high: float, low: float) -> float:
    """The value of an aggregate; mean, max and min of nothing are missing."""
    if operation == COUNT:
        return count
    if operation == SUM:
        return total
    if count == 0:
        return np.nan
    if operation == MEAN:
        return total / count
    return high if operation == MAX else low


@inlined
def read_windows(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    row: int,
    overflow_f: NDArray[np.float64],
    overflow_i: NDArray[np.int64],
    overflow: int,
    rings: Table,
    windows: Table,
    time: int,
    asker: int,
    out: NDArray[np.float64],
    event: int,
) -> None:
    """Write every demanded window feature as of ``time`` into ``out[:, event]``.

    Records of ``windows`` that belong to one series stand together, shortest window first,
    so one walk from the newest entry backwards answers them all.  ``overflow`` is the index
    of the customer's overflow row, or -1.
    """
    series = -1
    j, stamps, capacity = -1, 0, 0
    bit, value_at = 0, 0
    count, total, high, low = 0.0, 0.0, -np.inf, np.inf
    for w in range(len(windows)):
        window = windows[w]
        if window.demand >> asker & 1 == 0:
            continue
        ring = rings[window.stream]
        at = row + ring.at
        if window.series != series:
            series = window.series
            capacity = ring.capacity
            stamps = at + HEAD_WORDS
            bit = 1 << window.bit
            value_at = stamps + capacity * (window.value + 1)
            count, total, high, low = 0.0, 0.0, -np.inf, np.inf
            j = i[at] - 1
            while j >= 0 and (i[stamps + j] >> STAMP_SHIFT) > time:
                j -= 1
        length, has_value = window.window_ms, window.value >= 0
        start = time - length
        while j >= 0 and (i[stamps + j] >> STAMP_SHIFT) > start:
            if i[stamps + j] & bit:
                count += 1.0
                if has_value:
                    value = f[value_at + j]
                    total += value
                    high = max(high, value)
                    low = min(low, value)
            j -= 1
        operation = window.operation
        left = i[at + 1]
        if left > start and overflow >= 0:
            extra, more, higher, lower = _panes(
                overflow_f, overflow_i, overflow + window.panes_at, operation, length, time, left
            )
            out[window.out, event] = result(
                operation, count + extra, total + more, max(high, higher), min(low, lower)
            )
        else:
            out[window.out, event] = result(operation, count, total, high, low)


@kernel
def _panes(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    at: int,
    operation: int,
    window_ms: int,
    time: int,
    left: int,
) -> tuple[float, float, float, float]:
    """Count, sum, maximum and minimum of the panes wholly inside (time - window, time]."""
    count, total, high, low = 0.0, 0.0, -np.inf, np.inf
    length = _pane_ms(window_ms)
    for p in range(PANES):
        pane = i[at + 3 * p] - 1
        if pane < 0 or pane * length <= time - window_ms:
            continue
        if left > time and (pane + 1) * length - 1 > time:
            continue  # a late question: part of this pane may lie in its future
        count += f[at + 3 * p + 1]
        if operation == MAX:
            high = max(high, f[at + 3 * p + 2])
        elif operation == MIN:
            low = min(low, f[at + 3 * p + 2])
        else:
            total += f[at + 3 * p + 2]
    return count, total, high, low


@inlined
def spill_all(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    overflow: int,
    windows: Table,
    stream: int,
    gone: int,
    left: NDArray[np.float64],
) -> None:
    """Add what left a stream's ring to the panes of every window that counts it."""
    for w in range(len(windows)):
        window = windows[w]
        if window.stream == stream and gone >> window.bit & 1:
            value = left[window.value] if window.value >= 0 else 0.0
            at, time = overflow + window.panes_at, gone >> STAMP_SHIFT
            spill(f, i, at, window.operation, window.window_ms, time, value)


def share(build: Builder) -> None:
    """A ring for each stream that has aggregates, and a record for each of its windows."""
    for position, stream in enumerate(STREAMS):
        aggregates = [
            feature
            for feature in build.outputs
            if feature.operation.name in (*AGGREGATES, PASSED_ON) and feature.streams[0] is stream
        ]
        fields = build.ring_fields[stream] = _fields(build, aggregates)
        capacity = build.history[stream]
        words = HEAD_WORDS + capacity * (1 + len(fields))
        build.add(
            "rings",
            at=build.words(words) if aggregates else NO_RING,
            capacity=capacity,
            n_values=len(fields),
            values=[*map(build.value, fields)] + [-1] * (MAX_VALUES - len(fields)),
        )
        for feature in _by_series(aggregates):
            panes_at = build.overflow_words(PANE_WORDS, feature.meaning)
            bit = build.bit(feature, stream, in_ring=True)
            value = fields.index(feature.fields[0]) if feature.fields else -1
            build.add(
                "windows",
                stream=position,
                bit=bit,
                value=value,
                operation=AGGREGATES[feature.operation.name],
                window_ms=feature.span_ms,
                panes_at=panes_at,
                series=bit * len(STREAMS) + position,
                **build.out(feature),
            )


def _fields(build: Builder, aggregates: Sequence[Feature]) -> list[str]:
    fields: list[str] = []
    for feature in aggregates:
        for name in feature.fields:
            index_of(name, fields)
        if len(fields) > MAX_VALUES:
            stream = feature.streams[0]
            raise build.error(feature, f"aggregates on {stream} use more than {MAX_VALUES} fields")
    return fields


def _by_series(aggregates: Sequence[Feature]) -> Iterator[Feature]:
    """Windows; those that take the same events and value stand together, shortest first."""
    series: dict[tuple[str | None, tuple[str, ...]], list[Feature]] = {}
    for feature in aggregates:
        if feature.operation in KIND.operations:
            series.setdefault((feature.where, feature.fields), []).append(feature)
    for windows in series.values():
        yield from sorted(windows, key=lambda feature: feature.span_ms)


def aggregate(operation: str, values: Sequence[tuple[float | str, ...]]) -> float:
    """An aggregate of a field of events, computed naively."""
    if operation == "count":
        return len(values)
    numbers = [float(each[0]) for each in values]
    if operation == "sum":
        return sum(numbers)
    if not numbers:
        return nan
    if operation == "mean":
        return sum(numbers) / len(numbers)
    return max(numbers) if operation == "max" else min(numbers)


def oracle(feature: Feature, moments: Sequence[Moment]) -> float:
    """The aggregate of all events of the window; what the ring has lost is in it too."""
    now = moments[-1].time
    inside = [each for each in moments if now - feature.span_ms < each.time <= now]
    values = [each.values for each in inside if each.values is not None]
    return aggregate(feature.operation.name, values)


def operations(span: str, *, required: bool) -> tuple[Operation, ...]:
    """The aggregates over a span; ``required``: counts and sums are never missing."""
    return (
        Operation("count", span=span, required=required),
        Operation("sum", fields=("value",), span=span, required=required),
        *(Operation(name, fields=("value",), span=span) for name in ("mean", "max", "min")),
    )


KIND = FeatureKind(
    operations=operations("window", required=True),
    tables={
        "rings": columns("at", "capacity", "n_values", values=MAX_VALUES),
        "windows": columns(
            "stream",
            "bit",
            "value",
            "operation",
            "window_ms",
            "panes_at",
            "series",
            "out",
            "demand",
        ),
    },
    share=share,
    oracle=oracle,
)
