"""What an event says, as one number: two with one id and unlike contents are two events.

Every field of the event type counts, whatever the configuration reads, and as it was sent: how a
record is spelled (order of fields, spaces, ``1.0`` or ``1.00``) does not matter, nor do unknown
fields.
"""

import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.shape import Columns
from sentinel.model.ids import finish
from sentinel.model.kernel import kernel


@kernel
def _contents(
    numbers: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    codes: NDArray[np.int16],
    truths: NDArray[np.int8],
    times: NDArray[np.int64],
    out: NDArray[np.uint64],
) -> None:
    for i in range(len(out)):
        out[i] = np.uint64(times[i])
    for k in range(len(numbers)):
        for i in range(len(out)):
            out[i] = finish(out[i] ^ numbers[k, i])
    for k in range(len(hashes)):
        for i in range(len(out)):
            out[i] = finish(out[i] ^ hashes[k, i])
    for k in range(len(codes)):
        for i in range(len(out)):
            out[i] = finish(out[i] ^ np.uint64(codes[k, i] + 1))
    for k in range(len(truths)):
        for i in range(len(out)):
            out[i] = finish(out[i] ^ np.uint64(truths[k, i]))


def contents(columns: Columns) -> NDArray[np.uint64]:
    """Of each record its content, uint64[n]; ``columns`` must hold every field."""
    out = np.empty(len(columns.times), np.uint64)
    numbers = columns.numbers.view(np.uint64)
    _contents(numbers, columns.hashes, columns.codes, columns.truths, columns.times, out)
    return out
