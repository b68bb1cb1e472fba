"""An alert: the signals of one entity and one kind of risk, fused and tiered."""

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


class AlertState(StrEnum):
    """Where an alert is in its life."""

    FIRING = "firing"  # nobody has answered yet
    ACKNOWLEDGED = "acknowledged"  # somebody works on it
    RESOLVED = "resolved"  # over; no further revision comes


class Change(StrEnum):
    """Why a revision was written; where several apply, the first of them."""

    OPENED = "opened"
    RESOLVED = "resolved"
    ESCALATED = "escalated"  # a tier higher than its score, see Escalation
    ROSE = "rose"  # to a higher tier, by score
    FELL = "fell"  # to a lower tier, by score
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    CORRECTED = "corrected"  # an event behind it was retracted
    SUPPRESSED = "suppressed"  # nobody is to be notified any more
    RELEASED = "released"  # no longer suppressed
    GREW = "grew"  # another rule, or a rule for the 10th, 100th... time


class Resolution(StrEnum):
    """How an alert ended."""

    QUIET = "quiet"  # no rule fired for the quiet period
    CONFIRMED = "confirmed"  # verdict: it was what it looked like
    FALSE_POSITIVE = "false_positive"  # verdict: it was not
    UNDECIDED = "undecided"  # verdict: closed without one
    RETRACTED = "retracted"  # every event behind it was retracted
    COMPLETED = "completed"  # what was due has been done
    DISPLACED = "displaced"  # evicted because too many were open


class Suppression(StrEnum):
    """Why nobody is notified of an alert; its revisions are written all the same."""

    ALLOW_LIST = "allow_list"
    MAINTENANCE = "maintenance"
    SILENCE = "silence"
    INHIBITED = "inhibited"
    COOLDOWN = "cooldown"
    CAPACITY = "capacity"


class Escalation(StrEnum):
    """Why an alert stands a tier higher than its score."""

    AGE = "age"  # unanswered for too long
    GROWTH = "growth"  # its rules fired as often as tiers.yaml says


class Suppressor(Struct, frozen=True):
    """One thing that suppresses an alert: the reason, and which silence, alert, list..."""

    reason: Suppression
    by: str


class Entity(Struct, frozen=True):
    """What the alert is about."""

    kind: str
    id: str


class Reason(Struct, frozen=True, kw_only=True):
    """One rule's part in an alert: how often, with what weight, and on what values.

    ``tier_without`` is the counterfactual: the tier that the other reasons would reach now
    if they stood alone, escalations apart; None if they would reach none.
    """

    rule_id: str
    title: Title
    severity: int
    contribution: float  # share of the score that would be missing without it, 0-100
    tier_without: Tier | None
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
    input always gives the same id.  Scores run from 0 to 100.  ``key`` is the Kafka key of
    the alert and of every response to it.  ``trigger`` is the newest event behind it.
    """

    alert_id: str
    revision: int
    key: str
    entity: Entity
    risk: Risk
    state: AlertState
    change: Change
    tier: Tier
    previous_tier: Tier | None
    score: float
    customer_score: float
    title: Title
    opened_at: int
    updated_at: int
    acknowledged_by: str | None
    assignee: str | None
    resolution: Resolution | None
    escalations: tuple[Escalation, ...]
    suppressed: tuple[Suppressor, ...]
    trigger: Trigger
    reasons: tuple[Reason, ...]
    actions: tuple[Action, ...]
    runbook: str
    config_version: str

    @property
    def labels(self) -> dict[str, str]:
        """The labels that matchers of silences, inhibition and routes read."""
        return {
            "entity": self.entity.id,
            "entity_kind": self.entity.kind,
            "risk": self.risk.value,
            "tier": self.tier.value,
            "rule": self.reasons[0].rule_id if self.reasons else "",
        }


class ActionRequest(Struct, frozen=True, kw_only=True):
    """A control measure that an alert recommends, sent to core systems once in its life.

    ``request_id`` is ``<alert_id>.<action>``; ``revision`` is the alert's first that
    recommended it, and tier, score and time are as of then.  What restricts a customer is lifted at
    ``expires_at`` (ms UTC) at the latest, unless a person prolongs it.
    """

    request_id: str
    action: Action
    alert_id: str
    revision: int
    key: str
    entity: Entity
    risk: Risk
    tier: Tier
    score: float
    title: Title
    requested_at: int
    expires_at: int | None
    runbook: str
    config_version: str
