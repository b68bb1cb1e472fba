"""What people answer: responses to one alert, and silences over many."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from sentinel.model.events import EventKey, Id, Moment, Stream, Word

Note = Annotated[str, Meta(max_length=2_000)]
MatcherText = Annotated[str, Meta(min_length=1, max_length=512)]


class Control(StrEnum):
    """An input that is not a stream of events."""

    RESPONSE = "response"
    SILENCE = "silence"
    ROLLUP = "rollup"  # other shards' sums for the entities that this one owns
    ENTITY_RISK = "entity_risk"  # the risks of shared entities


class ResponseKind(StrEnum):
    """What a response does to its alert."""

    ACKNOWLEDGE = "acknowledge"  # somebody works on it
    ASSIGN = "assign"  # to ``assignee``
    NOTE = "note"  # nothing; it is kept for the case
    DISPOSITION = "disposition"  # ends it with ``verdict``
    RETRACT = "retract"  # retracts the event ``event_id``, which was an error
    LABEL = "label"  # says what the event ``event_id`` was, with ``verdict``; no alert is needed


_NEEDED = {
    ResponseKind.ASSIGN: ("alert_id", "assignee"),
    ResponseKind.DISPOSITION: ("alert_id", "verdict"),
    ResponseKind.RETRACT: ("alert_id", "event_id"),
    ResponseKind.LABEL: ("event_id", "verdict"),
}


class Verdict(StrEnum):
    """An analyst's disposition."""

    CONFIRMED = "confirmed"
    FALSE_POSITIVE = "false_positive"
    UNDECIDED = "undecided"


class Response(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer to one alert; ``key`` is the alert's, and the Kafka key.

    A label is about an event, whether or not there is an alert: a chargeback, a complaint that
    was right.  Its ``key`` is the customer's id.  Where streams share ids ``stream`` says which
    event of ``event_id`` is meant; without it all of them are.
    """

    response_id: Id
    event_time: Moment
    key: Id
    kind: ResponseKind
    actor: Word
    alert_id: Id | None = None
    verdict: Verdict | None = None
    assignee: Word | None = None
    event_id: Id | None = None
    stream: Stream | None = None
    note: Note | None = None

    def __post_init__(self) -> None:
        """Refuse a response that lacks what its kind needs, as ValueError."""
        for name in _NEEDED.get(self.kind, ("alert_id",)):
            if getattr(self, name) is None:
                raise ValueError(f"{self.kind} needs {name}")

    @property
    def events(self) -> tuple[EventKey, ...]:
        """The events that it may be about; none if it names none."""
        if self.event_id is None:
            return ()
        streams = tuple(Stream) if self.stream is None else (self.stream,)
        return tuple((stream, self.event_id) for stream in streams)


class ResponseResult(StrEnum):
    """What became of a response."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"  # the alert was so already, or has no such event
    NOT_OPEN = "not_open"  # no open alert has this id
    NOT_HELD = "not_held"  # no rule fired on this event, or too long ago
    REFUSED = "refused"  # it is a dead letter: not signed as required, or of a time that is wrong


class Silence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Nobody is notified of alerts that all ``matchers`` match, from start to end.

    The newest record of a ``silence_id``, which is the Kafka key, is the truth; one is
    expired early by a record that ends it.  Of red alerts it holds once another person has
    approved it.
    """

    silence_id: Id
    matchers: Annotated[tuple[MatcherText, ...], Meta(min_length=1, max_length=32)]
    starts_at: Moment
    ends_at: Moment
    created_by: Word
    comment: Note
    approved_by: Word | None = None

    def __post_init__(self) -> None:
        """Refuse a silence that its author approves, as ValueError."""
        if self.approved_by == self.created_by:
            raise ValueError("who creates a silence cannot approve it")
