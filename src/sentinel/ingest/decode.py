"""Bytes to columns; every record that is not an event becomes a dead letter.

Plain records go through the scanner, a column at a time and without an object; what
it leaves goes through msgspec, one by one, which decides whether a record is bad.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import compress
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.append_time import AHEAD_MS, NEVER, append_times
from sentinel.ingest.content import contents
from sentinel.ingest.countries import ALPHA_2, countries_of
from sentinel.ingest.decoded import Decoded
from sentinel.ingest.extract import extract
from sentinel.ingest.lazy import MadeEvents
from sentinel.ingest.limits import Limits, OtherValues
from sentinel.ingest.placeholders import any_in, hashes_of, rows_of
from sentinel.ingest.records import READERS
from sentinel.ingest.scan import scan
from sentinel.ingest.shape import plan
from sentinel.ingest.units import problem_of
from sentinel.model.columns import FIELDS, LENGTH, NAMES, Texts
from sentinel.model.countries import COUNTRY_FIELDS
from sentinel.model.events import FIRST_MOMENT_MS, LAST_MOMENT_MS, Event, Stream
from sentinel.model.ids import Hasher
from sentinel.model.kernel import kernel
from sentinel.model.network import join_networks
from sentinel.model.step import Chunk, DeadLetter, DeadLetterReason

_IN_EVENT_CURRENCY = ("amount", "balance_after")
_ALWAYS = {stream: frozenset({"customer_id", "event_id", "event_time"}) for stream in Stream}
_ALWAYS[Stream.TRANSACTION] |= {"currency"}
_ADDRESS = "ip"
_ALL = {stream: frozenset(FIELDS[stream]) for stream in Stream}


class _Reading:
    """What is read of a stream's records: all fields, but only what is wanted becomes columns."""

    def __init__(
        self, stream: Stream, wanted: frozenset[str], raw_fields: frozenset[str], hasher: Hasher
    ) -> None:
        canonical = {_ADDRESS, *COUNTRY_FIELDS} & _ALL[stream] & (wanted | raw_fields)
        self.plan = plan(stream, _ALL[stream], raw_fields | canonical, hasher)
        names = sorted(wanted | _ALWAYS[stream])
        self.every, self.wanted = self.plan.views(_ALL[stream]), self.plan.views(names)
        self.names = tuple(name for name in names if name in NAMES[stream])
        self.name_rows = self.plan.hash_rows(self.names)
        raw = self.plan.raw_fields
        self.address = raw.index(_ADDRESS) if _ADDRESS in raw and _ADDRESS in names else None
        self.countries = tuple(
            (name, raw.index(name)) for name in COUNTRY_FIELDS if name in raw and name in names
        )


@cache
def _reading(
    stream: Stream, wanted: frozenset[str], raw_fields: frozenset[str], hasher: Hasher
) -> _Reading:
    """Made once for a configuration."""
    return _Reading(stream, wanted, raw_fields, hasher)


@cache
def _base(hasher: Hasher, currency: str) -> np.uint64:
    """The hash of the base currency."""
    return np.uint64(hasher.text(currency))


