"""A step: what enters the engine at once, and what comes out."""

from dataclasses import dataclass, field
from enum import StrEnum

from sentinel.model.events import Stream
from sentinel.model.response import Control


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive records of one topic-partition, column by column.

    All five lists have the same length.  Offsets ascend but may have gaps
    (transaction markers).  ``recorded_ms`` is the broker's timestamp (ms UTC), 0 or less where it
    has none.  ``raw`` are the records' own bytes where ``values`` had to be translated.
    """

    stream: Stream | Control
    topic: str
    partition: int
    offsets: list[int]
    recorded_ms: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]
    raw: list[bytes | None] | None = None

    def own_bytes(self, row: int) -> bytes | None:
        """A record's value as it came."""
        return (self.values if self.raw is None else self.raw)[row]


@dataclass(frozen=True, slots=True)
class Step:
    """Everything that waited for a shard, and the two clocks of its processing.

    ``stream_ms`` is stream time once the chunks are read: up to where the shard's inputs are
    known, by append time.  It is never ahead of ``wall_ms``, the wall-clock time at which the
    step is processed; both are journalled, because the engine has no clock of its own.  Without
    ``wall_ms`` the step simulates a worker that is never behind: every record is processed at
    the moment it was appended.

    ``ahead`` are records whose rollups are sent before they are processed in a later step,
    ``ahead_ms`` is the stream time up to which that has been done.
    """

    stream_ms: int
    chunks: list[Chunk]
    wall_ms: int | None = None
    ahead: list[Chunk] = field(default_factory=list)
    ahead_ms: int | None = None


class DeadLetterReason(StrEnum):
    """Why a record is a dead letter."""

    MALFORMED = "malformed"  # not JSON
    SCHEMA = "schema"  # JSON, but not this event
    TOO_LARGE = "too_large"  # more bytes than the limit
    FUTURE = "future"  # event_time beyond the record's timestamp plus allowed skew
    EMPTY = "empty"  # no value: a tombstone or zero bytes
    REFUSED = "refused"  # a silence beyond what suppression.yaml allows
    UNSIGNED = "unsigned"  # an answer or silence without the signature that it needs


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that is not an event, whole, with where it stood and why."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    reason: DeadLetterReason
    detail: str


class SignalDrop(StrEnum):
    """Why a signal did not lead to an alert revision."""

    SHADOW = "shadow"  # the rule is on trial
    UNCHANGED = "unchanged"  # it changes nothing in the open alert
    BELOW_TIERS = "below_tiers"  # the score reaches no tier
    STALE = "stale"  # older than the quiet period: its weight has faded
    LATE_EVENT = "late_event"  # its event was appended later than the lateness bound allows
    ANSWERED = "answered"  # sent again after an analyst's verdict on its event

    __hash__ = str.__hash__  # an enum's own is Python code, and one is counted for each signal


class RollupDrop(StrEnum):
    """Why a rollup of another shard, or a part of it, was dropped."""

    LAYOUT = "layout"  # a part that is for other measures than this worker's
    MALFORMED = "malformed"  # a record or part that cannot be read
    LATE = "late"  # a row older than every window of its entity


class Limit(StrEnum):
    """A bound that was reached; each is counted when it is."""

    EVENT_IDS = "event_ids"  # an event_id was evicted: a repeat of it would count
    TIMESTAMPS = "timestamps"  # a broker timestamp was far ahead of those after it, or of now
    SLOTS = "slots"  # a customer's state was evicted for a newer customer
    TTL = "ttl"  # a customer's state was dropped after long silence
    OVERFLOW_ROWS = "overflow_rows"  # no free overflow row for one more customer
    SEQUENCE_MATCHES = "sequence_matches"  # the oldest match of a sequence was evicted
    SEQUENCE_CUSTOMERS = "sequence_customers"  # a customer was evicted from a sequence
    OPEN_ALERTS = "open_alerts"  # the least urgent open alert was evicted
    RED_ALERTS = "red_alerts"  # the evicted alert was red, and not acknowledged
    REASONS = "reasons"  # an alert keeps only its strongest reasons
    TIMERS = "timers"  # a deadline was not set: the timers are at capacity
    OPEN_COMPLAINTS = "open_complaints"  # the open complaint silent for longest was evicted
    ENDED_COMPLAINTS = "ended_complaints"  # a complaint that is over was evicted
    COMPLAINING_CUSTOMERS = "complaining_customers"  # a customer was evicted from the repeats
    ENTITIES = "entities"  # a shared entity was evicted for a newer one
    FIRED_EVENTS = "fired_events"  # an event on which rules fired was evicted: no verdict any more
    ENTITY_RISKS = "entity_risks"  # the risky entity noted longest ago was evicted
    NEAR_DUPLICATE_GROUPS = "near_duplicate_groups"  # the group silent for longest was evicted
    NEAR_DUPLICATE_CUSTOMERS = "near_duplicate_customers"  # a text has more senders than are kept
    TOPIC_CUSTOMERS = "topic_customers"  # a customer was evicted: may count twice for a topic
    TOPICS = "topics"  # the rising topic silent for longest was evicted
    ROLLUP_WAITS = "rollup_waits"  # rollups were applied without a shard that sent no report
    ROLLUP_BUFFER = "rollup_buffer"  # rollups were applied early: the buffer is at capacity
