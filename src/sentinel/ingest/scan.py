"""Plain JSON records to columns in one pass over their bytes, without an object a record.

The scanner reads what producers usually write: one flat object, each field once, no escapes.  It
never rejects: nested unknown fields, doubled fields and whatever :mod:`.tokens` does not
read with certainty are left to the decoder.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.shape import (
    AMOUNT,
    KIND,
    LEAST,
    MOST,
    NAME_AT,
    NAME_BYTES,
    NULLABLE,
    NUMBER,
    OUT,
    REQUIRED,
    SPAN,
    TEXT,
    TRUTH,
    WORD,
    WORDS,
    WORDS_AT,
    Columns,
    Shape,
)
from sentinel.ingest.tokens import (
    COLON,
    NOT_PLAIN,
    QUOTE,
    Bytes,
    amount_text,
    moment,
    number,
    skip_space,
    text,
    word,
)
from sentinel.model.columns import LENGTH, START
from sentinel.model.kernel import inlined, kernel

_UNKNOWN_FIELD = -1
_COMMA, _DOT, _OPEN, _CLOSE = 44, 46, 123, 125
_TRUE = np.frombuffer(b"true", np.uint8)
_FALSE = np.frombuffer(b"false", np.uint8)
_NULL = np.frombuffer(b"null", np.uint8)


@kernel
def _unknown_value(data: Bytes, at: int, end: int, key: NDArray[np.uint64]) -> int:
    """The position behind a plain value that is not wanted."""
    if at == end:
        return NOT_PLAIN
    if data[at] == QUOTE:
        return text(data, at + 1, end, 0, end, key)[0]
    if data[at] == _TRUE[0]:
        return word(data, at, end, _TRUE, 0, 4)
    if data[at] == _FALSE[0]:
        return word(data, at, end, _FALSE, 0, 5)
    if data[at] == _NULL[0]:
        return word(data, at, end, _NULL, 0, 4)
    return number(data, at, end)[0]


@inlined
def _field(
    data: Bytes,
    at: int,
    end: int,
    fields: NDArray[np.int64],
    names: Bytes,
    guess: int,
    key: NDArray[np.uint64],
) -> tuple[int, int]:
    """The field whose name begins at ``at``, and the position behind the closing quote.

    ``guess`` is looked at first.  A name that is none of ours gives _UNKNOWN_FIELD.
    """
    for k in range(-1, len(fields)):
        f = guess if k < 0 else k
        start, size = fields[f, NAME_AT], fields[f, NAME_BYTES]
        if end - at > size and data[at + size] == QUOTE and data[at] == names[start]:
            behind = word(data, at, end, names, start, start + size)
            if behind != NOT_PLAIN:
                return f, behind + 1
    return _UNKNOWN_FIELD, text(data, at, end, 0, end, key)[0]


@inlined
def _value(
    data: Bytes,
    at: int,
    end: int,
    fields: NDArray[np.int64],
    bounds: NDArray[np.float64],
    words: Bytes,
    word_ends: NDArray[np.int64],
    numbers: NDArray[np.float64],
    hashes: NDArray[np.uint64],
    codes: NDArray[np.int16],
    truths: NDArray[np.int8],
    times: NDArray[np.int64],
    spans: NDArray[np.int64],
    f: int,
    record: int,
    key: NDArray[np.uint64],
) -> int:
    """Read field ``f`` into its column; the position behind it."""
    if at == end:
        return NOT_PLAIN
    kind, out = fields[f, KIND], fields[f, OUT]
    if data[at] == _NULL[0]:
        return word(data, at, end, _NULL, 0, 4) if fields[f, NULLABLE] else NOT_PLAIN
    if kind == TEXT:
        if data[at] != QUOTE:
            return NOT_PLAIN
        start = at + 1
        at, hashed = text(data, start, end, fields[f, LEAST], fields[f, MOST], key)
        if out >= 0:
            hashes[out, record] = hashed
        if fields[f, SPAN] >= 0:
            spans[fields[f, SPAN], record, START] = start
            spans[fields[f, SPAN], record, LENGTH] = at - 1 - start
        return at
    if kind == WORD:
        if data[at] != QUOTE:
            return NOT_PLAIN
        first = fields[f, WORDS_AT]
        for code in range(fields[f, WORDS]):
            start, stop = word_ends[first + code], word_ends[first + code + 1]
            behind = word(data, at + 1, end, words, start, stop)
            if behind != NOT_PLAIN and behind < end and data[behind] == QUOTE:
                if out >= 0:
                    codes[out, record] = code
                return behind + 1
        return NOT_PLAIN
    if kind == TRUTH:
        truth = data[at] == _TRUE[0]
        at = word(data, at, end, _TRUE, 0, 4) if truth else word(data, at, end, _FALSE, 0, 5)
        if out >= 0:
            truths[out, record] = 2 if truth else 0
        return at
    if kind == NUMBER or kind == AMOUNT:  # noqa: PLR1714, SIM109 - a kernel has no tuples of any
        if kind == AMOUNT and data[at] == QUOTE:
            at, value = amount_text(data, at + 1, end)
        else:
            at, value = number(data, at, end)
            if not bounds[f, 0] <= value <= bounds[f, 1]:
                return NOT_PLAIN
        if out >= 0:
            numbers[out, record] = value
        return at
    if data[at] == QUOTE:
        at, time = moment(data, at + 1, end)
    else:
        start = at
        at, value = number(data, at, end)
        time = int(value)
        for k in range(start, at):
            if data[k] == _DOT:
                return NOT_PLAIN
        if not bounds[f, 0] <= value <= bounds[f, 1]:
            return NOT_PLAIN
    times[record] = time
    return at


@kernel
def scan(
    data: Bytes,
    ends: NDArray[np.int64],
    shape: Shape,
    columns: Columns,
    follower: NDArray[np.int64],
    plain: NDArray[np.bool_],
    key: NDArray[np.uint64],
) -> None:
    """Read records into the rows of ``columns``; ``plain`` bool[n] marks those that were read.

    ``data`` uint8[bytes] holds the records one after the other, ``ends`` int64[n] where
    each ends; ``follower`` int64[fields + 1] is the kernel's own: the field that came after
    each last time; ``key`` uint64[2] is that of the texts' hashes.  The columns of a record that
    is not plain are unspecified.
    """
    fields, bounds, names, words, word_ends = shape
    numbers, hashes, codes, truths, times, spans = columns
    required = 0
    for f in range(len(fields)):
        required |= fields[f, REQUIRED] << f
        follower[f] = (f + 1) % len(fields)
    follower[len(fields)] = 0
    begin = 0
    for record in range(len(ends)):
        end = ends[record]
        at = skip_space(data, begin, end)
        begin = end
        plain[record] = False
        if at == end or data[at] != _OPEN:
            continue
        seen, last = 0, len(fields)
        at = skip_space(data, at + 1, end)
        while at < end and data[at] == QUOTE:
            f, at = _field(data, at + 1, end, fields, names, follower[last], key)
            if at == NOT_PLAIN:
                break
            at = skip_space(data, at, end)
            if at == end or data[at] != COLON:
                at = NOT_PLAIN
                break
            at = skip_space(data, at + 1, end)
            if f == _UNKNOWN_FIELD:
                at = _unknown_value(data, at, end, key)
            elif seen >> f & 1:
                at = NOT_PLAIN
            else:
                seen |= 1 << f
                follower[last] = f
                last = f
                at = _value(
                    data,
                    at,
                    end,
                    fields,
                    bounds,
                    words,
                    word_ends,
                    numbers,
                    hashes,
                    codes,
                    truths,
                    times,
                    spans,
                    f,
                    record,
                    key,
                )
            if at == NOT_PLAIN:
                break
            at = skip_space(data, at, end)
            if at == end or data[at] != _COMMA:
                break
            at = skip_space(data, at + 1, end)
            if at == end or data[at] != QUOTE:
                at = NOT_PLAIN
                break
        if at < 0 or at == end or data[at] != _CLOSE:
            continue
        at = skip_space(data, at + 1, end)
        plain[record] = at == end and seen & required == required
