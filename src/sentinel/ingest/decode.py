"""Bytes to columns; every record that is not an event becomes a dead letter.

Plain records go through the scanner, a column at a time and without an object; what
it leaves goes through msgspec, one by one, which decides whether a record is bad.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, compress
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.append_time import AHEAD_MS, NEVER, append_times
from sentinel.ingest.content import contents
from sentinel.ingest.extract import extract
from sentinel.ingest.lazy import ChosenEvents, MadeEvents, RenamedEvents
from sentinel.ingest.limits import Limits, OtherAddresses
from sentinel.ingest.placeholders import hashes_of, rows_of
from sentinel.ingest.records import READERS
from sentinel.ingest.scan import scan
from sentinel.ingest.shape import plan
from sentinel.ingest.units import problem_of
from sentinel.model.columns import FIELDS, NAMES, Array, Texts
from sentinel.model.events import FIRST_MOMENT_MS, LAST_MOMENT_MS, Event, Stream
from sentinel.model.ids import Hasher
from sentinel.model.network import join_networks
from sentinel.model.step import Chunk, DeadLetter, DeadLetterReason

_IN_EVENT_CURRENCY = ("amount", "balance_after")
_ALWAYS = {stream: frozenset({"customer_id", "event_id", "event_time"}) for stream in Stream}
_ALWAYS[Stream.TRANSACTION] |= {"currency"}
_ADDRESS = "ip"
_ALL = {stream: frozenset(FIELDS[stream]) for stream in Stream}


@dataclass(slots=True)
class Decoded:
    """One stream's good events, in offset order, and its dead letters.

    ``columns`` holds the wanted field columns, dtype by :class:`~sentinel.model.columns.Kind`,
    always ``customer_id``, ``event_id`` and ``event_time`` among them; ``recorded_ms`` is int64[n],
    append times in milliseconds UTC, ascending, and ``reached_ms`` the append time of the last
    record, good or not.  ``texts`` are present if raw texts are needed, ``offsets`` int64[n] if
    they are asked for.  ``fresh`` bool[n] marks the events that were not collected for shared
    entities before; None: none was.  ``contents`` uint64[n] distinguishes events with one id, see
    :mod:`.content`.  ``postponed`` is how many records' timestamps were more than ten minutes after
    their append times, ``missing`` of how many events a field's value named nothing, by field.
    """

    stream: Stream
    events: Sequence[Event] = ()
    columns: dict[str, Array] = field(default_factory=dict)
    recorded_ms: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    dead_letters: list[DeadLetter] = field(default_factory=list)
    texts: Texts | None = None
    reached_ms: int = NEVER
    offsets: NDArray[np.int64] | None = None
    fresh: NDArray[np.bool_] | None = None
    contents: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    postponed: int = 0
    missing: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.recorded_ms)

    def only(self, wanted: NDArray[np.bool_]) -> "Decoded":
        """The events where ``wanted``, bool[n]; all dead letters."""
        if wanted.all():
            return self
        events = ChosenEvents(self.events, np.flatnonzero(wanted).tolist())
        columns = {name: column[wanted] for name, column in self.columns.items()}
        texts = self.texts and self.texts.only(wanted)
        offsets = None if self.offsets is None else self.offsets[wanted]
        fresh = None if self.fresh is None else self.fresh[wanted]
        return Decoded(
            self.stream,
            events,
            columns,
            self.recorded_ms[wanted],
            self.dead_letters,
            texts,
            self.reached_ms,
            offsets,
            fresh,
            self.contents[wanted],
        )

    def renamed(self, which: NDArray[np.bool_], hasher: Hasher) -> "Decoded":
        """The same events; those where ``which``, bool[n], have ids that name their content, too.

        They came under ids of others: ``E1`` becomes ``E1~0f3a97c2``, for alerts and verdicts.
        """
        rows = np.flatnonzero(which).tolist()
        if not rows:
            return self
        ids = {row: f"{self.events[row].event_id}~{self.contents[row] >> 32:08x}" for row in rows}
        column = self.columns["event_id"].copy()
        column[rows] = hasher.texts(list(ids.values()))
        columns = {**self.columns, "event_id": column}
        return replace(self, events=RenamedEvents(self.events, ids), columns=columns)


def decode(
    stream: Stream,
    chunks: Sequence[Chunk],
    limits: Limits,
    wanted: frozenset[str],
    raw_fields: frozenset[str] = frozenset(),
    previous_ms: int = NEVER,
    until_ms: int | None = None,
    *,
    with_offsets: bool = False,
) -> Decoded:
    """Decode all of a step's chunks of one stream, in the order given; never raises.

    ``wanted`` names the field columns that are read, ``raw_fields`` the fields whose raw
    text is needed.  ``previous_ms`` is the append time of the record before, ``until_ms``
    a time by which all were appended (None in a simulation): see
    :func:`~sentinel.ingest.append_time.append_times`.
    """
    work = _Work(stream, chunks, limits, wanted, raw_fields)
    work.scan()
    work.decode_what_is_left()
    work.forget_placeholders()
    work.join_networks()
    work.judge_times(previous_ms, until_ms)
    if stream is Stream.TRANSACTION:
        work.convert_currencies()
    return work.decoded(with_offsets=with_offsets)


class _Work:
    """The records of one stream while they are decoded, good or not."""

    def __init__(
        self,
        stream: Stream,
        chunks: Sequence[Chunk],
        limits: Limits,
        wanted: frozenset[str],
        raw_fields: frozenset[str],
    ) -> None:
        self._stream, self._chunks, self._limits = stream, chunks, limits
        by_address = {_ADDRESS} & _ALL[stream] & (wanted | raw_fields)
        self._plan = plan(stream, _ALL[stream], raw_fields | by_address, limits.hasher)
        self._wanted = wanted | _ALWAYS[stream]
        if len(chunks) == 1:
            self._values, recorded = chunks[0].values, chunks[0].recorded_ms
        else:
            self._values = [value for chunk in chunks for value in chunk.values]
            recorded = [each for chunk in chunks for each in chunk.recorded_ms]
        self._recorded_ms = np.array(recorded, np.int64)
        self._columns: dict[str, Array] = {}
        self._plain = np.zeros(len(self._values), np.bool_)
        self._dead: dict[int, DeadLetter] = {}
        self._missing: Counter[str] = Counter()
        self._firsts = list(accumulate((len(chunk.values) for chunk in chunks), initial=0))

    def scan(self) -> None:
        """Fill the columns of every plain record."""
        most, n = self._limits.max_value_bytes, len(self._values)
        readable = [value if value and len(value) <= most else b"" for value in self._values]
        columns, self._columns = self._plan.columns(n)
        self._every = columns
        shape = self._plan.shape
        defaults = self._plan.default_texts
        self._data = b"".join([*readable, *defaults])
        self._spans = columns.spans
        behind = len(self._data) - sum(map(len, defaults))
        for index, text in enumerate(defaults):  # where the field is absent
            self._spans[index] = behind, len(text)
            behind += len(text)
        scan(
            np.frombuffer(self._data, np.uint8),
            np.cumsum(np.fromiter(map(len, readable), np.int64, n)),
            shape,
            columns,
            np.empty(len(shape.fields) + 1, np.int64),
            self._plain,
            self._limits.hasher.words,
        )

    def decode_what_is_left(self) -> None:
        """Decode the records that are not plain; those that are no events are dead."""
        events: list[Event] = []
        rows: list[int] = []
        for row in np.flatnonzero(~self._plain).tolist():
            made = self._made(row)
            if made is not None:
                events.append(made)
                rows.append(row)
        if rows:
            found = extract(self._stream, events, self._columns, self._limits.hasher)
            for name, array in found.items():
                self._columns[name][rows] = array
            self._keep_raw(events, rows)
        self._contents = contents(self._every, self._limits.hasher)
        self._columns = {name: self._columns[name] for name in self._wanted}

    def forget_placeholders(self) -> None:
        """Make placeholder ids missing; an event without a required id becomes a dead letter."""
        placeholders = hashes_of(self._limits.placeholders, self._limits.hasher)
        for name in sorted(self._wanted & NAMES[self._stream]):
            hashes = self._columns[name].view(np.uint64)
            rows = rows_of(hashes, placeholders)
            if not len(rows):
                continue
            if FIELDS[self._stream][name].required:
                for row in rows.tolist():
                    self._dead_letter(row, DeadLetterReason.SCHEMA, f"{name} is a placeholder")
                continue
            hashes[rows] = 0
            self._missing[name] += len(rows)
            if name in self._plan.raw_fields:
                self._spans[self._plan.raw_fields.index(name), rows, 1] = 0

    def join_networks(self) -> None:
        """Replace addresses by their networks, see :mod:`sentinel.model.network`."""
        if _ADDRESS not in self._plan.raw_fields or _ADDRESS not in self._columns:
            return
        spans = self._spans[self._plan.raw_fields.index(_ADDRESS)]
        hashes = self._columns[_ADDRESS].view(np.uint64)
        named = hashes != 0
        self._data = join_networks(self._data, spans, hashes, self._limits.hasher)
        nobodys = np.flatnonzero(named & (hashes == 0)).tolist()
        if self._limits.other_addresses is OtherAddresses.DEAD_LETTER:
            for row in nobodys:
                self._dead_letter(row, DeadLetterReason.SCHEMA, "ip is no address")
        elif nobodys:
            self._missing[_ADDRESS] += len(nobodys)

    def _keep_raw(self, events: list[Event], rows: list[int]) -> None:
        """Append the raw texts of events that were not scanned."""
        for index, name in enumerate(self._plan.raw_fields):
            texts = [(getattr(event, name) or "").encode("utf-8", "replace") for event in events]
            lengths = np.fromiter(map(len, texts), np.int64, len(texts))
            self._spans[index, rows, 0] = len(self._data) + np.cumsum(lengths) - lengths
            self._spans[index, rows, 1] = lengths
            self._data += b"".join(texts)

    def _made(self, row: int) -> Event | None:
        value = self._values[row]
        if not value:
            self._dead_letter(row, DeadLetterReason.EMPTY, "no value")
        elif len(value) > self._limits.max_value_bytes:
            allowed = self._limits.max_value_bytes
            detail = f"{len(value)} bytes, at most {allowed} allowed"
            self._dead_letter(row, DeadLetterReason.TOO_LARGE, detail)
        else:
            try:
                return READERS[self._stream](value)
            except msgspec.ValidationError as error:
                self._dead_letter(row, DeadLetterReason.SCHEMA, str(error))
            except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
                detail = str(error) or type(error).__name__
                self._dead_letter(row, DeadLetterReason.MALFORMED, detail)
        return None

    def judge_times(self, previous_ms: int, until_ms: int | None) -> None:
        """Compute the append times; events with an impossible time become dead letters.

        A future time is judged by the record's append time, so a replay decides alike.
        """
        times = self._columns["event_time"].view(np.int64)
        outside = (times < FIRST_MOMENT_MS) | (times > LAST_MOMENT_MS)
        for row in np.flatnonzero(outside).tolist():
            self._dead_letter(row, DeadLetterReason.SCHEMA, problem_of(int(times[row])))
        happened = times
        if self._dead:
            happened = times.copy()
            happened[list(self._dead)] = 0
        recorded = append_times(self._recorded_ms, happened, previous_ms, until_ms)
        self._postponed = int(np.count_nonzero(self._recorded_ms > recorded + AHEAD_MS))
        self._recorded_ms = recorded
        self._reached_ms = int(recorded[-1]) if len(recorded) else previous_ms
        for row in np.flatnonzero(times > recorded + self._limits.future_skew_ms).tolist():
            detail = f"event_time is {times[row] - recorded[row]} ms after the record's"
            self._dead_letter(row, DeadLetterReason.FUTURE, detail)

    def convert_currencies(self) -> None:
        """Convert amounts to base currency; events without a rate become dead letters."""
        currency, limits = self._columns["currency"], self._limits
        if np.all(currency == limits.hasher.text(limits.base_currency)):
            return
        rate = np.full(len(currency), np.nan)
        for code, value in limits.rates.items():
            rate[currency == limits.hasher.text(code)] = value
        for row in np.flatnonzero(np.isnan(rate)).tolist():
            if row in self._dead:
                continue
            event: Any = READERS[self._stream](self._values[row] or b"")
            detail = f"currency {event.currency} has no rate in engine.yaml"
            self._dead_letter(row, DeadLetterReason.SCHEMA, detail)
        for name in _IN_EVENT_CURRENCY:
            if name in self._columns:
                self._columns[name] = np.multiply(self._columns[name], rate)

    def _dead_letter(self, row: int, reason: DeadLetterReason, detail: str) -> None:
        """Make a dead letter of a record; the first reason counts."""
        if row in self._dead:
            return
        which = bisect_right(self._firsts, row) - 1
        chunk, index = self._chunks[which], row - self._firsts[which]
        self._dead[row] = DeadLetter(
            topic=chunk.topic,
            partition=chunk.partition,
            offset=chunk.offsets[index],
            key=chunk.keys[index],
            value=chunk.own_bytes(index),
            reason=reason,
            detail=detail,
        )

    def decoded(self, *, with_offsets: bool) -> Decoded:
        """The good events, and the dead letters in order of their records."""
        offsets = None
        if with_offsets:
            every = [offset for chunk in self._chunks for offset in chunk.offsets]
            offsets = np.array(every, np.int64)
        if not self._dead:
            events = MadeEvents(READERS[self._stream], self._values)
            texts = self._texts(slice(None))
            return Decoded(
                self._stream,
                events,
                self._columns,
                self._recorded_ms,
                texts=texts,
                reached_ms=self._reached_ms,
                offsets=offsets,
                contents=self._contents,
                postponed=self._postponed,
                missing=self._missing,
            )
        good = np.ones(len(self._values), np.bool_)
        good[list(self._dead)] = False
        return Decoded(
            self._stream,
            MadeEvents(READERS[self._stream], list(compress(self._values, good))),
            {name: column[good] for name, column in self._columns.items()},
            self._recorded_ms[good],
            [self._dead[row] for row in sorted(self._dead)],
            self._texts(good),
            self._reached_ms,
            None if offsets is None else offsets[good],
            contents=self._contents[good],
            postponed=self._postponed,
            missing=self._missing,
        )

    def _texts(self, kept: slice | NDArray[np.bool_]) -> Texts | None:
        if not self._plan.raw_fields:
            return None
        spans = {name: self._spans[index, kept] for index, name in enumerate(self._plan.raw_fields)}
        return Texts(np.frombuffer(self._data, np.uint8), spans)
