"""Files of ours: one event as JSON per line, passed on untouched.

Only the time and the stream of a line are looked at, to bring the lines in order;
whether the line is an event is for ingest to say.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import msgspec
import numpy as np

from sentinel.model.events import Moment, Stream
from sentinel.model.reading import UNREADABLE
from sentinel.replay.block import UNKNOWN_TIME, Block, ReplayError, Skip
from sentinel.replay.line_blocks import line_blocks

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_PLACES = {stream: place for place, stream in enumerate(Stream)}


class _Head(msgspec.Struct, frozen=True, gc=False):
    event_time: Moment
    stream: Stream | None = None


class _StreamOnly(msgspec.Struct, frozen=True, gc=False):
    stream: Stream | None = None


_head = msgspec.json.Decoder(_Head).decode
_stream_only = msgspec.json.Decoder(_StreamOnly).decode


def read_lines(
    file: BinaryIO, name: str, stream: Stream | None, skipped: Counter[Skip]
) -> Iterator[Block]:
    """Blocks of the file's lines; ``stream`` is theirs where a line does not say.

    A line of which the stream cannot be told is skipped and counted, but where the
    very first is like that the file is not what the user thinks: ReplayError.
    """
    for numbers, lines in line_blocks(file, skipped):
        times, streams, offsets, values = [], [], [], []
        for offset, line in zip(numbers, lines, strict=True):
            if not line or line.isspace():
                continue
            time, place = _look(line, stream)
            if place is None:
                if offset == 1:
                    raise ReplayError(
                        f"{name}: cannot tell which stream its lines are: give --stream, or name "
                        'the file like transactions.jsonl, or put "stream" in each line'
                    )
                skipped[Skip.NO_STREAM] += 1
                continue
            times.append(time)
            streams.append(place)
            offsets.append(offset)
            values.append(line.rstrip(b"\r"))
        yield Block(
            np.array(times, np.int64),
            np.array(streams, np.int8),
            np.array(offsets, np.int64),
            values,
        )


def _look(line: bytes, stream: Stream | None) -> tuple[int, int | None]:
    """A line's time in ms and its stream's place, as far as they can be told."""
    try:
        head = _head(line)
    except UNREADABLE:
        return UNKNOWN_TIME, _place(_stream_of(line) or stream)
    moment = head.event_time
    time = moment if isinstance(moment, int) else (moment - _EPOCH) // _MILLISECOND
    return time, _place(head.stream or stream)


def _stream_of(line: bytes) -> Stream | None:
    try:
        return _stream_only(line).stream
    except UNREADABLE:
        return None


def _place(stream: Stream | None) -> int | None:
    return None if stream is None else _PLACES[stream]
