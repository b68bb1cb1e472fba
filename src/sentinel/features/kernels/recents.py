"""Recent values: distinct counts and "never seen before" over the last few values.

Words: ``keep`` cells, each a run: a value was seen at its first and last time, and between them
never less often than once in ``gap``, the shortest time of any question.  So a
question at a moment within a run finds the value, also that of a late event.  A
cell is two words: 44 bits of the value's hash and 20 of the run's length in ms; 42 bits of its
last time, one that marks a later run of the value, and 21 more of the length.

The cells hold the ``keep`` most recently seen values; those that are free beyond it remember
earlier runs of the values, the latest first.  A customer with more distinct values than that
within a window has a count that reads as "at least".
"""

from collections.abc import Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from sentinel.features.builder import STREAMS, Builder, Condition
from sentinel.features.kernels.conditions import applies
from sentinel.features.kind import Feature, FeatureKind, Moment, Operation, Table, columns
from sentinel.model.columns import Kind
from sentinel.model.kernel import inlined, kernel

WORDS = 2
_NEWEST, _EARLIER = 0, 1
_NONE = -1
_VALUE_SHIFT, _TIME_SHIFT, _MARK_SHIFT = 20, 22, 21
_HIGH, _LOW = (1 << _VALUE_SHIFT) - 1, (1 << _MARK_SHIFT) - 1


@inlined
def _key(value: int) -> int:
    """The bits of a value's hash that a cell has."""
    return (value << _VALUE_SHIFT) >> _VALUE_SHIFT


@inlined
def _value(i: NDArray[np.int64], cell: int) -> int:
    return i[cell] >> _VALUE_SHIFT


@inlined
def _last(i: NDArray[np.int64], cell: int) -> int:
    """The last time of a cell's run; 0 where the cell is free."""
    return i[cell + 1] >> _TIME_SHIFT


@inlined
def _first(i: NDArray[np.int64], cell: int) -> int:
    length = (i[cell] & _HIGH) << _MARK_SHIFT | (i[cell + 1] & _LOW)
    return (i[cell + 1] >> _TIME_SHIFT) - length


@inlined
def _mark(i: NDArray[np.int64], cell: int) -> int:
    return i[cell + 1] >> _MARK_SHIFT & 1


@inlined
def _put(i: NDArray[np.int64], cell: int, key: int, first: int, last: int, mark: int) -> None:
    length = last - first
    i[cell] = key << _VALUE_SHIFT | length >> _MARK_SHIFT
    i[cell + 1] = last << _TIME_SHIFT | mark << _MARK_SHIFT | (length & _LOW)


@inlined
def _holds(i: NDArray[np.int64], cell: int, time: int, span: int) -> bool:
    """Whether the run of a cell has an event in (time - span, time]."""
    last = _last(i, cell)
    return last != 0 and last > time - span and (last <= time or _first(i, cell) <= time)


@kernel
def first_seen(i: NDArray[np.int64], at: int, keep: int, value: int, time: int, span: int) -> float:
    """1 if ``value`` was not seen in (time - span, time], 0 if it was, NaN without history."""
    history, key = False, _key(value)
    for k in range(keep):
        cell = at + WORDS * k
        if _last(i, cell) == 0 or _first(i, cell) > time:
            continue
        history = True
        if _value(i, cell) == key and _holds(i, cell, time, span):
            return 0.0
    return 1.0 if history else np.nan


@inlined
def _older(i: NDArray[np.int64], cell: int, other: int) -> bool:
    """Whether a cell's run ended before another's; there may be no other."""
    return other == _NONE or _last(i, cell) < _last(i, other)


@kernel
def add(i: NDArray[np.int64], at: int, keep: int, gap: int, value: int, time: int) -> None:
    """Remember that ``value`` was seen at ``time``: in a run, or a cell of its own.

    Room is made by the earlier run that ended first, and where there is none by the least recent
    value.
    """
    key = _key(value)
    run, newest, free, earlier, oldest = _NONE, _NONE, _NONE, _NONE, _NONE
    for k in range(keep):
        cell = at + WORDS * k
        last = _last(i, cell)
        if last == 0:
            free = cell
            continue
        if _value(i, cell) == key:
            if time <= last + gap and time >= _first(i, cell) - gap:
                if run != _NONE:  # it closes the gap between two runs
                    first = min(_first(i, cell), _first(i, run))
                    mark = _mark(i, cell) & _mark(i, run)
                    _put(i, cell, key, first, max(last, _last(i, run)), mark)
                    i[run], i[run + 1] = 0, 0
                run = cell
            if _mark(i, cell) == _NEWEST:
                newest = cell
        if _mark(i, cell) == _EARLIER:
            earlier = cell if _older(i, cell, earlier) else earlier
        else:
            oldest = cell if _older(i, cell, oldest) else oldest
    if run != _NONE:
        first, last = min(_first(i, run), time), max(_last(i, run), time)
        _put(i, run, key, first, last, _mark(i, run))
        return
    mark = _NEWEST
    if newest != _NONE:
        if _last(i, newest) > time:
            mark = _EARLIER
        else:
            i[newest + 1] |= 1 << _MARK_SHIFT
            earlier = newest if _older(i, newest, earlier) else earlier
    cell = free
    if cell == _NONE:
        cell = earlier
        if cell == _NONE and mark == _NEWEST:
            cell = oldest
        if cell == _NONE or (_last(i, cell) >= time and (mark == _EARLIER or cell == oldest)):
            return
    _put(i, cell, key, time, time, mark)


