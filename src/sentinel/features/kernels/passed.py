"""Money that was passed on: how much of what came in within a window has gone out since.

Reads the ring of the customer's last events in the order of their times: what comes in fills a
pool, what goes out empties it, and as much as the pool had of it was passed on.  What went out
before anything came in was the customer's own; of one moment what comes in is first.  What has
left the ring is not seen, so the amount of a customer with more events in the window is "at least".
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sentinel.features.builder import STREAMS, Builder
from sentinel.features.kernels.rings import HEAD_WORDS, PASSED_ON, STAMP_SHIFT
from sentinel.features.kind import Feature, FeatureKind, Moment, Operation, Table, columns
from sentinel.model.kernel import inlined


@inlined
def read(
    f: NDArray[np.float64],
    i: NDArray[np.int64],
    row: int,
    rings: Table,
    table: Table,
    time: int,
    stream: int,
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Write what was passed on as of ``time`` into ``out[:, e]``."""
    for q in range(len(table)):
        feature = table[q]
        if feature.demand >> stream & 1 == 0:
            continue
        ring = rings[feature.stream]
        at = row + ring.at
        stamps, values = at + HEAD_WORDS, at + HEAD_WORDS + ring.capacity * (feature.value + 1)
        pool, passed, j = 0.0, 0.0, 0
        while j < i[at]:
            first, then = j, i[stamps + j] >> STAMP_SHIFT
            while j < i[at] and i[stamps + j] >> STAMP_SHIFT == then:
                j += 1
            if not time - feature.window_ms < then <= time:
                continue
            for k in range(first, j):
                if i[stamps + k] >> feature.came & 1:
                    pool += f[values + k]
            for k in range(first, j):
                if i[stamps + k] >> feature.went & 1 and not i[stamps + k] >> feature.came & 1:
                    moved = min(pool, f[values + k])
                    pool, passed = pool - moved, passed + moved
        out[feature.out, e] = passed


def lay_out(build: Builder, feature: Feature) -> None:
    """A record with the bits of both conditions; the ring holds the values."""
    (stream,), (field,) = feature.streams, feature.fields
    build.add(
        "passed",
        stream=STREAMS.index(stream),
        came=build.bit(replace(feature, where=feature.after), stream, in_ring=True),
        went=build.bit(feature, stream, in_ring=True),
        value=build.ring_fields[stream].index(field),
        window_ms=feature.span_ms,
        **build.out(feature),
    )


def oracle(feature: Feature, moments: Sequence[Moment]) -> float:
    """The same over all events of the window."""
    now, pool, passed = moments[-1].time, 0.0, 0.0
    inside = [each for each in moments if now - feature.span_ms < each.time <= now]
    for each in sorted(inside, key=lambda each: (each.time, each.came is None)):
        if each.came is not None:
            pool += float(each.came[0])
        elif each.values is not None:
            moved = min(pool, float(each.values[0]))
            pool, passed = pool - moved, passed + moved
    return passed


KIND = FeatureKind(
    operations=(Operation(PASSED_ON, fields=("value",), span="window", after=True, required=True),),
    tables={
        "passed": columns("stream", "came", "went", "value", "window_ms", "out", "demand"),
    },
    lay_out=lay_out,
    oracle=oracle,
)
