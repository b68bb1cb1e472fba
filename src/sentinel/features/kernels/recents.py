"""Recent values: distinct counts and "never seen before" over the last few values.

Words: ``keep`` cells of [hash of the value, event time it was last seen].  The cells hold
the ``keep`` most recently seen values whatever the order of arrival; a customer with more
distinct values than that within a window has a count that reads as "at least".
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.features.kernels.conditions import applies
from sentinel.model.kernel import inlined, kernel

STREAM, BIT, COLUMN, AT, KEEP = 0, 1, 2, 3, 4  # columns of the set table
SET, SPAN_MS, OUT, DEMAND = 0, 1, 2, 3  # columns of the tables of questions


@kernel
def first_seen(i: NDArray[np.int64], at: int, keep: int, value: int, time: int, span: int) -> float:
    """1 if ``value`` was not seen in (time - span, time], 0 if it was, NaN without history."""
    history = False
    for k in range(keep):
        if i[at + 2 * k] == 0 or i[at + 2 * k + 1] > time:
            continue
        history = True
        if i[at + 2 * k] == value and i[at + 2 * k + 1] > time - span:
            return 0.0
    return 1.0 if history else np.nan


@kernel
def add(i: NDArray[np.int64], at: int, keep: int, value: int, time: int) -> None:
    """Remember that ``value`` was seen at ``time``; the least recent value makes room."""
    oldest = 0
    for k in range(keep):
        if i[at + 2 * k] == value:
            i[at + 2 * k + 1] = max(i[at + 2 * k + 1], time)
            return
        if i[at + 2 * oldest] != 0 and (
            i[at + 2 * k] == 0 or i[at + 2 * k + 1] < i[at + 2 * oldest + 1]
        ):
            oldest = k
    if i[at + 2 * oldest] == 0 or i[at + 2 * oldest + 1] < time:
        i[at + 2 * oldest] = value
        i[at + 2 * oldest + 1] = time


@kernel
def distinct(i: NDArray[np.int64], at: int, keep: int, time: int, span: int) -> float:
    """How many values were last seen in (time - span, time]."""
    count = 0.0
    for k in range(keep):
        if i[at + 2 * k] != 0 and time - span < i[at + 2 * k + 1] <= time:
            count += 1.0
    return count


@inlined
def ask_then_add(
    i: NDArray[np.int64],
    row: int,
    sets: NDArray[np.int64],
    questions: NDArray[np.int64],
    stream: int,
    time: int,
    bits: int,
    ids: NDArray[np.int64],
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Answer the first-seen questions of event ``e``, then remember its values."""
    for q in range(len(questions)):
        if questions[q, DEMAND] >> stream & 1:
            s = questions[q, SET]
            answer = np.nan
            if sets[s, STREAM] == stream and applies(sets[s, BIT], bits):
                answer = first_seen(
                    i,
                    row + sets[s, AT],
                    sets[s, KEEP],
                    ids[sets[s, COLUMN], e],
                    time,
                    questions[q, SPAN_MS],
                )
            out[questions[q, OUT], e] = answer
    for s in range(len(sets)):
        if sets[s, STREAM] == stream and applies(sets[s, BIT], bits):
            add(i, row + sets[s, AT], sets[s, KEEP], ids[sets[s, COLUMN], e], time)


@inlined
def count_distinct(
    i: NDArray[np.int64],
    row: int,
    sets: NDArray[np.int64],
    questions: NDArray[np.int64],
    stream: int,
    time: int,
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Answer the distinct-count questions of event ``e``."""
    for q in range(len(questions)):
        if questions[q, DEMAND] >> stream & 1:
            s = questions[q, SET]
            out[questions[q, OUT], e] = distinct(
                i, row + sets[s, AT], sets[s, KEEP], time, questions[q, SPAN_MS]
            )
