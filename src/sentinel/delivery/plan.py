"""What a revision does to the pages of its alert: pure, so that it can be asked beforehand."""

from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from sentinel.delivery.page import PageKind
from sentinel.delivery.routes import Route
from sentinel.model.alert import Alert, AlertState, Tier

_TIERS = tuple(Tier)


class NoPage(StrEnum):
    """Why a page was not sent."""

    SUPPRESSED = "suppressed"  # the alert is
    ANSWERED = "answered"  # acknowledged or resolved before it was due
    SUPERSEDED = "superseded"  # the alert rose, and is paged anew
    OLD = "old"  # the alert was older than ignore_older_than when it was read
    REFUSED = "refused"  # the receiver will never take it
    EXPIRED = "expired"  # the receiver did not take it for so long
    UNREADABLE = "unreadable"  # the record is no alert of this version


class Paged(Struct, kw_only=True):
    """What the pager knows of an alert: the newest revision, and how it has paged.

    ``generation`` counts how often people were paged anew, ``tier`` is that of the last
    time; both are 0 and None before the first.
    """

    revision: int
    generation: int = 0
    tier: Tier | None = None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A page to be sent at ``due_ms``, on one rung of one route."""

    page_id: str
    channel: str
    kind: PageKind
    due_ms: int


@dataclass(slots=True)
class Decision:
    """What to do: ``cancel`` says why pages that wait are not to be sent any more.

    ``finish`` is the kind of page that every channel gets that has been told of the alert.
    """

    paged: Paged
    cancel: NoPage | None = None
    dues: list[Due] = field(default_factory=list)
    finish: PageKind | None = None


def decide(
    alert: Alert, known: Paged | None, root: Route, now_ms: int, ignore_older_than_ms: int
) -> tuple[Decision, NoPage | None]:
    """What the revision does, and why nobody is paged if nobody is although the alert fires."""
    paged = known or Paged(revision=0)
    if alert.revision <= paged.revision:
        return Decision(paged), None
    after = Paged(revision=alert.revision, generation=paged.generation, tier=paged.tier)
    if alert.state is AlertState.RESOLVED:
        return Decision(after, cancel=NoPage.ANSWERED, finish=PageKind.RESOLVE), None
    if alert.state is AlertState.ACKNOWLEDGED:
        return Decision(after, cancel=NoPage.ANSWERED, finish=PageKind.ACKNOWLEDGE), None
    if alert.suppressed:
        after.waiting = True
        return Decision(after, cancel=NoPage.SUPPRESSED), NoPage.SUPPRESSED
    rises = paged.tier is None or _TIERS.index(alert.tier) < _TIERS.index(paged.tier)
    if not (rises or paged.waiting):
        return Decision(after), None
    if now_ms - alert.updated_at > ignore_older_than_ms:
        return Decision(after), NoPage.OLD
    after.generation, after.tier = paged.generation + 1, alert.tier
    dues = [
        due
        for route in root.matching(alert.labels, now_ms)
        for due in _ladder(alert, route, after.generation, now_ms)
    ]
    return Decision(after, cancel=NoPage.SUPERSEDED, dues=dues), None


def _ladder(alert: Alert, route: Route, generation: int, now_ms: int) -> list[Due]:
    """Every rung's pages; those that are not red wait for the end of quiet hours."""
    dues = []
    for n, rung in enumerate(route.ladder):
        due_ms = now_ms + rung.after_ms
        if route.quiet is not None and alert.tier is not Tier.RED and route.quiet.is_on(due_ms):
            due_ms = route.quiet.next_change_ms(due_ms) or due_ms
        for channel in rung.channels:
            page_id = f"{alert.alert_id}.{generation}.{route.name}.{n}.{channel}"
            dues.append(Due(page_id, channel, PageKind.TRIGGER, due_ms))
    return dues
