"""What comes of a step: what is written and what was counted; and how things stand after it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec
import numpy as np

from sentinel.model.alert import ActionRequest, Alert, AlertState, Tier
from sentinel.model.counts import Counts
from sentinel.model.events import Stream
from sentinel.model.response_outcome import ResponseOutcome
from sentinel.model.rollup import EntityRisk, Progress, RollupBlock
from sentinel.model.step import DeadLetter
from sentinel.model.topic import Topic

_DIGEST_BYTES = 8


@dataclass(slots=True)
class Emitted:
    """What leaves the shard, in the step's one transaction."""

    alerts: list[Alert] = field(default_factory=list)
    action_requests: list[ActionRequest] = field(default_factory=list)
    response_outcomes: list[ResponseOutcome] = field(default_factory=list)
    """Of each response that could be decoded, in the order of their records."""
    dead_letters: list[DeadLetter] = field(default_factory=list)
    rollups: list[RollupBlock] = field(default_factory=list)
    """What is to tell the owners of shared entities."""
    progress: Progress = field(default_factory=lambda: Progress(0))
    """How far the shard is, which goes with the rollups."""
    tells_all: bool = False
    """Whether every owner has to hear of the progress, rollups or not."""
    entity_risks: list[EntityRisk] = field(default_factory=list)
    entity_risk_until_ms: int | None = None
    """Append time up to which this owner has sent all entity risks; None: no shard waits."""


@dataclass(slots=True)
class Gauges:
    """How things stand after a step."""

    watermarks_ms: dict[Stream, int] = field(default_factory=dict)
    slots_used: int = 0
    warm_share: float = 1.0
    """Share of the features that have seen as much as they look back."""
    entities_used: int = 0
    open_alerts: dict[tuple[Tier, AlertState, bool], int] = field(default_factory=dict)
    """Alerts that are open, by tier, state and whether they are suppressed."""
    open_complaints: dict[tuple[str, str], int] = field(default_factory=dict)
    """Complaints that are open, by status and channel."""
    verdicts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """Of all time: events by rule, mode and what they were found to be."""
    topics: list[Topic] = field(default_factory=list)
    """What customers suddenly complain of, the longest silent first."""


@dataclass(slots=True)
class Outcome:
    """What comes of a step."""

    emitted: Emitted = field(default_factory=Emitted)
    counts: Counts = field(default_factory=Counts)

    def digest(self) -> str:
        """A hash of all that is emitted and counted: a replay of the step must give the same.

        The fields are iterated, so that none can be missed.
        """
        state = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        counts = [sorted(getattr(self.counts, each.name).items()) for each in fields(self.counts)]
        state.update(_ENCODER.encode((self.emitted, counts)))
        return state.hexdigest()


def _plain(value: Any) -> Any:
    """An array as its bytes; raises NotImplementedError for what has no stated encoding."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    raise NotImplementedError(f"no encoding for {type(value).__name__}")


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain, order="deterministic")
