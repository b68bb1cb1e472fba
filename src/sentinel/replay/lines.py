"""Files of ours: events as JSON, passed on untouched.

Only the time and the stream of a value are looked at, to bring the values in order;
ingest decides whether one is an event.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from sentinel.model.events import Moment, Stream
from sentinel.model.reading import UNREADABLE
from sentinel.replay.block import UNKNOWN_TIME, Block, Refused, ReplayError, Skip
from sentinel.replay.json_values import json_values
from sentinel.replay.recode import Peeked

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_STREAM_INDEX = {stream: index for index, stream in enumerate(Stream)}


class _Head(msgspec.Struct, frozen=True, gc=False):
    event_time: Moment
    stream: Stream | None = None


class _StreamOnly(msgspec.Struct, frozen=True, gc=False):
    stream: Stream | None = None


_head = msgspec.json.Decoder(_Head).decode
_stream_only = msgspec.json.Decoder(_StreamOnly).decode


def read_lines(
    file: Peeked, stream: Stream | None, skipped: Counter[Skip], refused: list[Refused]
) -> Iterator[Block]:
    """Blocks of the file's values; ``stream`` is that of values without one.

    A value that is no JSON object, and so has no stream, is refused.  An object without one is
    skipped and counted, but where none before it did the file is not what the user thinks:
    ReplayError.
    """
    has_stream = False
    for numbers, values in json_values(file, skipped):
        times, streams, offsets, kept = [], [], [], []
        for number, value in zip(numbers, values, strict=True):
            try:
                time, index = _look(value, stream)
            except UNREADABLE as error:
                refused.append(Refused(number, str(error), value))
                continue
            if index is None and not has_stream:
                raise ReplayError(
                    "cannot tell which stream its lines are: give --stream, or name "
                    'the file like transactions.jsonl, or put "stream" in each line'
                )
            if index is None:
                skipped[Skip.NO_STREAM] += 1
                continue
            has_stream = True
            times.append(time)
            streams.append(index)
            offsets.append(number)
            kept.append(value)
        yield Block(
            np.array(times, np.int64),
            np.array(streams, np.int8),
            np.array(offsets, np.int64),
            kept,
        )


def _look(value: bytes, stream: Stream | None) -> tuple[int, int | None]:
    """A value's time in ms and its stream's index, as far as they are known.

    Raises an error of reading for a value without a stream that is no object.
    """
    try:
        head = _head(value)
    except UNREADABLE:
        return UNKNOWN_TIME, _stream_index(_stream_of(value, stream))
    moment = head.event_time
    time = moment if isinstance(moment, int) else (moment - _EPOCH) // _MILLISECOND
    return time, _stream_index(head.stream or stream)


def _stream_of(value: bytes, stream: Stream | None) -> Stream | None:
    try:
        return _stream_only(value).stream or stream
    except UNREADABLE:
        if stream is not None:
            return stream
        raise


def _stream_index(stream: Stream | None) -> int | None:
    return None if stream is None else _STREAM_INDEX[stream]
