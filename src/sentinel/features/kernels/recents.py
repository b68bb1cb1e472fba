"""Recent values: distinct counts and "never seen before" over the last few values.

Words: ``keep`` cells of [hash of the value, first event time, last event time and whether a
later cell has the value].  A cell is a run: the value was seen at its first and last time, and
between them never less often than once in ``gap``, the shortest time that anybody looks back.
So whoever looks back from a moment within a run finds the value, and a late event is told how
it was.  The cells hold the ``keep`` most recently seen values; those that are free beyond it
remember earlier runs of the values, the latest first.  A customer with more distinct values
than that within a window has a count that reads as "at least".
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.features.kernels.conditions import applies
from sentinel.model.kernel import inlined, kernel

WORDS = 3
STREAM, BIT, COLUMN, AT, KEEP, GAP = 0, 1, 2, 3, 4, 5  # columns of the set table
SET, SPAN_MS, OUT, DEMAND = 0, 1, 2, 3  # columns of the tables of questions
_NEWEST, _EARLIER = 0, 1  # the lowest bit of a cell's last word
_NONE = -1


@kernel
def _holds(i: NDArray[np.int64], cell: int, time: int, span: int) -> bool:
    """Whether the run of a cell has an event in (time - span, time]."""
    return i[cell] != 0 and i[cell + 1] <= time and (i[cell + 2] >> 1) > time - span


@kernel
def first_seen(i: NDArray[np.int64], at: int, keep: int, value: int, time: int, span: int) -> float:
    """1 if ``value`` was not seen in (time - span, time], 0 if it was, NaN without history."""
    history = False
    for k in range(keep):
        cell = at + WORDS * k
        if i[cell] == 0 or i[cell + 1] > time:
            continue
        history = True
        if i[cell] == value and _holds(i, cell, time, span):
            return 0.0
    return 1.0 if history else np.nan


@kernel
def _older(i: NDArray[np.int64], cell: int, other: int) -> bool:
    """Whether a cell's run ended before another's; there may be no other."""
    return other == _NONE or i[cell + 2] >> 1 < i[other + 2] >> 1


@kernel
def add(i: NDArray[np.int64], at: int, keep: int, gap: int, value: int, time: int) -> None:
    """Remember that ``value`` was seen at ``time``: in a run, or a cell of its own.

    Room is made by the earlier run that ended first, and where there is none by the least recent
    value.
    """
    run, newest, free, earlier, oldest = _NONE, _NONE, _NONE, _NONE, _NONE
    for k in range(keep):
        cell = at + WORDS * k
        if i[cell] == 0:
            free = cell
            continue
        last = i[cell + 2] >> 1
        if i[cell] == value:
            if i[cell + 1] - gap <= time <= last + gap:
                if run != _NONE:  # it closes the gap between two runs
                    i[cell + 1] = min(i[cell + 1], i[run + 1])
                    i[cell + 2] = max(last, i[run + 2] >> 1) << 1 | (i[cell + 2] & i[run + 2] & 1)
                    i[run], i[run + 1], i[run + 2] = 0, 0, 0
                run = cell
            if i[cell + 2] & 1 == _NEWEST:
                newest = cell
        if i[cell + 2] & 1 == _EARLIER:
            earlier = cell if _older(i, cell, earlier) else earlier
        else:
            oldest = cell if _older(i, cell, oldest) else oldest
    if run != _NONE:
        i[run + 1] = min(i[run + 1], time)
        i[run + 2] = max(i[run + 2] >> 1, time) << 1 | (i[run + 2] & 1)
        return
    mark = _NEWEST
    if newest != _NONE:
        if i[newest + 2] >> 1 > time:
            mark = _EARLIER
        else:
            i[newest + 2] |= _EARLIER
            earlier = newest if _older(i, newest, earlier) else earlier
    cell = free
    if cell == _NONE:
        cell = earlier
        if cell == _NONE and mark == _NEWEST:
            cell = oldest
        if cell == _NONE or (i[cell + 2] >> 1 >= time and (mark == _EARLIER or cell == oldest)):
            return
    i[cell], i[cell + 1], i[cell + 2] = value, time, time << 1 | mark


@kernel
def distinct(
    i: NDArray[np.int64], at: int, keep: int, gap: int, own: int, time: int, span: int
) -> float:
    """How many values were seen in (time - span, time]; ``own``, if it is not 0, was."""
    count = 0.0
    for k in range(keep):
        cell = at + WORDS * k
        if not _holds(i, cell, time, span):
            continue
        if i[cell] == own:
            own = 0
        again = False
        if span > gap:  # it may have several runs in the window
            for other in range(k):
                again |= i[at + WORDS * other] == i[cell] and _holds(
                    i, at + WORDS * other, time, span
                )
        if not again:
            count += 1.0
    return count + 1.0 if own else count


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
            add(i, row + sets[s, AT], sets[s, KEEP], sets[s, GAP], ids[sets[s, COLUMN], e], time)


@inlined
def count_distinct(
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
    """Answer the distinct-count questions of event ``e``."""
    for q in range(len(questions)):
        if questions[q, DEMAND] >> stream & 1:
            s = questions[q, SET]
            own = 0
            if sets[s, STREAM] == stream and applies(sets[s, BIT], bits):
                own = ids[sets[s, COLUMN], e]
            at, keep, gap = row + sets[s, AT], sets[s, KEEP], sets[s, GAP]
            out[questions[q, OUT], e] = distinct(i, at, keep, gap, own, time, questions[q, SPAN_MS])
