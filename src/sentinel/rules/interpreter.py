"""The machine that runs condition programs: one compiled loop, whatever the conditions are.

An instruction is a row of int64: operation, the register that it writes, up to three registers
that it reads, and flags.  A register holds a block of rows.  There are three banks: numbers
(float64, NaN is missing; enums as their codes), texts (uint64 hashes, 0 is missing), truths
(int8, Kleene's 0, 1, 2).  Each instruction is a plain loop over the rows of the block.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import inlined, kernel

BLOCK = 512
"""Rows that are evaluated at once: the registers of a program stay in the cache."""

OP, OUT, A, B, C, FLAGS, WIDTH = 0, 1, 2, 3, 4, 5, 6

NEGATED, LEFT_UNSURE, RIGHT_UNSURE = 1, 2, 4
"""Flags: the truth is turned round; an operand may be missing."""

_FALSE, _UNKNOWN, _TRUE = 0, 1, 2


class Op(IntEnum):
    """What an instruction does; which bank it writes and reads stands behind it.

    ``run`` compares numbers with its members: they stand in the same file, because Numba's cache
    does not notice that a constant of another file has changed.
    """

    ADD = 0  # number = number, number
    SUBTRACT = 1
    MULTIPLY = 2
    DIVIDE = 3
    REMAINDER = 4
    LESS = 5  # truth = number, number
    LESS_EQUAL = 6
    EQUAL = 7
    NUMBER_IN = 8  # truth = number, from, to: of the wanted numbers
    CODE_IN = 9  # the same, where a negative number is missing
    TEXT_IN = 10  # truth = text, from, to: of the wanted texts
    LISTED = 11  # truth = text, from, to: of the listed texts
    SAME_TEXT = 12  # truth = text, text
    SAME_TRUTH = 13  # truth = truth, truth
    HAS_NUMBER = 14  # truth = number
    HAS_CODE = 15
    HAS_TEXT = 16  # truth = text
    HAS_TRUTH = 17  # truth = truth
    NOT = 18
    AND = 19  # truth = truth, truth
    OR = 20
    CHOOSE_NUMBER = 21  # number = truth, number, number
    CHOOSE_TRUTH = 22  # truth = truth, truth, truth


@inlined
def _turned(truth: int, negated: bool) -> int:
    return _TRUE - truth if negated else truth


@inlined
def _search(wanted: NDArray[np.uint64], start: int, end: int, text: int) -> int:
    """Where a text stands among ascending ones from start to end; -1 if it does not."""
    low, high = start, end
    while low < high:
        middle = (low + high) // 2
        if wanted[middle] < text:
            low = middle + 1
        else:
            high = middle
    return low if low < end and wanted[low] == text else -1


@kernel
def run(
    code: NDArray[np.int64],
    n: int,
    numbers: NDArray[np.float64],
    texts: NDArray[np.uint64],
    truths: NDArray[np.int8],
    wanted_numbers: NDArray[np.float64],
    wanted_texts: NDArray[np.uint64],
    until_ms: NDArray[np.int64],
    event_time: NDArray[np.int64],
) -> None:
    """Run a program over the first ``n`` rows of its registers.

    ``numbers`` float64[registers, BLOCK], ``texts`` uint64, ``truths`` int8 likewise; the inputs
    stand in them.  ``wanted_numbers`` and ``wanted_texts`` are the literals that conditions
    compare with; ``until_ms`` int64 says of each text up to when it is listed, by ``event_time``
    int64[n] of the rows (ms UTC).
    """
    for k in range(len(code)):
        op, out, a, b, c = code[k, 0], code[k, 1], code[k, 2], code[k, 3], code[k, 4]
        negated = code[k, 5] & NEGATED != 0
        left, right = code[k, 5] & LEFT_UNSURE != 0, code[k, 5] & RIGHT_UNSURE != 0
        if op <= Op.REMAINDER:
            for j in range(n):
                x, y = numbers[a, j], numbers[b, j]
                if op == Op.ADD:
                    numbers[out, j] = x + y
                elif op == Op.SUBTRACT:
                    numbers[out, j] = x - y
                elif op == Op.MULTIPLY:
                    numbers[out, j] = x * y
                elif op == Op.DIVIDE:
                    numbers[out, j] = np.divide(x, y)
                else:
                    numbers[out, j] = np.fmod(x, y)
        elif op <= Op.EQUAL:
            for j in range(n):
                x, y = numbers[a, j], numbers[b, j]
                if op == Op.LESS:
                    holds = x < y
                elif op == Op.LESS_EQUAL:
                    holds = x <= y
                else:
                    holds = x == y
                if (left and x != x) or (right and y != y):  # noqa: PLR0124 - NaN
                    truths[out, j] = _UNKNOWN
                else:
                    truths[out, j] = _turned(_TRUE if holds else _FALSE, negated)
        elif op <= Op.CODE_IN:
            for j in range(n):
                x = numbers[a, j]
                if left and ((op == Op.NUMBER_IN and x != x) or (op == Op.CODE_IN and x < 0)):  # noqa: PLR0124
                    truths[out, j] = _UNKNOWN
                else:
                    holds = False
                    for w in range(b, c):
                        holds |= x == wanted_numbers[w]
                    truths[out, j] = _turned(_TRUE if holds else _FALSE, negated)
        elif op == Op.TEXT_IN:
            for j in range(n):
                text = texts[a, j]
                if left and text == 0:
                    truths[out, j] = _UNKNOWN
                else:
                    holds = False
                    for w in range(b, c):
                        holds |= text == wanted_texts[w]
                    truths[out, j] = _turned(_TRUE if holds else _FALSE, negated)
        elif op == Op.LISTED:
            for j in range(n):
                text = texts[a, j]
                if left and text == 0:
                    truths[out, j] = _UNKNOWN
                else:
                    at = _search(wanted_texts, b, c, text)
                    holds = at >= 0 and event_time[j] < until_ms[at]
                    truths[out, j] = _TRUE if holds else _FALSE
        elif op == Op.SAME_TEXT:
            for j in range(n):
                if texts[a, j] == 0 or texts[b, j] == 0:
                    truths[out, j] = _UNKNOWN
                else:
                    holds = texts[a, j] == texts[b, j]
                    truths[out, j] = _turned(_TRUE if holds else _FALSE, negated)
        elif op == Op.SAME_TRUTH:
            for j in range(n):
                if truths[a, j] == _UNKNOWN or truths[b, j] == _UNKNOWN:
                    truths[out, j] = _UNKNOWN
                else:
                    holds = truths[a, j] == truths[b, j]
                    truths[out, j] = _turned(_TRUE if holds else _FALSE, negated)
        elif op == Op.HAS_NUMBER:
            for j in range(n):
                truths[out, j] = _TRUE if numbers[a, j] == numbers[a, j] else _FALSE
        elif op == Op.HAS_CODE:
            for j in range(n):
                truths[out, j] = _TRUE if numbers[a, j] >= 0 else _FALSE
        elif op == Op.HAS_TEXT:
            for j in range(n):
                truths[out, j] = _TRUE if texts[a, j] != 0 else _FALSE
        elif op == Op.HAS_TRUTH:
            for j in range(n):
                truths[out, j] = _TRUE if truths[a, j] != _UNKNOWN else _FALSE
        elif op == Op.NOT:
            for j in range(n):
                truths[out, j] = _TRUE - truths[a, j]
        elif op == Op.AND:
            for j in range(n):
                truths[out, j] = min(truths[a, j], truths[b, j])
        elif op == Op.OR:
            for j in range(n):
                truths[out, j] = max(truths[a, j], truths[b, j])
        elif op == Op.CHOOSE_NUMBER:
            for j in range(n):
                if truths[a, j] == _UNKNOWN:
                    numbers[out, j] = np.nan
                else:
                    numbers[out, j] = numbers[b if truths[a, j] == _TRUE else c, j]
        else:
            for j in range(n):
                if truths[a, j] == _UNKNOWN:
                    truths[out, j] = _UNKNOWN
                else:
                    truths[out, j] = truths[b if truths[a, j] == _TRUE else c, j]


@kernel
def pack(
    truths: NDArray[np.int8],
    roots: NDArray[np.int64],
    bits: NDArray[np.int64],
    n: int,
    packed: NDArray[np.int64],
) -> None:
    """Set in ``packed`` int64[n] the bit of each condition that holds of a row."""
    for j in range(n):
        word = np.int64(0)
        for k in range(len(roots)):
            if truths[roots[k], j] == _TRUE:
                word |= np.int64(1) << bits[k]
        packed[j] = word


@kernel
def hits(
    truths: NDArray[np.int8],
    roots: NDArray[np.int64],
    n: int,
    first_row: int,
    which: NDArray[np.int64],
    rows: NDArray[np.int64],
    seen: NDArray[np.int8],
    found: int,
) -> int:
    """Note which conditions hold of which rows, and all truths of such a row.

    ``roots`` int64[conditions] are the conditions' registers; ``which`` and ``rows``
    int64[capacity] get the condition and the row (from ``first_row`` on), ``seen``
    int8[capacity, registers] the truths; from ``found`` on.  Returns how many there are then, also
    beyond the capacity.
    """
    for j in range(n):
        for k in range(len(roots)):
            if truths[roots[k], j] == _TRUE:
                if found < len(which):
                    which[found], rows[found] = k, first_row + j
                    for r in range(len(truths)):
                        seen[found, r] = truths[r, j]
                found += 1
    return found
