"""Events as Arrow tables, every field typed, and back again to the records that they came from.

Values are those of the records as sent: no placeholder is dropped, no amount converted and no
address replaced by its network, because these depend on the configuration that reads the event.
What the engine does not distinguish is not kept either: an amount as text or as number, the form of
a time, the order of fields, unknown fields.  A field that is absent or null is null; one with a
default has the default.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sentinel.ingest.extract import extract
from sentinel.ingest.records import READERS
from sentinel.ingest.scan import scan
from sentinel.ingest.shape import Plan, plan
from sentinel.model.columns import FIELDS, LENGTH, START, TRUE, UNKNOWN, Array, Kind
from sentinel.model.events import EVENT_TYPES, Event, Stream
from sentinel.model.ids import PLAIN
from sentinel.model.step import Chunk

PARTITION, OFFSET, RECORDED_MS = "partition", "offset", "recorded_ms"
CUSTOMER = "customer_id"
_MISSING = -1

_ARROW = {
    Kind.NUMBER: pa.float64(),
    Kind.TRUTH: pa.bool_(),
    Kind.CODE: pa.string(),
    Kind.STRING: pa.string(),
    Kind.TIME: pa.int64(),
}
_TEXTS = {
    stream: frozenset(name for name, column in fields.items() if column.kind is Kind.STRING)
    for stream, fields in FIELDS.items()
}


@cache
def schema(stream: Stream) -> pa.Schema:
    """The columns of a stream's files: where the record was, then every field of the event.

    ``recorded_ms`` is the broker's timestamp (ms UTC, 0 or less where it has none), ``event_time``
    is in ms UTC, too.
    """
    own = [(PARTITION, pa.int32()), (OFFSET, pa.int64()), (RECORDED_MS, pa.int64())]
    fields = [(name, _ARROW[column.kind]) for name, column in FIELDS[stream].items()]
    return pa.schema([*own, *fields])


@dataclass(frozen=True, slots=True)
class ArchivedEvent:
    """One event of the archive, with where its record was and the broker's timestamp (ms UTC)."""

    stream: Stream
    partition: int
    offset: int
    recorded_ms: int
    event: Event


def table_of(
    stream: Stream,
    partition: int,
    offsets: NDArray[np.int64],
    recorded_ms: NDArray[np.int64],
    values: Sequence[bytes],
) -> pa.Table:
    """Records as a table, in the order given; raises what msgspec does for one that is no event.

    ``offsets`` and ``recorded_ms`` are int64[n], ``values`` the n records.
    """
    whole = plan(stream, frozenset(FIELDS[stream]), _TEXTS[stream])
    columns, data, spans = _read(stream, whole, values)
    where: dict[str, pa.Array] = {
        PARTITION: pa.array(np.full(len(values), partition, np.int32)),
        OFFSET: pa.array(offsets),
        RECORDED_MS: pa.array(recorded_ms),
    }
    fields = {
        name: _arrow(stream, name, array)
        for name, array in columns.items()
        if name not in _TEXTS[stream]
    }
    texts = {name: _strings(data, spans[index]) for index, name in enumerate(whole.raw_fields)}
    found = {**where, **fields, **texts}
    names = schema(stream).names
    return pa.Table.from_arrays([found[name] for name in names], schema=schema(stream))


def _read(
    stream: Stream, whole: Plan, values: Sequence[bytes]
) -> tuple[Mapping[str, Array], NDArray[np.uint8], NDArray[np.int64]]:
    """Every column of the records, the bytes of all texts, and their spans there.

    The span of a missing text starts at _MISSING.
    """
    data = b"".join([*values, whole.default_text])
    text_at = len(data) - len(whole.default_text)
    columns = whole.columns(len(values), text_at)
    plain = np.zeros(len(values), np.bool_)
    scan(
        np.frombuffer(data, np.uint8),
        np.cumsum(np.fromiter(map(len, values), np.int64, len(values))),
        whole.shape,
        columns,
        np.empty(len(whole.shape.fields) + 1, np.int64),
        plain,
        PLAIN.words,
    )
    every = whole.views(FIELDS[stream]).of(columns)
    spans = columns.spans
    spans[(spans[:, :, LENGTH] == 0) & (spans[:, :, START] >= text_at), START] = _MISSING
    rows = np.flatnonzero(~plain)
    if len(rows):
        events = [READERS[stream](values[row]) for row in rows.tolist()]
        for name, array in extract(stream, events, every, PLAIN).items():
            every[name][rows] = array
        data += _add_texts(whole.raw_fields, events, rows, len(data), spans)
    return every, np.frombuffer(data, np.uint8), spans


