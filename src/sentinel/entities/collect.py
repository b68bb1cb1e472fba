"""On the customer's shard: the sums of a step's events for shared entities, without state."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sentinel.entities.declare import Measures
from sentinel.entities.gather import (
    add_lengths,
    add_up,
    copy_texts,
    find_owners,
    gather,
    to_hundredths,
)
from sentinel.entities.layout import PARTS, Condition, KindLayout, Layout
from sentinel.entities.raw_text import owners
from sentinel.entities.rows import in_order
from sentinel.entities.tables import GatherTables
from sentinel.model.columns import FIELDS, Batch, Texts
from sentinel.model.condition import Bits, Compiler, Wanted
from sentinel.model.entity import BANK_ID, ID_FIELDS, EntityKind
from sentinel.model.events import Stream
from sentinel.model.ids import PLAIN, Hasher
from sentinel.model.label import Label
from sentinel.model.rollup import RollupBlock

_STREAMS = tuple(Stream)
_MOST = 1e15  # hundredths that one event may add: sums stay far from the end of 64 bits
_EVERY = slice(None)
_BANK_TEXT = np.frombuffer(BANK_ID.encode(), np.uint8)


@dataclass(frozen=True, slots=True)
class _Source:
    """What one stream adds: its conditions, and which fields name kinds or are summed up.

    ``names`` has the index of a kind and the field that names it, ``values`` the row of a value
    and its field.
    """

    number: int
    bits: Bits
    names: tuple[tuple[int, str], ...]
    values: tuple[tuple[int, str], ...]
    fields: dict[tuple[str, ...], NDArray[np.int64]] = field(default_factory=dict)
    """What :meth:`fields_in` found before: a decoder always has the same fields."""

    def fields_in(self, texts: Texts, kinds: int) -> NDArray[np.int64]:
        """The row of each kind's field among the spans of texts, int64[kinds]; -1 for none."""
        if texts.fields not in self.fields:
            found = np.full(kinds, -1)
            for index, name in self.names:
                found[index] = texts.fields.index(name)
            self.fields[texts.fields] = found
        return self.fields[texts.fields]


@dataclass(frozen=True, slots=True)
class _Events:
    """The n events of a batch as they are gathered, see :func:`~sentinel.entities.gather.gather`.

    ``keys`` uint64[kinds, n], ``values`` int64[values, n], the others [n].
    """

    keys: NDArray[np.uint64]
    times: NDArray[np.int64]
    recorded: NDArray[np.int64]
    streams: NDArray[np.int8]
    customers: NDArray[np.uint64]
    bits: NDArray[np.int64]
    values: NDArray[np.int64]


