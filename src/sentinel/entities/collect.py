"""On the customer's shard: the sums of a step's events for shared entities, without state."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sentinel.entities.declare import Measures
from sentinel.entities.kernels import gather
from sentinel.entities.layout import PANE, PARTS, Condition, KindLayout, Layout
from sentinel.entities.raw_text import copy, owners
from sentinel.entities.rows import in_order
from sentinel.model.columns import FIELDS, LENGTH, Array, Batch
from sentinel.model.condition import Compiler, Wanted
from sentinel.model.entity import BANK_ID, ID_FIELDS, EntityKind
from sentinel.model.events import Stream
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.label import Label
from sentinel.model.rollup import RollupBlock

_STREAMS = tuple(Stream)
_MOST = 1e15  # hundredths that one event may add: sums stay far from the end of 64 bits


class Collector:
    """Sums a batch up, a row for each entity and pane of event time.

    Sums are in whole hundredths: integers, so the order of adding does not matter.
    """

    def __init__(
        self,
        layout: Layout,
        measures: Measures,
        compiler: Compiler,
        hasher: Hasher = PLAIN,
    ) -> None:
        self._layout, self._hasher = layout, hasher
        self._bank = np.uint64(hasher.text(BANK_ID))
        self._wheres = {
            (measure.stream, measure.where): compiler.compile(
                measure.where,
                FIELDS[measure.stream],
                measures.document,
                ("features", measure.kind, measure.name, "where"),
            )
            for declared in measures.by_kind.values()
            for measure in declared
            if measure.where is not None
        }
        self._bits = {
            stream: compiler.bits(
                {
                    bit: self._wanted(each)
                    for each, bit in layout.conditions.items()
                    if each.stream is stream and each.verdict is None
                },
                FIELDS[stream],
            )
            for stream in Stream
        }

    @property
    def raw_fields(self) -> dict[Stream, frozenset[str]]:
        """The fields whose text is needed, by stream."""
        fields = [ID_FIELDS[each.kind] for each in self._layout.kinds]
        return {
            stream: frozenset(each[stream] for each in fields if stream in each)
            for stream in Stream
        }

    @property
    def field_demand(self) -> dict[Stream, frozenset[str]]:
        """The event fields that are read, by stream."""
        names = {stream: set(fields) for stream, fields in self.raw_fields.items()}
        for condition in self._layout.conditions:
            if condition.where is not None:
                names[condition.stream] |= self._wheres[condition.stream, condition.where].names
            if condition.field is not None:
                names[condition.stream].add(condition.field)
        return {stream: frozenset(each) for stream, each in names.items()}

    def collect(self, batch: Batch) -> list[RollupBlock]:
        """The blocks of a batch, one for each kind of entity that its events name."""
        if not len(batch) or not self._layout.kinds:
            return []
        if all(rows.fresh is not None and not rows.fresh.any() for rows in batch.rows.values()):
            return []
        n = len(batch)
        bits, values = self._bits_of(batch), self._values(batch)
        recorded = _merged(
            batch, {stream: rows.recorded_ms for stream, rows in batch.rows.items()}
        ).view(np.int64)
        table = np.empty(1 << (2 * n - 1).bit_length(), np.int32)
        firsts, who = np.empty(n, np.int64), np.empty(n, np.int64)
        blocks = []
        for layout in self._layout.kinds:
            rows = np.empty((n, layout.width), np.int64)
            used = gather(
                self._keys(batch, layout.kind).view(np.uint64),
                batch.event_time,
                recorded,
                batch.stream,
                batch.customer,
                bits,
                values,
                layout.mask,
                layout.customer_mask,
                layout.parts,
                table,
                rows,
                firsts,
                who,
            )
            if used:
                blocks.append(_block(batch, layout, rows[:used], firsts[:used]))
        return blocks

    @property
    def labelled_fields(self) -> tuple[str, ...]:
        """The fields of a transaction that name entities with measures of verdicts."""
        fields = (ID_FIELDS[kind].get(Stream.TRANSACTION) for kind in self._layout.labelled)
        return tuple(field for field in fields if field is not None)

    @property
    def needs_labels(self) -> bool:
        """Whether anything is measured of verdicts."""
        return bool(self._layout.labelled)

    def collect_labels(self, labels: Sequence[Label]) -> list[RollupBlock]:
        """The blocks of labels; what is undone is subtracted in the pane where it was added."""
        blocks = []
        for undone in (False, True):
            mine = [label for label in labels if label.undone is undone]
            for layout in self._layout.kinds:
                if mine and layout.kind in self._layout.labelled:
                    blocks += self._label_block(layout, mine, -1 if undone else 1)
        return blocks

    def _label_block(
        self, layout: KindLayout, labels: Sequence[Label], sign: int
    ) -> list[RollupBlock]:
        """The block of one kind, or none where no label names an entity of it."""
        n = len(labels)
        field = ID_FIELDS[layout.kind].get(Stream.TRANSACTION, "")
        bank = layout.kind is EntityKind.BANK
        texts = [BANK_ID if bank else label.ids.get(field, "") for label in labels]
        bits, values = np.zeros(n, np.int64), np.zeros((len(self._layout.values), n), np.int64)
        for condition, bit in self._layout.conditions.items():
            if condition.verdict is not None:
                holds = [label.verdict is condition.verdict for label in labels]
                bits |= np.array(holds, np.int64) << bit
        for index, name in enumerate(self._layout.values):
            if name == "amount":
                amounts = np.array([label.amount for label in labels])
                values[index] = np.rint(np.clip(amounts * 100, -_MOST, _MOST))
        moments = np.array([label.at_ms for label in labels], np.int64)
        rows, firsts = np.empty((n, layout.width), np.int64), np.empty(n, np.int64)
        used = gather(
            self._hasher.texts(texts),
            moments,
            moments,
            np.full(n, _STREAMS.index(Stream.TRANSACTION), np.int8),
            np.zeros(n, np.uint64),
            bits,
            values,
            layout.mask,
            layout.customer_mask,
            layout.parts,
            np.empty(1 << (2 * n - 1).bit_length(), np.int32),
            rows,
            firsts,
            np.empty(n, np.int64),
        )
        if not used:
            return []
        rows[:used, PARTS:] *= sign
        order = np.argsort(rows[:used, PANE], kind="stable")
        named = [texts[first].encode() for first in firsts[:used][order]]
        ends = np.cumsum([len(text) for text in named])
        text = np.frombuffer(b"".join(named), np.uint8)
        found = owners(layout.kind, text, ends)
        return [RollupBlock(layout.kind, layout.version, rows[:used][order], ends, text, found)]

    def _keys(self, batch: Batch, kind: EntityKind) -> Array:
        """Hash of the entity that each event names, uint64[n]; 0 where it names none."""
        if kind is EntityKind.BANK:
            return np.full(len(batch), self._bank)
        fields = ID_FIELDS[kind]
        named = {s: rows.columns[fields[s]] for s, rows in batch.rows.items() if s in fields}
        return _merged(batch, named)

    def _wanted(self, condition: Condition) -> Wanted:
        where = condition.where
        found = None if where is None else self._wheres[condition.stream, where]
        return Wanted(found, () if condition.field is None else (condition.field,))

    def _bits_of(self, batch: Batch) -> NDArray[np.int64]:
        """For each event the bits of the conditions that hold for it, int64[n]."""
        bits = np.zeros(len(batch), np.int64)
        for stream, rows in batch.rows.items():
            mine = self._bits[stream].of(rows)
            bits[rows.index] = mine if rows.fresh is None else np.where(rows.fresh, mine, 0)
        return bits

    def _values(self, batch: Batch) -> NDArray[np.int64]:
        values = np.zeros((len(self._layout.values), len(batch)), np.int64)
        for index, name in enumerate(self._layout.values):
            for rows in batch.rows.values():
                if name in rows.columns:
                    amounts = np.nan_to_num(rows.columns[name].astype(np.float64, copy=False))
                    values[index, rows.index] = np.rint(np.clip(amounts * 100, -_MOST, _MOST))
        return values


def _merged(batch: Batch, columns: Mapping[Stream, Array]) -> Array:
    """Streams' columns as one of the merged batch; 0 where a stream has none."""
    if len(batch.rows) == len(columns) == 1:
        return next(iter(columns.values()))
    dtype = next(iter(columns.values())).dtype if columns else np.dtype(np.uint64)
    merged = np.zeros(len(batch), dtype)
    for stream, column in columns.items():
        merged[batch.rows[stream].index] = column
    return merged


