"""A page: a message to people about an alert.  It holds nothing about the customer."""

from enum import StrEnum
from urllib.parse import quote

from msgspec import Struct

from sentinel.model.alert import Alert, Tier
from sentinel.model.signal import Risk, Title


class PageKind(StrEnum):
    """The content of a page about its alert."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    LATE = "late"  # a digest of alerts that were found late


class FoundLate(Struct, frozen=True, kw_only=True):
    """The figures of a digest of late alerts: ``tiers`` maps each tier to its alerts.

    ``unanswered`` of the ``found`` were neither acknowledged nor resolved meanwhile.
    """

    route: str
    found: int
    unanswered: int
    tiers: dict[Tier, int]


class Content(Struct, frozen=True, kw_only=True):
    """What may leave the house: title, tier, reason, runbook and a link, and no customer data.

    ``alert_id`` is the key by which receivers recognise the alert; times are ms UTC.
    ``recorded_ms`` is when the triggering event was recorded.

    In a digest of late alerts (``late``), ``alert_id`` is the page's id, ``tier`` the highest,
    ``risk`` None, and the times are those of the first and the last alert.
    """

    alert_id: str
    revision: int
    tier: Tier
    risk: Risk | None
    title: Title
    reason: Title
    rule: str
    opened_at: int
    updated_at: int
    recorded_ms: int
    runbook: str
    link: str
    late: FoundLate | None = None


class Page(Struct, frozen=True, kw_only=True):
    """One page on its way to one channel; ``page_id`` stays the same over all attempts.

    ``since_ms`` is when it was to be sent at first; ``prompt``, that this was at once.
    ``attempts`` are those that were made before.
    """

    page_id: str
    channel: str
    kind: PageKind
    content: Content
    since_ms: int
    prompt: bool = True
    attempts: int = 0


LINK_FIELDS = ("alert_id", "tier", "risk", "opened_at")


def link_to(alert: Alert, template: str) -> str:
    """The link of an alert's pages: each of LINK_FIELDS in braces is replaced, nothing else."""
    for name in LINK_FIELDS:
        template = template.replace(f"{{{name}}}", quote(str(getattr(alert, name)), safe=""))
    return template


def content(alert: Alert, link: str) -> Content:
    """The content of a page about the alert; ``link`` is a template with LINK_FIELDS."""
    strongest = alert.reasons[0] if alert.reasons else None
    return Content(
        alert_id=alert.alert_id,
        revision=alert.revision,
        tier=alert.tier,
        risk=alert.risk,
        title=alert.title,
        reason=strongest.title if strongest else alert.title,
        rule=strongest.rule_id if strongest else "",
        opened_at=alert.opened_at,
        updated_at=alert.updated_at,
        recorded_ms=alert.trigger.recorded_ms,
        runbook=alert.runbook,
        link=link_to(alert, link),
    )
