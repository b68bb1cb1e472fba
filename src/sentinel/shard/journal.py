"""The journal: one small record a step, in the step's own transaction.

The journal, not the consumer group, defines the position: the steps in it were applied, and
replaying them through the engine gives the shard's state again.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from sentinel.engine import Engine, Outcome
from sentinel.model.step import Chunk, Step

SPOT_STEPS = 16
"""After how many steps the journal has a digest of the state."""


class StepRecord(Struct, frozen=True):
    """One committed step: ``ranges`` are first and last offset applied, by topic.

    ``stream_ms`` and ``wall_ms`` are the step's clocks, ``ahead`` and ``ahead_ms`` what was read
    ahead and up to which stream time.  ``seen`` is how far each broadcast
    topic had been read by then.  ``output_digest`` is a hash of all that the step gave,
    ``state_digest`` now and then one of the state that it touched: a replay must come to the same.
    """

    number: int
    stream_ms: int
    wall_ms: int | None
    ranges: dict[str, tuple[int, int]]
    config_version: str
    ahead: dict[str, tuple[int, int]] = {}
    ahead_ms: int | None = None
    seen: dict[str, int] = {}
    output_digest: str = ""
    state_digest: str | None = None


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
        output_digest=outcome.digest(),
        state_digest=engine.spot_digest() if number % SPOT_STEPS == 0 else None,
    )


def _ranges(chunks: Sequence[Chunk]) -> dict[str, tuple[int, int]]:
    """First and last offset by topic."""
    ranges: dict[str, tuple[int, int]] = {}
    for chunk in chunks:
        first = ranges.get(chunk.topic, (chunk.offsets[0], 0))[0]
        ranges[chunk.topic] = (first, chunk.offsets[-1])
    return ranges


def encode(record: StepRecord) -> bytes:
    """The record as JSON."""
    return msgspec.json.encode(record)


def decode(value: bytes) -> StepRecord:
    """The record of a journal message; raises msgspec.DecodeError."""
    return msgspec.json.decode(value, type=StepRecord)
