"""Several streams become one sequence, the same however it was cut into steps.

Each stream keeps its own order (Kafka's offsets).  Streams are interleaved by append time, so a
late event stands where it became known, not where it would have been.  Append times ascend
within a stream and are carried from step to step; hence any contiguous piece of a merged
sequence merges to itself, and cutting the input anywhere changes nothing.
"""

from collections.abc import Mapping

import msgspec
import numpy as np

from sentinel.ingest.append_time import NEVER
from sentinel.ingest.decode import Decoded
from sentinel.model.columns import Batch, Rows
from sentinel.model.events import Stream
from sentinel.model.response import Control

_STREAMS = tuple(Stream)
_INPUTS: tuple[Stream | Control, ...] = (*Stream, Control.RESPONSE)


class Watermarks:
    """How far each input has been read, in ms UTC: append time, and for streams event time."""

    def __init__(self) -> None:
        self._appended = dict.fromkeys(_INPUTS, NEVER)
        self._happened = dict.fromkeys(_STREAMS, NEVER)

    def known(self) -> dict[Stream, int]:
        """The highest event time of each stream that has had an event."""
        return {stream: high for stream, high in self._happened.items() if high != NEVER}

    def appended(self, source: Stream | Control) -> int:
        """The append time of the input's last record; ``NEVER`` before the first."""
        return self._appended[source]

    def advance(self, source: Stream | Control, appended_ms: int, happened_ms: int = NEVER) -> None:
        """Note the append time of an input's last record, and the highest event time."""
        self._appended[source] = max(self._appended[source], appended_ms)
        if isinstance(source, Stream):
            self._happened[source] = max(self._happened[source], happened_ms)

    def snapshot(self) -> bytes:
        """The watermarks as bytes."""
        parts = list(self._appended.values()), list(self._happened.values())
        return msgspec.msgpack.encode(parts)

    def restore(self, data: bytes) -> None:
        """Take the place of what :meth:`snapshot` saw."""
        appended, happened = msgspec.msgpack.decode(data, type=tuple[list[int], list[int]])
        self._appended = dict(zip(_INPUTS, appended, strict=True))
        self._happened = dict(zip(_STREAMS, happened, strict=True))


def merge(decoded: Mapping[Stream, Decoded], watermarks: Watermarks, lateness_ms: int) -> Batch:
    """Interleave the streams' events by append time; ``watermarks`` is advanced past them.

    An event is late if it was appended more than ``lateness_ms`` after it happened: what was in
    time when it was appended is in time however late it is read.
    """
    times, late, streams, rows_index = [], [], [], []
    rows: dict[Stream, Rows] = {}
    for place, stream in enumerate(_STREAMS):
        part = decoded.get(stream)
        if part is None:
            continue
        n = len(part)
        if not n:
            watermarks.advance(stream, part.reached_ms)
            continue
        time = part.columns["event_time"].view(np.int64)
        watermarks.advance(stream, part.reached_ms, int(time.max()))
        times.append(time)
        late.append(time < part.recorded_ms - lateness_ms)
        streams.append(np.full(n, place, np.int8))
        rows_index.append(np.arange(n, dtype=np.int64))
        rows[stream] = Rows(
            stream,
            part.events,
            rows_index[-1],
            part.recorded_ms,
            dict(part.columns),
            part.texts,
            part.fresh,
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
            order=next(iter(rows.values())).recorded_ms,
            rows=rows,
        )
    key = np.concatenate([part.recorded_ms for part in rows.values()])
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