@kernel
def distinct(
    i: NDArray[np.int64], at: int, keep: int, gap: int, own: int, time: int, span: int
) -> float:
    """How many values were seen in (time - span, time]; ``own``, if it is not 0, was."""
    count, missing = 0.0, own != 0
    for k in range(keep):
        cell = at + WORDS * k
        if not _holds(i, cell, time, span):
            continue
        if _value(i, cell) == _key(own):
            missing = False
        again = False
        if span > gap:  # it may have several runs in the window
            for other in range(at, cell, WORDS):
                again |= _value(i, other) == _value(i, cell) and _holds(i, other, time, span)
        if not again:
            count += 1.0
    return count + 1.0 if missing else count


@inlined
def ask_then_add(
    i: NDArray[np.int64],
    row: int,
    sets: Table,
    questions: Table,
    stream: int,
    time: int,
    bits: int,
    ids: NDArray[np.int64],
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Answer the first-seen questions of event ``e``, then remember its values."""
    for q in range(len(questions)):
        question = questions[q]
        if question.demand >> stream & 1:
            kept = sets[question.set]
            answer = np.nan
            if kept.stream == stream and applies(kept.bit, bits):
                answer = first_seen(
                    i, row + kept.at, kept.keep, ids[kept.id, e], time, question.span_ms
                )
            out[question.out, e] = answer
    for s in range(len(sets)):
        kept = sets[s]
        if kept.stream == stream and applies(kept.bit, bits):
            add(i, row + kept.at, kept.keep, kept.gap, ids[kept.id, e], time)


@inlined
def count_distinct(
    i: NDArray[np.int64],
    row: int,
    sets: Table,
    questions: Table,
    stream: int,
    time: int,
    bits: int,
    ids: NDArray[np.int64],
    out: NDArray[np.float64],
    e: int,
) -> None:
    """Answer the distinct-count questions of event ``e``."""
    for q in range(len(questions)):
        question = questions[q]
        if question.demand >> stream & 1:
            kept = sets[question.set]
            own = 0
            if kept.stream == stream and applies(kept.bit, bits):
                own = ids[kept.id, e]
            out[question.out, e] = distinct(
                i, row + kept.at, kept.keep, kept.gap, own, time, question.span_ms
            )


def lay_out(build: Builder, feature: Feature) -> None:
    """A question to a set of recent values: how many there are, or whether this one is new."""
    table = "distinct" if feature.operation == DISTINCT else "first_seen"
    build.add(table, set=_set(build, feature), span_ms=feature.span_ms, **build.out(feature))


def _set(build: Builder, feature: Feature) -> int:
    """The set of recent values that a feature asks; features with equal wishes share it."""
    stream = feature.streams[0]
    wish = _wish(feature)
    gap = min(
        each.span_ms
        for each in build.outputs
        if each.operation in KIND.operations and _wish(each) == wish
    )
    key = (wish, gap)
    if key not in build.shared:
        build.shared[key] = build.add(
            "sets",
            stream=STREAMS.index(stream),
            bit=build.bit(feature, stream),
            id=build.id(feature.fields[0]),
            at=build.words(WORDS * feature.keep, key),
            keep=feature.keep,
            gap=gap,
        )
    return build.shared[key]


def _wish(feature: Feature) -> tuple[Condition, int]:
    return Condition(feature.streams[0], feature.where, feature.fields), feature.keep


def oracle(feature: Feature, moments: Sequence[Moment]) -> float:
    """A set of the values of the window, or a search for the last value among the others."""
    *before, last = moments
    start = last.time - feature.span_ms
    if feature.operation == DISTINCT:
        inside = [each for each in moments if start < each.time <= last.time]
        return len({each.values for each in inside if each.values is not None})
    known = [each for each in before if each.values is not None]
    if last.values is None or not known:
        return nan
    return float(all(each.values != last.values or each.time <= start for each in known))


DISTINCT = Operation("distinct", fields=("value",), reads=Kind.STRING, span="window", keep=True)
FIRST_SEEN = Operation(
    "first_seen",
    fields=("value",),
    reads=Kind.STRING,
    span="memory",
    keep=True,
    result=Kind.TRUTH,
)
_QUESTION = columns("set", "span_ms", "out", "demand")
KIND = FeatureKind(
    operations=(DISTINCT, FIRST_SEEN),
    tables={
        "sets": columns("stream", "bit", "id", "at", "keep", "gap"),
        "first_seen": _QUESTION,
        "distinct": _QUESTION,
    },
    lay_out=lay_out,
    oracle=oracle,
)
