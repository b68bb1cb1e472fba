"""Event structs to columns, for those that were decoded one by one."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from sentinel.model.columns import FIELDS, UNKNOWN, Array, Column, Kind
from sentinel.model.events import Event, Stream
from sentinel.model.ids import Hasher

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def extract(
    stream: Stream, events: Sequence[Event], names: Iterable[str], hasher: Hasher
) -> dict[str, Array]:
    """The named field columns of one stream's events, dtype by :class:`Kind`.

    Amounts are in the event's own currency.
    """
    fields = FIELDS[stream]
    return {name: _array(fields[name], events, hasher) for name in names}


def _array(column: Column, events: Sequence[Event], hasher: Hasher) -> Array:
    values = list(map(attrgetter(column.name), events))
    match column.kind:
        case Kind.NUMBER:
            return np.array(values, np.float64)  # None becomes NaN, decimal text a number
        case Kind.STRING:
            return hasher.texts(values)
        case Kind.CODE:
            codes = {word: code for code, word in enumerate(column.vocabulary)}
            return np.array([codes.get(value, -1) for value in values], np.int16)
        case Kind.TRUTH:
            return _truth(values)
        case Kind.TIME:
            return _times(values)


def _truth(values: Sequence[bool | None]) -> NDArray[np.int8]:
    return np.array([UNKNOWN if value is None else 2 * value for value in values], np.int8)


def _times(times: Sequence[int | datetime]) -> NDArray[np.int64]:
    """Milliseconds UTC, int64[n], of epoch milliseconds and of moments."""
    return np.array(
        [time if isinstance(time, int) else (time - _EPOCH) // _MILLISECOND for time in times],
        np.int64,
    )
