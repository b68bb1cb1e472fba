"""Bytes to event structs; every record that is not an event becomes a dead letter."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.ingest.limits import Limits
from sentinel.model.events import EVENT_TYPES, LAST_MOMENT_MS, Event, Stream, Transaction
from sentinel.model.step import Chunk, DeadLetter, DeadLetterReason

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DECODERS = {stream: msgspec.json.Decoder(kind) for stream, kind in EVENT_TYPES.items()}


@dataclass(slots=True)
class Decoded:
    """One stream's good events, in offset order, and its dead letters.

    ``event_time`` and ``recorded_ms`` are int64[n] milliseconds UTC; ``rate`` is
    float64[n], what one unit of the event's currency is worth in base currency, or
    None where every event is in base currency.
    """

    stream: Stream
    events: list[Event] = field(default_factory=list)
    event_time: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    recorded_ms: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    rate: NDArray[np.float64] | None = None
    dead_letters: list[DeadLetter] = field(default_factory=list)


def decode(stream: Stream, chunks: Sequence[Chunk], limits: Limits) -> Decoded:
    """Decode all of a step's chunks of one stream, in the order given; never raises."""
    decoded = Decoded(stream)
    recorded: list[int] = []
    for chunk in chunks:
        if _all_within(chunk.values, limits.max_value_bytes):
            try:
                events = list(map(_DECODERS[stream].decode, chunk.values))  # type: ignore[arg-type]
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                pass  # one of them is bad: find which, below
            else:
                decoded.events += events
                recorded += chunk.recorded_ms
                continue
        _decode_one_by_one(chunk, limits, decoded, recorded)
    decoded.recorded_ms = np.array(recorded, np.int64)
    decoded.event_time = _times(decoded.events)
    _reject(chunks, limits, decoded)
    decoded.rate = _rates(decoded, limits)
    return decoded


def _all_within(values: Collection[bytes | None], max_value_bytes: int) -> bool:
    try:
        return max(map(len, values), default=0) <= max_value_bytes  # type: ignore[arg-type]
    except TypeError:  # a None among them
        return False


def _decode_one_by_one(chunk: Chunk, limits: Limits, decoded: Decoded, recorded: list[int]) -> None:
    decode_value = _DECODERS[chunk.stream].decode
    for place, value in enumerate(chunk.values):
        if not value:
            reason, detail = DeadLetterReason.EMPTY, "no value"
        elif len(value) > limits.max_value_bytes:
            reason = DeadLetterReason.TOO_LARGE
            detail = f"{len(value)} bytes, at most {limits.max_value_bytes} allowed"
        else:
            try:
                decoded.events.append(decode_value(value))
            except msgspec.ValidationError as error:
                reason, detail = DeadLetterReason.SCHEMA, str(error)
            except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
                reason, detail = DeadLetterReason.MALFORMED, str(error) or type(error).__name__
            else:
                recorded.append(chunk.recorded_ms[place])
                continue
        decoded.dead_letters.append(_dead_letter(chunk, place, reason, detail))


def _dead_letter(chunk: Chunk, place: int, reason: DeadLetterReason, detail: str) -> DeadLetter:
    return DeadLetter(
        topic=chunk.topic,
        partition=chunk.partition,
        offset=chunk.offsets[place],
        key=chunk.keys[place],
        value=chunk.values[place],
        reason=reason,
        detail=detail,
    )


def _times(events: Sequence[Event]) -> NDArray[np.int64]:
    times = [event.event_time for event in events]
    try:
        return np.array(times, np.int64)
    except TypeError:  # some are RFC 3339
        return np.array(
            [time if isinstance(time, int) else (time - _EPOCH) // _MILLISECOND for time in times],
            np.int64,
        )


def _reject(chunks: Sequence[Chunk], limits: Limits, decoded: Decoded) -> None:
    """Move events with an impossible time or an unknown currency to the dead letters.

    The future is judged by the record's own timestamp, not by a clock, so a replay
    judges alike; a record without timestamp (``<= 0``) is not judged.
    """
    times, recorded = decoded.event_time, decoded.recorded_ms
    outside = (times < 0) | (times > LAST_MOMENT_MS)
    future = (times > recorded + limits.future_skew_ms) & (recorded > 0)
    bad = outside | future
    unpriced = np.zeros(len(times), np.bool_)
    if decoded.stream is Stream.TRANSACTION:
        currencies = {event.currency for event in decoded.events if type(event) is Transaction}
        if not currencies <= limits.rates.keys():
            unpriced = np.array(
                [event.currency not in limits.rates for event in decoded.events]  # type: ignore[union-attr]
            )
            bad |= unpriced
    if not bad.any():
        return
    stood = _standing(chunks, decoded.dead_letters)
    for index in np.flatnonzero(bad):
        chunk, place = stood[index]
        if outside[index]:
            reason, detail = DeadLetterReason.SCHEMA, "event_time is not between 1970 and 2100"
        elif future[index]:
            reason = DeadLetterReason.FUTURE
            detail = f"event_time is {times[index] - recorded[index]} ms after the record's"
        else:
            reason, detail = DeadLetterReason.SCHEMA, "currency has no rate in engine.yaml"
        decoded.dead_letters.append(_dead_letter(chunk, place, reason, detail))
    decoded.dead_letters.sort(key=lambda letter: (letter.topic, letter.partition, letter.offset))
    good = ~bad
    decoded.events = [event for event, keep in zip(decoded.events, good, strict=True) if keep]
    decoded.event_time, decoded.recorded_ms = times[good], recorded[good]


def _standing(
    chunks: Sequence[Chunk], dead_letters: Sequence[DeadLetter]
) -> list[tuple[Chunk, int]]:
    """For each event decoded so far, the chunk and place that it came from."""
    dead = {(letter.topic, letter.partition, letter.offset) for letter in dead_letters}
    return [
        (chunk, place)
        for chunk in chunks
        for place, offset in enumerate(chunk.offsets)
        if (chunk.topic, chunk.partition, offset) not in dead
    ]


def _rates(decoded: Decoded, limits: Limits) -> NDArray[np.float64] | None:
    if decoded.stream is not Stream.TRANSACTION:
        return None
    currencies = [event.currency for event in decoded.events]  # type: ignore[union-attr]
    if set(currencies) <= {limits.base_currency}:
        return None
    return np.array([limits.rates[currency] for currency in currencies])
