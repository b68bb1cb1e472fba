"""An alert: the signals of one customer and one kind of risk, fused and tiered."""

from enum import StrEnum

from msgspec import Struct

from sentinel.model.events import Stream
from sentinel.model.signal import Action, Clause, Risk, Title


class Tier(StrEnum):
    """How urgently people act: red (I) before orange (II), yellow (III), blue (IV)."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


class Entity(Struct, frozen=True):
    """What the alert is about."""

    kind: str
    id: str


class Reason(Struct, frozen=True, kw_only=True):
    """One rule's part in an alert: how often, with what weight, and on what values."""

    rule_id: str
    title: Title
    severity: int
    contribution: float  # share of the score that would be missing without it, 0-100
    count: int
    first_event_time: int
    last_event_time: int
    clauses: tuple[Clause, ...]


class Trigger(Struct, frozen=True):
    """The event that caused this revision."""

    stream: Stream
    event_id: str
    event_time: int
    recorded_ms: int


class Alert(Struct, frozen=True, kw_only=True):
    """One revision of an alert; the newest revision of an ``alert_id`` is the truth.

    ``alert_id`` is a hash of entity, risk and the event that opened it, so the same
    input always gives the same id.  Scores run from 0 to 100.
    """

    alert_id: str
    revision: int
    entity: Entity
    risk: Risk
    tier: Tier
    previous_tier: Tier | None
    score: float
    customer_score: float
    title: Title
    opened_at: int
    updated_at: int
    trigger: Trigger
    reasons: tuple[Reason, ...]
    actions: tuple[Action, ...]
    runbook: str
    config_version: str


class ActionRequest(Struct, frozen=True, kw_only=True):
    """A control measure that an alert recommends, told to core systems once in its life.

    ``request_id`` is ``<alert_id>.<action>``; ``revision`` is the alert's first that
    recommended it, and tier, score and time are as of then.
    """

    request_id: str
    action: Action
    alert_id: str
    revision: int
    entity: Entity
    risk: Risk
    tier: Tier
    score: float
    title: Title
    requested_at: int
    runbook: str
    config_version: str
