"""Merge the streams into one sequence that does not depend on the cuts of steps.

Each stream keeps its own order (Kafka's offsets).  Streams are interleaved by append time, so a
late event has the position at which it became known.  Append times ascend
within a stream and are carried from step to step; hence any contiguous piece of a merged
sequence merges to itself, and cutting the input anywhere changes nothing.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from sentinel.ingest.append_time import NEVER
from sentinel.ingest.decoded import Decoded
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
        """Restore the state that :meth:`snapshot` returned."""
        appended, happened = msgspec.msgpack.decode(data, type=tuple[list[int], list[int]])
        self._appended = dict(zip(_INPUTS, appended, strict=True))
        self._happened = dict(zip(_STREAMS, happened, strict=True))


def merge(decoded: Mapping[Stream, Decoded], watermarks: Watermarks, lateness_ms: int) -> Batch:
    """Interleave the streams' events by append time; ``watermarks`` is advanced past them.

    An event is late if it was appended more than ``lateness_ms`` after it happened: what was in
    time when it was appended is in time however late it is read.
    """
    batches: list[Batch] = []
    for stream in _STREAMS:
        part = decoded.get(stream)
        if part is None:
            continue
        if not len(part):
            watermarks.advance(stream, part.reached_ms)
            continue
        batch = _of_one_stream(stream, part, lateness_ms)
        watermarks.advance(stream, part.reached_ms, int(batch.event_time.max()))
        batches.append(batch)
    if not batches:
        return _empty()
    return batches[0] if len(batches) == 1 else _interleave(batches)


def _of_one_stream(stream: Stream, part: Decoded, lateness_ms: int) -> Batch:
    """The events of one stream as a batch, in the order of its offsets."""
    n = len(part)
    index = np.arange(n, dtype=np.int64)
    columns = dict(part.columns)
    rows = Rows(stream, part.events, index, part.recorded_ms, columns, part.texts, part.fresh)
    event_time = columns["event_time"].view(np.int64)
    return Batch(
        event_time=event_time,
        stream=np.full(n, _STREAMS.index(stream), np.int8),
        customer=columns["customer_id"].view(np.uint64),
        row=index,
        late=event_time < part.recorded_ms - lateness_ms,
        order=part.recorded_ms,
        rows={stream: rows},
    )


def _interleave(batches: Sequence[Batch]) -> Batch:
    """The batches of several streams as one, by append time; the sort is stable."""
    append_time = np.concatenate([batch.order for batch in batches])
    order = np.argsort(append_time, kind="stable")
    stream_of = np.concatenate([batch.stream for batch in batches])[order]
    rows = {stream: own for batch in batches for stream, own in batch.rows.items()}
    for stream, own in rows.items():
        own.index = np.flatnonzero(stream_of == _STREAMS.index(stream))
    return Batch(
        event_time=np.concatenate([batch.event_time for batch in batches])[order],
        stream=stream_of,
        customer=np.concatenate([batch.customer for batch in batches])[order],
        row=np.concatenate([batch.row for batch in batches])[order],
        late=np.concatenate([batch.late for batch in batches])[order],
        order=append_time[order],
        rows=rows,
    )


def _empty() -> Batch:
    nothing = np.zeros(0, np.int64)
    return Batch(
        event_time=nothing,
        stream=np.zeros(0, np.int8),
        customer=np.zeros(0, np.uint64),
        row=nothing,
        late=np.zeros(0, np.bool_),
        order=nothing,
        rows={},
    )
