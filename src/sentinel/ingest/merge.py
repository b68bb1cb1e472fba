"""Several streams become one sequence, the same however it was cut into steps.

Each stream keeps its own order (Kafka's offsets).  Streams are interleaved by their
watermarks: an event's key is the highest event time its stream has shown so far, so a
late event stands where it arrived, not where it would have been.  The keys ascend
within a stream and are carried from step to step; hence any contiguous piece of a
merged sequence merges to itself, and cutting the input anywhere changes nothing.
"""

from collections.abc import Mapping

import msgspec
import numpy as np

from sentinel.ingest.decode import Decoded
from sentinel.model.columns import Batch, Rows
from sentinel.model.events import Stream
from sentinel.model.response import Control

_STREAMS = tuple(Stream)
_INPUTS: tuple[Stream | Control, ...] = (*Stream, Control.RESPONSE)
_NEVER = -(2**62)


class Watermarks:
    """The highest event time (ms UTC) that each stream, and the responses, have shown."""

    def __init__(self) -> None:
        self._highest = dict.fromkeys(_INPUTS, _NEVER)

    def known(self) -> dict[Stream, int]:
        """The watermark of each stream that has had an event."""
        known = ((stream, self._highest[stream]) for stream in _STREAMS)
        return {stream: high for stream, high in known if high != _NEVER}

    def highest(self, stream: Stream | Control) -> int:
        """The stream's watermark, or a time before all events."""
        return self._highest[stream]

    def advance(self, stream: Stream | Control, highest: int) -> None:
        """Raise a stream's watermark."""
        self._highest[stream] = max(self._highest[stream], highest)

    def snapshot(self) -> bytes:
        """The watermarks as bytes."""
        return msgspec.msgpack.encode([self._highest[stream] for stream in _INPUTS])

    def restore(self, data: bytes) -> None:
        """Take the place of what :meth:`snapshot` saw."""
        values = msgspec.msgpack.decode(data, type=list[int])
        self._highest = dict(zip(_INPUTS, values, strict=True))


def merge(decoded: Mapping[Stream, Decoded], watermarks: Watermarks, lateness_ms: int) -> Batch:
    """Interleave the streams' events; ``watermarks`` is advanced past them."""
    times, keys, late, streams, rows_index = [], [], [], [], []
    rows: dict[Stream, Rows] = {}
    for place, stream in enumerate(_STREAMS):
        part = decoded.get(stream)
        if part is None or not len(part):
            continue
        n, time = len(part), part.columns["event_time"].view(np.int64)
        seen = np.empty(n + 1, np.int64)
        seen[0] = watermarks.highest(stream)
        seen[1:] = time
        np.maximum.accumulate(seen, out=seen)
        watermarks.advance(stream, int(seen[-1]))
        times.append(time)
        keys.append(seen[1:])
        late.append(time < seen[:-1] - lateness_ms)
        streams.append(np.full(n, place, np.int8))
        rows_index.append(np.arange(n, dtype=np.int64))
        rows[stream] = Rows(
            stream,
            part.events,
            rows_index[-1],
            part.recorded_ms,
            dict(part.columns),
            part.texts,
        )
    if not rows:
        empty = np.zeros(0, np.int64)
        return Batch(
            event_time=empty,
            stream=np.zeros(0, np.int8),
            customer=np.zeros(0, np.uint64),
            row=empty,
            late=np.zeros(0, np.bool_),
            order=empty,
            rows={},
        )
    customers = [part.columns["customer_id"].view(np.uint64) for part in rows.values()]
    if len(rows) == 1:
        return Batch(
            event_time=times[0],
            stream=streams[0],
            customer=customers[0],
            row=rows_index[0],
            late=late[0],
            order=keys[0],
            rows=rows,
        )
    key = np.concatenate(keys)
    order = np.argsort(key, kind="stable")
    stream_of = np.concatenate(streams)[order]
    for stream, part_rows in rows.items():
        part_rows.place = np.flatnonzero(stream_of == _STREAMS.index(stream))
    return Batch(
        event_time=np.concatenate(times)[order],
        stream=stream_of,
        customer=np.concatenate(customers)[order],
        row=np.concatenate(rows_index)[order],
        late=np.concatenate(late)[order],
        order=key[order],
        rows=rows,
    )
