"""One record as an event, read by msgspec; errors in its time have plain messages."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sentinel.ingest.leap_second import without_leap_second
from sentinel.ingest.units import problem_of
from sentinel.model.events import EVENT_TYPES, Event, Stream
from sentinel.model.reading import UNREADABLE, check_levels

_AT_TIME = "at `$.event_time`"


class _Timed(msgspec.Struct):
    event_time: Any = None


_timed = msgspec.json.Decoder(_Timed).decode


def _reader(stream: Stream) -> Callable[[bytes], Event]:
    decode = msgspec.json.Decoder(EVENT_TYPES[stream]).decode

    def read(value: bytes) -> Event:
        check_levels(value)
        try:
            return decode(value)
        except msgspec.ValidationError as error:
            if not str(error).endswith(_AT_TIME):
                raise
            mended = without_leap_second(value)
            if mended is not None:
                return decode(mended)
            number = _number_of_time(value)
            if number is None:
                raise
            raise msgspec.ValidationError(problem_of(number)) from None

    return read


READERS: Mapping[Stream, Callable[[bytes], Event]] = {stream: _reader(stream) for stream in Stream}
"""How a record of each stream is read; raises what msgspec does."""


def _number_of_time(value: bytes) -> int | None:
    """The event time of a record that is no event for it, if it is a number."""
    try:
        found = _timed(value).event_time
        return None if isinstance(found, bool) else int(float(found))
    except (*UNREADABLE, TypeError, OverflowError):
        return None
