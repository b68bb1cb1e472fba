"""Append time: when each record of an input became known, by its broker timestamp.

On a topic with ``message.timestamp.type=LogAppendTime`` that timestamp is the broker's.  With
CreateTime it is the producer's, so it counts only between its predecessor's and wall-clock time:
no producer can move a shard's stream time back, or ahead of now.
"""

import numpy as np
from numpy.typing import NDArray

NEVER = -(2**62)
"""A time before all records (ms UTC)."""


def append_times(
    recorded_ms: NDArray[np.int64],
    event_times: NDArray[np.int64],
    previous_ms: int,
    wall_ms: int | None,
) -> NDArray[np.int64]:
    """The append times of consecutive records of one input, int64[n] ms UTC, ascending.

    Parameters
    ----------
    recorded_ms
        int64[n], broker timestamps; 0 or less where a record has none: its append time is its
        predecessor's.
    event_times
        int64[n], ms UTC; 0 where a record is no event.
    previous_ms
        Append time of the record before; ``NEVER`` before the first.
    wall_ms
        Wall-clock time.  None in a simulation: nothing bounds the timestamps then, and a record
        without one was appended when its event happened.
    """
    known = recorded_ms > 0
    if wall_ms is None:
        times = np.where(known, recorded_ms, event_times)
    else:
        times = np.where(known, np.minimum(recorded_ms, wall_ms), NEVER)
    times = np.maximum.accumulate(np.maximum(times, previous_ms))
    leading = int(np.searchsorted(times, NEVER, side="right"))
    if leading and wall_ms is not None:
        times[:leading] = times[leading] if leading < len(times) else wall_ms
    return times
