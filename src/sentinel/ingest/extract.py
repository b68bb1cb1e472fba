"""Event structs to columns: only those that somebody asks for."""

from collections.abc import Collection, Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.decode import Decoded
from sentinel.model.columns import FIELDS, UNKNOWN, Array, Column, Kind
from sentinel.model.events import Event
from sentinel.model.ids import hash_texts

_IN_BASE_CURRENCY = frozenset({"amount", "balance_after"})


def extract(decoded: Decoded, names: Collection[str]) -> dict[str, Array]:
    """The named field columns of one stream's events, dtype by :class:`Kind`."""
    fields = FIELDS[decoded.stream]
    columns: dict[str, Array] = {}
    for name in names:
        column = fields[name]
        if column.kind is Kind.TIME:
            columns[name] = decoded.event_time
            continue
        array = _array(column, decoded.events)
        if name in _IN_BASE_CURRENCY and decoded.rate is not None:
            array = np.multiply(array, decoded.rate)
        columns[name] = array
    return columns


def _array(column: Column, events: Sequence[Event]) -> Array:
    values = list(map(attrgetter(column.name), events))
    match column.kind:
        case Kind.NUMBER:
            return np.array(values, np.float64)  # None becomes NaN, decimal text a number
        case Kind.STRING:
            return hash_texts(values)
        case Kind.CODE:
            codes = {word: code for code, word in enumerate(column.vocabulary)}
            return np.array([codes.get(value, -1) for value in values], np.int16)
        case Kind.TRUTH:
            return _truth(values)
        case _:
            raise AssertionError(column)


def _truth(values: Sequence[bool | None]) -> NDArray[np.int8]:
    return np.array([UNKNOWN if value is None else 2 * value for value in values], np.int8)