def _block(
    batch: Batch, layout: KindLayout, rows: NDArray[np.int64], firsts: NDArray[np.int64]
) -> RollupBlock:
    """The rows in order, with their entities' texts and owners."""
    order = in_order(rows)
    if (np.diff(order) < 0).any():
        rows, firsts = rows[order], firsts[order]
    ends, text = _texts(batch, layout.kind, firsts)
    found = owners(layout.kind, text, ends)
    return RollupBlock(layout.kind, layout.version, rows, ends, text, found)


def _texts(
    batch: Batch, kind: EntityKind, firsts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where each id ends, int64[r], and all of them, uint8[bytes]."""
    if kind is EntityKind.BANK:
        text = np.frombuffer(BANK_ID.encode() * len(firsts), np.uint8)
        return np.arange(1, len(firsts) + 1, dtype=np.int64) * len(BANK_ID), text
    streams, rows = batch.stream[firsts], batch.row[firsts]
    parts = []
    lengths = np.zeros(len(firsts), np.int64)
    for stream, field in ID_FIELDS[kind].items():
        which = np.flatnonzero(streams == _STREAMS.index(stream))
        if not len(which):
            continue
        texts = batch.rows[stream].texts
        assert texts is not None, "decode was told to keep them"  # noqa: S101
        spans = texts.spans[field][rows[which]]
        lengths[which] = spans[:, LENGTH]
        parts.append((texts.data, spans, which))
    ends = np.cumsum(lengths)
    text = np.empty(int(ends[-1]), np.uint8)
    for data, spans, which in parts:
        copy(data, spans, ends, which, text)
    return ends, text
