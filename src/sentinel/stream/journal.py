"""The journal: one small record a step, in the step's own transaction.

It is the truth about position: what stands here was applied, whatever the consumer group
says, and replaying it through the engine gives the shard's state again.
"""

import msgspec
from msgspec import Struct


class StepRecord(Struct, frozen=True):
    """One committed step: ``ranges`` are first and last offset applied, by topic.

    ``seen`` says how far each broadcast topic had been read by then.
    """

    number: int
    now_ms: int
    ranges: dict[str, tuple[int, int]]
    config_version: str
    seen: dict[str, int] = {}


def encode(record: StepRecord) -> bytes:
    """The record as JSON."""
    return msgspec.json.encode(record)


def decode(value: bytes) -> StepRecord:
    """The record of a journal message; raises msgspec.DecodeError."""
    return msgspec.json.decode(value, type=StepRecord)