def _add_texts(
    fields: Sequence[str],
    events: Sequence[Event],
    rows: NDArray[np.int64],
    start: int,
    spans: NDArray[np.int64],
) -> bytes:
    """The texts of events that were not scanned, one after the other; ``start`` is the first's."""
    added: list[bytes] = []
    for index, name in enumerate(fields):
        texts = [getattr(event, name) for event in events]
        encoded = [(text or "").encode() for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        starts = start + np.cumsum(lengths) - lengths
        starts[[text is None for text in texts]] = _MISSING
        spans[index, rows, START], spans[index, rows, LENGTH] = starts, lengths
        start += int(lengths.sum())
        added += encoded
    return b"".join(added)


def _strings(data: NDArray[np.uint8], spans: NDArray[np.int64]) -> pa.Array:
    """The texts of spans, int64[n, 2], null where one is missing."""
    starts, lengths = spans[:, START], spans[:, LENGTH]
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    at = np.repeat(starts - (ends - lengths), lengths) + np.arange(total)
    offsets = np.concatenate([np.zeros(1, np.int64), ends])
    valid = np.packbits(starts != _MISSING, bitorder="little")
    buffers = [pa.py_buffer(each) for each in (valid, offsets, data[at])]
    return pa.Array.from_buffers(pa.large_string(), len(spans), buffers).cast(pa.string())


def _arrow(stream: Stream, name: str, array: Array) -> pa.Array:
    """A column of the scanner, null where the field is missing."""
    column = FIELDS[stream][name]
    match column.kind:
        case Kind.NUMBER:
            return pa.array(array, from_pandas=True)
        case Kind.TRUTH:
            return pa.array(array == TRUE, mask=array == UNKNOWN)
        case Kind.CODE:
            codes = pa.array(array, mask=array == _MISSING)
            return pc.take(pa.array(column.vocabulary, pa.string()), codes)
        case _:
            return pa.array(array)


def records_of(stream: Stream, rows: pa.RecordBatch | pa.Table) -> list[bytes]:
    """Records, JSON, that ingest decodes as it decoded those from which the rows were made."""
    kind = EVENT_TYPES[stream]
    names = [name for name in FIELDS[stream] if name in rows.schema.names]
    encode = msgspec.json.Encoder().encode
    return [encode(_event(kind, row)) for row in rows.select(names).to_pylist()]


def chunk_of(stream: Stream, topic: str, rows: pa.RecordBatch | pa.Table) -> Chunk:
    """Rows of one partition in order of offset as the chunk that Kafka gave; for a replay.

    The key is the customer's id, as every producer has it.
    """
    return Chunk(
        stream,
        topic,
        rows[PARTITION][0].as_py(),
        rows[OFFSET].to_pylist(),
        rows[RECORDED_MS].to_pylist(),
        [customer.encode() for customer in rows[CUSTOMER].to_pylist()],
        [*records_of(stream, rows)],
    )


def archived_event(stream: Stream, row: Mapping[str, Any]) -> ArchivedEvent:
    """One row, by the names of its columns, as an event."""
    event = _event(EVENT_TYPES[stream], {name: row.get(name) for name in FIELDS[stream]})
    return ArchivedEvent(stream, row[PARTITION], row[OFFSET], row[RECORDED_MS], event)


def _event(kind: type[Event], row: Mapping[str, Any]) -> Event:
    """The event of a row; a field that is null has its default."""
    return kind(**{name: value for name, value in row.items() if value is not None})
