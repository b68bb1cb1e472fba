"""The journal: one small record a step, in the step's own transaction.

It is the truth about position: what stands here was applied, whatever the consumer group
says, and replaying it through the engine gives the shard's state again.
"""

import hashlib
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from sentinel.alerting.cloudevent import encode as encode_alert
from sentinel.alerting.cloudevent import encode_action
from sentinel.engine import Engine
from sentinel.model.step import Chunk, Outcome, Step

SPOT_STEPS = 16
"""Every how many steps the journal says what the state looks like."""


class StepRecord(Struct, frozen=True):
    """One committed step: ``ranges`` are first and last offset applied, by topic.

    ``stream_ms`` and ``wall_ms`` are the step's clocks, ``ahead`` and ``ahead_ms`` what was read
    ahead and up to which stream time.  ``seen`` says how far each broadcast
    topic had been read by then.  ``said`` is a hash of all that the step gave, ``state`` now and
    then one of the state that it touched: a replay must come to the same.
    """

    number: int
    stream_ms: int
    wall_ms: int | None
    ranges: dict[str, tuple[int, int]]
    config_version: str
    ahead: dict[str, tuple[int, int]] = {}
    ahead_ms: int | None = None
    seen: dict[str, int] = {}
    said: str = ""
    state: str | None = None


def record_of(number: int, step: Step, outcome: Outcome, engine: Engine) -> StepRecord:
    """The record of a step that ``engine`` has just processed; what was seen is left out."""
    return StepRecord(
        number,
        step.stream_ms,
        step.wall_ms,
        _ranges(step.chunks),
        engine.configuration.version,
        _ranges(step.ahead),
        step.ahead_ms,
        said=_said(outcome),
        state=engine.spot_digest() if number % SPOT_STEPS == 0 else None,
    )


def _ranges(chunks: Sequence[Chunk]) -> dict[str, tuple[int, int]]:
    """First and last offset by topic."""
    ranges: dict[str, tuple[int, int]] = {}
    for chunk in chunks:
        first = ranges.get(chunk.topic, (chunk.offsets[0], 0))[0]
        ranges[chunk.topic] = (first, chunk.offsets[-1])
    return ranges


def _said(outcome: Outcome) -> str:
    state = hashlib.blake2b(digest_size=8)
    for alert in outcome.alerts:
        state.update(encode_alert(alert))
    for request in outcome.action_requests:
        state.update(encode_action(request))
    for letter in outcome.dead_letters:
        place = f"{letter.topic} {letter.partition} {letter.offset} {letter.reason}"
        state.update(place.encode())
    for block in outcome.rollups:
        state.update(block.rows.tobytes())
    state.update(msgspec.json.encode(outcome.hot))
    told = (outcome.progress, outcome.tells_all, outcome.hot_until_ms)
    state.update(msgspec.msgpack.encode(told))
    counts = (sorted(outcome.events.items()), sorted(outcome.signals.items()), outcome.slots_used)
    state.update(msgspec.msgpack.encode(counts))
    return state.hexdigest()


def encode(record: StepRecord) -> bytes:
    """The record as JSON."""
    return msgspec.json.encode(record)


def decode(value: bytes) -> StepRecord:
    """The record of a journal message; raises msgspec.DecodeError."""
    return msgspec.json.decode(value, type=StepRecord)
