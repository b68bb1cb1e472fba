"""Append time: when each record of an input became known, by its broker timestamp.

On a topic with ``message.timestamp.type=LogAppendTime`` that timestamp is the broker's.  With
CreateTime it is the producer's, so it counts only between its predecessor's and wall-clock time,
and only as far as later records confirm it: no producer can move a shard's stream time
back, ahead of now, or, while the shard is behind, ahead of what others have reached.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import kernel

NEVER = -(2**62)
"""A time before all records (ms UTC)."""

AHEAD_MS = 600_000
"""By so much a timestamp may be after those of most records that were appended after its own."""
WITNESSES = 33
"""So many records confirm a timestamp: to move time one must control more than half of them."""


@kernel
def _ordinary(
    recorded_ms: NDArray[np.int64],
    event_times: NDArray[np.int64],
    previous_ms: int,
    until_ms: int,
    is_bounded: bool,
    times: NDArray[np.int64],
) -> bool:
    """Write the append times if no timestamp runs ahead and the first is known; else False."""
    if is_bounded:
        lowest_after = -NEVER
        for i in range(len(recorded_ms) - 1, -1, -1):
            if recorded_ms[i] > lowest_after + AHEAD_MS:
                return False
            if recorded_ms[i] > 0:
                lowest_after = min(lowest_after, recorded_ms[i])
    reached = previous_ms
    for i in range(len(recorded_ms)):
        if recorded_ms[i] > 0:
            reached = max(reached, min(recorded_ms[i], until_ms) if is_bounded else recorded_ms[i])
        elif not is_bounded:
            reached = max(reached, event_times[i])
        times[i] = reached
    return not is_bounded or len(times) == 0 or times[0] > NEVER


def append_times(
    recorded_ms: NDArray[np.int64],
    event_times: NDArray[np.int64],
    previous_ms: int,
    until_ms: int | None,
) -> NDArray[np.int64]:
    """The append times of consecutive records of one input, int64[n] ms UTC, ascending.

    A timestamp that is more than ``AHEAD_MS`` after the median of the (at most) ``WITNESSES``
    that follow it counts as missing.

    Parameters
    ----------
    recorded_ms
        int64[n], broker timestamps; 0 or less where a record has none: its append time is its
        predecessor's.
    event_times
        int64[n], ms UTC; 0 where a record is no event.
    previous_ms
        Append time of the record before; ``NEVER`` before the first.
    until_ms
        A time by which all were appended: wall-clock time, or the stream time that the shard has
        reached with them.  None in a simulation: nothing bounds the timestamps then, and a record
        without one was appended when its event happened.
    """
    times = np.empty(len(recorded_ms), np.int64)
    bound_ms = 0 if until_ms is None else until_ms
    is_bounded = until_ms is not None
    if _ordinary(recorded_ms, event_times, previous_ms, bound_ms, is_bounded, times):
        return times
    known = recorded_ms > 0
    if until_ms is None:
        times = np.where(known, recorded_ms, event_times)
    else:
        times = np.full(len(recorded_ms), NEVER)
        times[known] = np.minimum(_borne_out(recorded_ms[known]), until_ms)
    times = np.maximum.accumulate(np.maximum(times, previous_ms))
    leading = int(np.searchsorted(times, NEVER, side="right"))
    if leading and until_ms is not None:
        times[:leading] = times[leading] if leading < len(times) else until_ms
    return times


def borne_out_ms(recorded_ms: NDArray[np.int64]) -> int:
    """The median of the first ``WITNESSES`` timestamps, int64[n] ms UTC; NEVER without one.

    Of an even number it is the lower one: half of them must confirm a timestamp.
    """
    known = recorded_ms[recorded_ms > 0][:WITNESSES]
    middle = (len(known) - 1) // 2
    return int(np.partition(known, middle)[middle]) if len(known) else NEVER


def _borne_out(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Timestamps; NEVER instead of those that run ahead."""
    lowest_after = np.minimum.accumulate(times[:0:-1])[::-1]
    suspects = np.flatnonzero(times[:-1] > lowest_after + AHEAD_MS)
    if not len(suspects):
        return times
    whole = suspects[suspects < len(times) - WITNESSES]
    medians = np.empty(len(suspects), np.int64)
    if len(whole):
        middle = WITNESSES // 2
        following = np.lib.stride_tricks.sliding_window_view(times[1:], WITNESSES)[whole]
        medians[: len(whole)] = np.partition(following, middle, axis=1)[:, middle]
    for index in range(len(whole), len(suspects)):
        medians[index] = borne_out_ms(times[suspects[index] + 1 :])
    found = times.copy()
    found[suspects[times[suspects] > medians + AHEAD_MS]] = NEVER
    return found
