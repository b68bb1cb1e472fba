"""Columns of any type as texts: what is in the file, digit by digit, or refused."""

from dataclasses import dataclass
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from sentinel.replay.recode import is_utf8

_MOST_EXACT = 2.0**53  # beyond it, a float64 is not one whole number


@dataclass(frozen=True, slots=True)
class Cells:
    """Trimmed texts, null where a cell is empty or not a number; and rows of unreadable cells."""

    array: pa.Array
    wrong_rows: list[int]
    wrong: str = ""


def texts(array: pa.Array) -> Cells:
    """The cells of a column as texts."""
    if isinstance(array, pa.ExtensionArray):
        array = _uuids(array) if isinstance(array.type, pa.UuidType) else array.storage
    kind = array.type
    if pa.types.is_dictionary(kind):
        return texts(array.dictionary_decode())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return _utf8(array)
    if pa.types.is_fixed_size_binary(kind):
        return _utf8(array.cast(pa.binary()))
    if pa.types.is_floating(kind):
        return _floats(array)
    if not pa.types.is_string(kind):
        array = array.cast(pa.string())
    return Cells(_trimmed(array), [])


def _trimmed(array: pa.Array) -> pa.Array:
    array = pc.utf8_trim_whitespace(array)
    return pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)


def _utf8(array: pa.Array) -> Cells:
    try:
        return Cells(_trimmed(array.cast(pa.string())), [])
    except pa.ArrowInvalid:
        values = array.to_pylist()
    good = [value is None or is_utf8(value) for value in values]
    kept = [value if is_good else None for value, is_good in zip(values, good, strict=True)]
    wrong = [row for row, is_good in enumerate(good) if not is_good]
    return Cells(_trimmed(pa.array(kept, pa.binary()).cast(pa.string())), wrong, "is not UTF-8")


def _floats(array: pa.Array) -> Cells:
    """Whole numbers are their digits; one that may be another's digits is refused."""
    array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    whole = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), _MOST_EXACT))
    digits = pc.if_else(whole, array, 0).cast(pa.int64()).cast(pa.string())
    return Cells(pc.if_else(whole, digits, array.cast(pa.string())), [])


def _uuids(array: pa.ExtensionArray) -> pa.Array:
    made = [None if each is None else str(UUID(bytes=each)) for each in array.storage.to_pylist()]
    return pa.array(made, pa.string())
