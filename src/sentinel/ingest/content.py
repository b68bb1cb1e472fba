"""The content of an event as one number: two with one id and unlike contents are two events.

Every field of the event type counts, as it was sent, even if the configuration does not read it.
The form of a record (order of fields, spaces, ``1.0`` or ``1.00``) does not matter, nor do unknown
fields.  The hash is keyed at both ends: without the deployment's key one cannot construct a
collision.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.shape import Columns
from sentinel.model.ids import Hasher, finish
from sentinel.model.kernel import inlined, kernel

_ODD = np.uint64(0x9E3779B97F4A7C15)
_LEFT, _RIGHT = np.uint64(29), np.uint64(35)


@inlined
def _mixed(state: np.uint64, word: np.uint64) -> np.uint64:
    z = state ^ word
    return ((z << _LEFT) | (z >> _RIGHT)) * _ODD


@kernel
def _contents(
    numbers: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    codes: NDArray[np.int16],
    truths: NDArray[np.int8],
    times: NDArray[np.int64],
    key: NDArray[np.uint64],
    out: NDArray[np.uint64],
) -> None:
    for i in range(len(out)):
        state = _mixed(key[0], np.uint64(times[i]))
        for k in range(len(numbers)):
            state = _mixed(state, numbers[k, i])
        for k in range(len(hashes)):
            state = _mixed(state, hashes[k, i])
        for k in range(len(codes)):
            state = _mixed(state, np.uint64(codes[k, i] + 1))
        for k in range(len(truths)):
            state = _mixed(state, np.uint64(truths[k, i]))
        out[i] = finish(state ^ key[1])


def contents(columns: Columns, hasher: Hasher) -> NDArray[np.uint64]:
    """The content of each record, uint64[n]; ``columns`` must hold every field."""
    out = np.empty(len(columns.times), np.uint64)
    numbers = columns.numbers.view(np.uint64)
    _contents(
        *(numbers, columns.hashes, columns.codes, columns.truths, columns.times),
        hasher.words,
        out,
    )
    return out