@kernel
def _are_plausible(
    times: NDArray[np.int64],
    told_ms: NDArray[np.int64],
    recorded_ms: NDArray[np.int64],
    first_ms: int,
    last_ms: int,
    skew_ms: int,
    ahead_ms: int,
) -> bool:
    """Whether no event is of an impossible time, and no timestamp was put off."""
    for i in range(len(times)):
        if not first_ms <= times[i] <= last_ms or times[i] > recorded_ms[i] + skew_ms:
            return False
        if told_ms[i] > recorded_ms[i] + ahead_ms:
            return False
    return True


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
    work.name_countries()
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
        self._reading = _reading(stream, wanted, raw_fields, limits.hasher)
        self._plan = self._reading.plan
        if len(chunks) == 1:
            self._values, recorded = chunks[0].values, chunks[0].recorded_ms
        else:
            self._values = [value for chunk in chunks for value in chunk.values]
            recorded = [each for chunk in chunks for each in chunk.recorded_ms]
        self._recorded_ms = np.array(recorded, np.int64)
        self._plain = np.zeros(len(self._values), np.bool_)
        self._dead: dict[int, DeadLetter] = {}
        self._missing: Counter[str] = Counter()

    def scan(self) -> None:
        """Fill the columns of every plain record."""
        most, n = self._limits.max_value_bytes, len(self._values)
        readable = [value if value and len(value) <= most else b"" for value in self._values]
        ends = np.cumsum(np.fromiter(map(len, readable), np.int64, n))
        shape, default_text = self._plan.shape, self._plan.default_text
        self._data = b"".join([*readable, default_text, ALPHA_2])
        self._alpha_2_at = len(self._data) - len(ALPHA_2)
        columns = self._plan.columns(n, self._alpha_2_at - len(default_text))
        self._every, self._spans = columns, columns.spans
        scan(
            np.frombuffer(self._data, np.uint8),
            ends,
            shape,
            columns,
            np.empty(len(shape.fields) + 1, np.int64),
            self._plain,
            self._limits.hasher.words,
        )

    def decode_what_is_left(self) -> None:
        """Decode the records that are not plain; those that are no events are dead."""
        if not self._plain.all():
            made = [(row, self._made(row)) for row in np.flatnonzero(~self._plain).tolist()]
            rows = [row for row, event in made if event is not None]
            events = [event for _, event in made if event is not None]
            if rows:
                every = self._reading.every.of(self._every)
                found = extract(self._stream, events, every, self._limits.hasher)
                for name, array in found.items():
                    every[name][rows] = array
                self._keep_raw(events, rows)
        self._contents = contents(self._every, self._limits.hasher)
        self._columns = self._reading.wanted.of(self._every)

    def forget_placeholders(self) -> None:
        """Make placeholder ids missing; an event without a required id becomes a dead letter."""
        placeholders = hashes_of(self._limits.placeholders, self._limits.hasher)
        if not any_in(self._every.hashes, self._reading.name_rows, placeholders):
            return
        for name in self._reading.names:
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
        if self._reading.address is None:
            return
        spans = self._spans[self._reading.address]
        hashes = self._columns[_ADDRESS].view(np.uint64)
        self._data, nobodys = join_networks(self._data, spans, hashes, self._limits.hasher)
        if self._limits.other_addresses is OtherValues.DEAD_LETTER:
            for row in nobodys:
                self._dead_letter(row, DeadLetterReason.SCHEMA, "ip is no address")
        elif nobodys:
            self._missing[_ADDRESS] += len(nobodys)

    def name_countries(self) -> None:
        """Replace codes and names of countries by alpha-2 codes, see :mod:`.countries`."""
        for name, index in self._reading.countries:
            hashes, spans = self._columns[name].view(np.uint64), self._spans[index]
            countries = countries_of(self._limits.hasher)
            others = countries.replace(self._data, spans, hashes, self._alpha_2_at)
            if not len(others):
                continue
            if self._limits.other_countries is OtherValues.DEAD_LETTER:
                placeholders = hashes_of(self._limits.placeholders, self._limits.hasher)
                are_empty = np.isin(hashes[others], placeholders)
                detail = f"{name} is no code or name of ISO 3166-1"
                for row in others[~are_empty].tolist():
                    self._dead_letter(row, DeadLetterReason.SCHEMA, detail)
                self._missing[name] += int(np.count_nonzero(are_empty))
            else:
                self._missing[name] += len(others)
            hashes[others], spans[others, LENGTH] = 0, 0

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
        times, limits = self._every.times, self._limits
        recorded = append_times(self._recorded_ms, times, previous_ms, until_ms)
        moments = (FIRST_MOMENT_MS, LAST_MOMENT_MS, limits.future_skew_ms, AHEAD_MS)
        self._postponed = 0
        if self._dead or not _are_plausible(times, self._recorded_ms, recorded, *moments):
            recorded = self._judge_one_by_one(times, previous_ms, until_ms)
        self._recorded_ms = recorded
        self._reached_ms = int(recorded[-1]) if len(recorded) else previous_ms

    def _judge_one_by_one(
        self, times: NDArray[np.int64], previous_ms: int, until_ms: int | None
    ) -> NDArray[np.int64]:
        """The append times; where one is impossible the event is dead, and moves no time."""
        outside = (times < FIRST_MOMENT_MS) | (times > LAST_MOMENT_MS)
        for row in np.flatnonzero(outside).tolist():
            self._dead_letter(row, DeadLetterReason.SCHEMA, problem_of(int(times[row])))
        happened = times
        if self._dead:
            happened = times.copy()
            happened[list(self._dead)] = 0
        recorded = append_times(self._recorded_ms, happened, previous_ms, until_ms)
        self._postponed = int(np.count_nonzero(self._recorded_ms > recorded + AHEAD_MS))
        for row in np.flatnonzero(times > recorded + self._limits.future_skew_ms).tolist():
            detail = f"event_time is {times[row] - recorded[row]} ms after the record's"
            self._dead_letter(row, DeadLetterReason.FUTURE, detail)
        return recorded

    def convert_currencies(self) -> None:
        """Convert amounts to base currency; events without a rate become dead letters."""
        currency, limits = self._columns["currency"], self._limits
        if (currency == _base(limits.hasher, limits.base_currency)).all():
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
        index = row
        for chunk in self._chunks:
            if index < len(chunk.values):
                break
            index -= len(chunk.values)
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
        spans = self._spans[:, kept]
        return Texts(np.frombuffer(self._data, np.uint8), self._plan.raw_fields, spans)
