"""Times as people and machines write them, in milliseconds UTC.

A text without a zone is no moment: it is read only where the mapping names its
zone.  A number is in milliseconds without ``unit``.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from sentinel.replay.fields import UNITS_MS, Field

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LONGEST = 40  # characters of a number that may be a time
_DAYS_AROUND = timedelta(days=2)  # no zone is further from another


def moments(field: Field, text: pa.Array, latest_ms: Callable[[], int]) -> pa.Array:
    """Times as int64 ms UTC, null where none can be read."""
    distinct = text.dictionary_encode()
    read = [_moment(each, field, latest_ms) for each in distinct.dictionary.to_pylist()]
    return pa.array(read, pa.int64()).take(distinct.indices)


def from_timestamps(array: pa.Array, zone: str | None) -> pa.Array:
    """Times of a column that holds times, int64 ms UTC; without a zone theirs is ``zone``, or UTC.

    UTC is what writers of Parquet mean by it (pandas, Spark with ``timestamp_ntz``, DuckDB).
    """
    if array.type.tz is None:
        array = pc.assume_timezone(
            array, zone or "UTC", ambiguous="earliest", nonexistent="earliest"
        )
    return array.cast(pa.timestamp("ms", "UTC"), safe=False).cast(pa.int64())


def _moment(text: str, field: Field, latest_ms: Callable[[], int]) -> int | None:
    """One time as text in ms UTC, or None where it does not fit."""
    try:
        if field.unit is not None:
            return _counted(text, field)
        if field.format is None and text.isdecimal() and len(text) <= _LONGEST:
            number = int(text)
            return number if number < 1 << 63 else None
        time = _with_zone(text)
        if time is None and field.format is not None and field.year is None and not field.has_year:
            time = _latest(text, field, latest_ms())
        elif time is None:
            time = _placed(_written(text, field, field.year), field)
    except (ValueError, OverflowError):
        return None
    return None if time is None else (time - _EPOCH) // _MILLISECOND


def _with_zone(text: str) -> datetime | None:
    """A time that is complete without the format of others."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if time.tzinfo is None else time


def _written(text: str, field: Field, year: int | None) -> datetime:
    """The time as written, without a zone where it names none; raises ValueError."""
    if field.format is None:
        return datetime.fromisoformat(text)
    if year is None:
        return datetime.strptime(text, field.format)  # noqa: DTZ007  # the caller adds the zone
    # The year goes in front, or 29 February would not be a day.
    return datetime.strptime(f"{year} {text}", f"%Y {field.format}")  # noqa: DTZ007  # same


def _placed(time: datetime, field: Field) -> datetime | None:
    if time.tzinfo is not None:
        return time
    return None if field.zone is None else time.replace(tzinfo=ZoneInfo(field.zone))


def _latest(text: str, field: Field, latest_ms: int) -> datetime | None:
    """A time without a year: the last such one before the file was written."""
    latest = _EPOCH + latest_ms * _MILLISECOND
    for year in range((latest + _DAYS_AROUND).year, (latest - _DAYS_AROUND).year - 9, -1):
        try:
            time = _placed(_written(text, field, year), field)
        except ValueError:  # no such day in that year
            continue
        if time is None or time <= latest + _DAYS_AROUND:
            return time
    return None


def _counted(text: str, field: Field) -> int | None:
    """A time that counts units since a moment."""
    if len(text) > _LONGEST or field.unit is None:
        return None
    try:
        passed = Decimal(text) * UNITS_MS[field.unit]
        passed_ms = int(passed.to_integral_value(ROUND_FLOOR))
    except (InvalidOperation, ValueError, OverflowError):
        return None
    since = _EPOCH if field.since is None else datetime.fromisoformat(field.since)
    time = _placed(since + passed_ms * _MILLISECOND, field)
    return None if time is None else (time - _EPOCH) // _MILLISECOND