class _Gathered:
    """The rows of every kind, and the first event of each."""

    def __init__(self, events: _Events, tables: GatherTables) -> None:
        kinds, n = tables.kinds, len(events.times)
        self.words = np.empty(n * tables.width, np.int64)
        self.firsts = np.empty((len(kinds), n), np.int64)
        self.used = np.empty(len(kinds), np.int64)
        ascending = np.empty(len(kinds), np.bool_)
        gather(
            events.keys,
            events.times,
            events.recorded,
            events.streams,
            events.customers,
            events.bits,
            events.values,
            kinds,
            tables.parts,
            np.empty(1 << (2 * n - 1).bit_length(), np.int32),
            self.words,
            self.firsts,
            np.empty(n, np.int64),
            self.used,
            ascending,
        )
        self._n, self._tables = n, tables
        if not ascending.all():
            for k in np.flatnonzero(~ascending).tolist():
                self._sort(k)

    def rows(self, k: int) -> NDArray[np.int64]:
        """The rows of a kind, int64[used, width]."""
        start, width = self._n * self._tables.before[k], self._tables.widths[k]
        used = int(self.used[k])
        return self.words[start : start + used * width].reshape(used, width)

    def _sort(self, k: int) -> None:
        rows, firsts = self.rows(k), self.firsts[k, : self.used[k]]
        order = in_order(rows)
        rows[:], firsts[:] = rows[order], firsts[order]


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
        self._tables = GatherTables.of(layout.kinds)
        self._bank = np.uint64(hasher.text(BANK_ID))
        self._banks = [k for k, each in enumerate(layout.kinds) if each.kind is EntityKind.BANK]
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
        self._sources = {stream: self._source(stream, compiler) for stream in Stream}

    def _source(self, stream: Stream, compiler: Compiler) -> _Source:
        layout = self._layout
        wanted = {
            bit: self._wanted(each)
            for each, bit in layout.conditions.items()
            if each.stream is stream and each.verdict is None
        }
        summed = {each.field for each in layout.conditions if each.stream is stream}
        return _Source(
            _STREAMS.index(stream),
            compiler.bits(wanted, FIELDS[stream]),
            tuple(
                (k, ID_FIELDS[each.kind][stream])
                for k, each in enumerate(layout.kinds)
                if stream in ID_FIELDS[each.kind]
            ),
            tuple((index, name) for index, name in enumerate(layout.values) if name in summed),
        )

    @property
    def raw_fields(self) -> dict[Stream, frozenset[str]]:
        """The fields whose text is needed, by stream."""
        return {
            stream: frozenset(name for _, name in source.names)
            for stream, source in self._sources.items()
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
        gathered = _Gathered(self._events(batch), self._tables)
        return self._blocks(gathered, batch) if gathered.used.any() else []

    def _events(self, batch: Batch) -> _Events:
        n, layout = len(batch), self._layout
        keys = np.zeros((len(layout.kinds), n), np.uint64)
        bits, values = np.empty(n, np.int64), np.zeros((len(layout.values), n), np.int64)
        for k in self._banks:
            keys[k] = self._bank
        for stream, rows in batch.rows.items():
            source, columns = self._sources[stream], rows.columns
            at = _EVERY if len(rows) == n else rows.index
            mine = source.bits.of(rows)
            if rows.fresh is not None:
                mine[~rows.fresh] = 0
            bits[at] = mine
            for k, name in source.names:
                keys[k, at] = columns[name]
            for index, name in source.values:
                amounts, hundredths = columns[name], np.empty(len(rows), np.int64)
                to_hundredths(amounts.astype(np.float64, copy=False), _MOST, hundredths)
                values[index, at] = hundredths
        return _Events(
            keys, batch.event_time, batch.order, batch.stream, batch.customer, bits, values
        )

    def _blocks(self, gathered: _Gathered, batch: Batch) -> list[RollupBlock]:
        """The blocks of the kinds that have rows, with their entities' texts and owners."""
        tables, used, firsts = self._tables, gathered.used, gathered.firsts
        bases, count = np.cumsum(used) - used, int(used.sum())
        where = batch.stream, batch.row, used, bases, firsts
        ends, starts = np.empty(count, np.int64), np.empty(len(used) + 1, np.int64)
        texts = []
        for stream, rows in batch.rows.items():
            source = self._sources[stream]
            if source.names:  # the bank has no name in an event
                assert rows.texts is not None, "decode was told to keep them"  # noqa: S101
                texts.append((source.number, rows.texts, source.fields_in(rows.texts, len(used))))
        for number, each, fields in texts:
            add_lengths(number, each.spans, fields, *where, ends)
        add_up(tables.kinds, used, bases, _BANK_TEXT, ends, starts)
        text, found = np.empty(starts[-1], np.uint8), np.empty(count, np.uint32)
        for number, each, fields in texts:
            copy_texts(number, each.data, each.spans, fields, *where, ends, starts, text)
        find_owners(
            tables.kinds, used, bases, _BANK_TEXT, tables.prefixes, ends, starts, text, found
        )
        blocks, cuts = [], starts.tolist()
        for k, (base, rows_used) in enumerate(zip(bases.tolist(), used.tolist(), strict=True)):
            if rows_used:
                kind, mine = self._layout.kinds[k], slice(base, base + rows_used)
                of_kind = text[cuts[k] : cuts[k + 1]]
                rollup_rows = gathered.rows(k)
                blocks.append(
                    RollupBlock(
                        kind.kind, kind.version, rollup_rows, ends[mine], of_kind, found[mine]
                    )
                )
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
        if "amount" in self._layout.values:
            amounts = np.array([label.amount for label in labels])
            to_hundredths(amounts, _MOST, values[self._layout.values.index("amount")])
        moments = np.array([label.at_ms for label in labels], np.int64)
        streams = np.full(n, _STREAMS.index(Stream.TRANSACTION), np.int8)
        keys, customers = self._hasher.texts(texts)[None, :], np.zeros(n, np.uint64)
        events = _Events(keys, moments, moments, streams, customers, bits, values)
        gathered = _Gathered(events, GatherTables.of([layout]))
        if not gathered.used.any():
            return []
        rows, firsts = gathered.rows(0), gathered.firsts[0, : gathered.used[0]]
        rows[:, PARTS:] *= sign
        named = [texts[first].encode() for first in firsts]
        ends = np.cumsum([len(text) for text in named])
        text = np.frombuffer(b"".join(named), np.uint8)
        found = owners(layout.kind, text, ends)
        return [RollupBlock(layout.kind, layout.version, rows, ends, text, found)]

    def _wanted(self, condition: Condition) -> Wanted:
        where = condition.where
        found = None if where is None else self._wheres[condition.stream, where]
        return Wanted(found, () if condition.field is None else (condition.field,))
