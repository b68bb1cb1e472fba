"""Decoding of responses and silences; bad records become dead letters.

They are few and small, and decoded one by one.  Responses are merged with a step's events by
append time, as events of different streams are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec
import numpy as np
from msgspec.structs import replace

from sentinel.ingest.append_time import append_times
from sentinel.ingest.limits import Limits
from sentinel.ingest.merge import Watermarks
from sentinel.model.columns import Batch
from sentinel.model.events import epoch_ms
from sentinel.model.people import People
from sentinel.model.reading import UNREADABLE, check_levels
from sentinel.model.response import Control, Response, ResponseResult, Silence
from sentinel.model.response_outcome import ResponseOutcome, response_outcome
from sentinel.model.signature import SignatureError, payload_of
from sentinel.model.silence import read_silence
from sentinel.model.step import Chunk, DeadLetter, DeadLetterReason

T = TypeVar("T", Response, Silence)

_RESPONSES = msgspec.json.Decoder(Response)


@dataclass(slots=True)
class ControlRecords(Generic[T]):
    """The decoded messages in offset order, with all times as epoch ms, and the dead letters.

    ``records`` are chunk and row of each message.  ``appended_ms`` are the append times of the
    messages, ``refused`` the outcomes of those dead letters that could be decoded; responses only.
    ``signers`` are who signed each message or None; silences only.
    """

    messages: list[T] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    appended_ms: list[int] = field(default_factory=list)
    records: list[tuple[Chunk, int]] = field(default_factory=list)
    refused: list[ResponseOutcome] = field(default_factory=list)
    signers: list[str | None] = field(default_factory=list)

    def refuse(self, index: int, detail: str) -> None:
        """Make a dead letter of a message that is not allowed."""
        error = _RefusedError(DeadLetterReason.REFUSED, detail)
        self.dead_letters.append(_dead(*self.records[index], error))


class _RefusedError(Exception):
    """A record that is refused, with the reason."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def decode_responses(
    chunks: Sequence[Chunk],
    limits: Limits,
    people: People,
    watermarks: Watermarks,
    until_ms: int | None,
) -> ControlRecords[Response]:
    """The responses in the chunks of a step; never raises.

    The signer of a response must be its actor; ``people`` has the keys.  ``watermarks`` is advanced
    past them; ``until_ms`` is a time by which all were appended, None in a simulation.
    """
    decoded: ControlRecords[Response] = ControlRecords()
    for chunk, row in _records(chunks):
        recorded_ms = chunk.recorded_ms[row]
        try:
            signed = people.read(_readable(chunk, row, limits), recorded_ms)
            check_levels(signed.payload)
            response = _RESPONSES.decode(signed.payload)
            if signed.signer not in (None, response.actor):
                raise SignatureError(f"{signed.signer} signs for {response.actor}")
            at_ms = epoch_ms(response.event_time)
            appended_ms = _appended(watermarks, recorded_ms, at_ms, until_ms)
            if at_ms > appended_ms + limits.future_skew_ms:
                detail = f"event_time is {at_ms - appended_ms} ms after the record's"
                raise _RefusedError(DeadLetterReason.FUTURE, detail)  # noqa: TRY301
            decoded.messages.append(replace(response, event_time=at_ms))
            decoded.appended_ms.append(appended_ms)
            decoded.records.append((chunk, row))
        except (*UNREADABLE, _RefusedError) as error:
            letter = _dead(chunk, row, error)
            decoded.dead_letters.append(letter)
            refused = _unverified(chunk, row, limits)
            if refused is not None:
                appended_ms = _append_time(watermarks, recorded_ms, 0, until_ms)
                decoded.refused.append(_outcome(refused, (chunk, row), appended_ms, letter))
    return decoded


def decode_silences(
    chunks: Sequence[Chunk], limits: Limits, people: People
) -> ControlRecords[Silence]:
    """The silences in the chunks of a step; never raises.  ``people`` has the keys of signers."""
    decoded: ControlRecords[Silence] = ControlRecords()
    for chunk, row in _records(chunks):
        try:
            signed = people.read(_readable(chunk, row, limits), chunk.recorded_ms[row])
            check_levels(signed.payload)
            decoded.messages.append(read_silence(signed.payload))
            decoded.records.append((chunk, row))
            decoded.signers.append(signed.signer)
        except (*UNREADABLE, _RefusedError) as error:
            decoded.dead_letters.append(_dead(chunk, row, error))
    return decoded


def positions(appended_ms: Sequence[int], batch: Batch) -> list[int]:
    """The index in the batch before which each response comes, by its append time."""
    found: list[int] = np.searchsorted(batch.order, appended_ms, side="right").tolist()
    return found


def _appended(watermarks: Watermarks, recorded_ms: int, at_ms: int, until_ms: int | None) -> int:
    """The append time of a response at ``at_ms``; the watermarks are advanced to it."""
    found_ms = _append_time(watermarks, recorded_ms, at_ms, until_ms)
    watermarks.advance(Control.RESPONSE, found_ms)
    return found_ms


def _append_time(watermarks: Watermarks, recorded_ms: int, at_ms: int, until_ms: int | None) -> int:
    """The append time of a response at ``at_ms``; the watermarks stay."""
    known, happened = np.array([recorded_ms]), np.array([at_ms])
    (found,) = append_times(known, happened, watermarks.appended(Control.RESPONSE), until_ms)
    return int(found)


def _outcome(
    refused: Response, record: tuple[Chunk, int], appended_ms: int, letter: DeadLetter
) -> ResponseOutcome:
    """The outcome of a response that became a dead letter."""
    return response_outcome(
        refused,
        record,
        appended_ms,
        ResponseResult.REFUSED,
        reason=letter.reason,
        detail=letter.detail,
    )


def _unverified(chunk: Chunk, row: int, limits: Limits) -> Response | None:
    """The response in a record that was refused, whoever signed it; None if it is none."""
    try:
        payload = payload_of(_readable(chunk, row, limits))
        check_levels(payload)
        return _RESPONSES.decode(payload)
    except (*UNREADABLE, _RefusedError):
        return None


def _records(chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, int]]:
    return ((chunk, row) for chunk in chunks for row in range(len(chunk.values)))


def _readable(chunk: Chunk, row: int, limits: Limits) -> bytes:
    value = chunk.values[row]
    if not value:
        raise _RefusedError(DeadLetterReason.EMPTY, "no value")
    if len(value) > limits.max_value_bytes:
        detail = f"{len(value)} bytes, at most {limits.max_value_bytes} allowed"
        raise _RefusedError(DeadLetterReason.TOO_LARGE, detail)
    check_levels(value)
    return value


def _dead(chunk: Chunk, row: int, error: Exception) -> DeadLetter:
    malformed = isinstance(error, (msgspec.DecodeError, RecursionError, UnicodeError))
    if isinstance(error, _RefusedError):
        reason = error.reason
    elif isinstance(error, SignatureError):
        reason = DeadLetterReason.UNSIGNED
    elif malformed and not isinstance(error, msgspec.ValidationError):
        reason = DeadLetterReason.MALFORMED
    else:
        reason = DeadLetterReason.SCHEMA
    return DeadLetter(
        topic=chunk.topic,
        partition=chunk.partition,
        offset=chunk.offsets[row],
        key=chunk.keys[row],
        value=chunk.own_bytes(row),
        reason=reason,
        detail=str(error) or type(error).__name__,
    )
