"""Direct requests to alerting: to open or change an alert, and to end it."""

from msgspec import Struct

from sentinel.model.alert import Entity, Reason, Resolution, Tier, Trigger
from sentinel.model.signal import Action, Risk, Title


class AlertUpdate(Struct, frozen=True, kw_only=True):
    """The alert of ``entity`` and ``risk`` should stand at ``tier``, for these reasons.

    ``dedup_key`` identifies what opens the alert: the same key gives the same alert id.  ``at_ms``
    (ms UTC) is when it became true.  ``is_news`` asks for a revision even if the tier stays;
    ``renews``: the alert had fallen below all tiers.  An alert that does not age (``ages``) has
    deadlines of its own, and is not escalated because nobody answers.
    """

    key: str
    entity: Entity
    risk: Risk
    tier: Tier
    score: float
    customer_score: float
    title: Title
    dedup_key: str
    trigger: Trigger
    at_ms: int
    reasons: tuple[Reason, ...]
    actions: tuple[Action, ...]
    runbook: str
    is_news: bool
    renews: bool = False
    ages: bool = True


class AlertResolution(Struct, frozen=True, kw_only=True):
    """The alert of ``entity`` and ``risk`` is over."""

    entity: Entity
    risk: Risk
    resolution: Resolution
    at_ms: int
