"""What a revision does to the pages of its alert, as a pure function."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from sentinel.delivery.page import Page, PageKind
from sentinel.delivery.routes import Route
from sentinel.model.alert import Alert, AlertState, Tier

_TIERS = tuple(Tier)
_FALLBACK = "fallback"  # in an id, instead of the rung


class NoPage(StrEnum):
    """Why a page was not sent."""

    SUPPRESSED = "suppressed"  # the alert is
    ANSWERED = "answered"  # acknowledged or resolved before it was due
    SUPERSEDED = "superseded"  # there is newer news of the alert
    OLD = "old"  # the alert was older than ignore_older_than when read; a digest names it
    REFUSED = "refused"  # the receiver will never accept it
    EXPIRED = "expired"  # not delivered within retry.give_up
    UNREADABLE = "unreadable"  # the record is no alert of this version
    UNMADE = "unmade"  # no page could be made of the alert; the log has the reason
    GONE = "gone"  # Kafka had deleted the record before the pager read it


class Paged(Struct, kw_only=True):
    """The pager's state of an alert: the newest revision, and how it has paged.

    ``generation`` counts how often people were paged anew; it is 0 before the first time.
    ``tier`` is what people who were paged know: that of the newest revision since.  ``late``
    is the same of the digests of late alerts.  ``answered`` is whether somebody has
    acknowledged the alert as it is, ``waiting`` whether it is suppressed.
    """

    revision: int
    generation: int = 0
    tier: Tier | None = None
    waiting: bool = False
    late: Tier | None = None
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A page to be sent at ``due_ms``, on one rung of one route."""

    page_id: str
    channel: str
    kind: PageKind
    due_ms: int


@dataclass(slots=True)
class Decision:
    """What to do: ``cancel`` is the reason why waiting pages are not sent any more.

    ``finish`` is the kind of page for every channel to which the alert was sent;
    ``late`` are the routes whose digest of late alerts counts it.
    """

    paged: Paged
    cancel: NoPage | None = None
    dues: list[Due] = field(default_factory=list)
    finish: PageKind | None = None
    late: Sequence[Route] = ()


def decide(
    alert: Alert, known: Paged | None, root: Route, now_ms: int, ignore_older_than_ms: int
) -> tuple[Decision, NoPage | None]:
    """The pages of a revision; and, if a firing alert pages nobody, the reason."""
    paged = known or Paged(revision=0)
    if alert.revision <= paged.revision:
        return Decision(paged), None
    after = Paged(
        revision=alert.revision,
        generation=paged.generation,
        tier=_lower(paged.tier, alert.tier),
        late=_lower(paged.late, alert.tier),
    )
    if alert.state is AlertState.RESOLVED:
        return Decision(after, cancel=NoPage.ANSWERED, finish=PageKind.RESOLVE), None
    if alert.state is AlertState.ACKNOWLEDGED:
        after.answered = True
        if paged.answered:  # those who were paged know already
            return Decision(after), None
        return Decision(after, cancel=NoPage.ANSWERED, finish=PageKind.ACKNOWLEDGE), None
    if alert.suppressed:
        after.waiting, after.answered = True, paged.answered
        return Decision(after, cancel=NoPage.SUPPRESSED), NoPage.SUPPRESSED
    anew = paged.waiting or paged.answered  # a new response is needed
    if not (anew or _above(alert.tier, paged.tier)):
        return Decision(after), None
    if now_ms - alert.updated_at > ignore_older_than_ms:
        if not (anew or _above(alert.tier, paged.late)):
            return Decision(after), None
        after.late = alert.tier
        return Decision(after, late=root.matching(alert.labels, now_ms)), NoPage.OLD
    after.generation, after.tier = paged.generation + 1, alert.tier
    dues = [
        due
        for route in root.matching(alert.labels, now_ms)
        for due in _ladder(alert, route, after.generation, now_ms)
    ]
    return Decision(after, cancel=NoPage.SUPERSEDED, dues=dues), None


def _lower(known: Tier | None, tier: Tier) -> Tier | None:
    """The tier that people know after a revision: it also falls, so that the next rise counts."""
    return tier if known is not None and _above(known, tier) else known


def _above(tier: Tier, known: Tier | None) -> bool:
    """Whether the tier is higher than the one that was paged."""
    return known is None or _TIERS.index(tier) < _TIERS.index(known)


def after_quiet_hours(route: Route, tier: Tier, due_ms: int) -> int:
    """``due_ms``, or the end of the route's quiet hours for what is not red."""
    if route.quiet is not None and tier is not Tier.RED and route.quiet.is_on(due_ms):
        return route.quiet.next_change_ms(due_ms) or due_ms
    return due_ms


def _ladder(alert: Alert, route: Route, generation: int, now_ms: int) -> list[Due]:
    """Every rung's pages; those that are not red wait for the end of quiet hours."""
    dues = []
    for n, rung in enumerate(route.ladder):
        due_ms = after_quiet_hours(route, alert.tier, now_ms + rung.after_ms)
        for channel in rung.channels:
            page_id = f"{alert.alert_id}.{generation}.{route.name}.{n}.{channel}"
            dues.append(Due(page_id, channel, PageKind.TRIGGER, due_ms))
    return dues


def fallback(page: Page, root: Route) -> list[Due]:
    """The fallback's pages, due at once, for a page that its channel does not deliver.

    The ids are the same for all pages of a route that were made together: the fallback is
    paged once.  None for a route without a fallback, and for pages that are not of a ladder.
    """
    if page.kind is not PageKind.TRIGGER:
        return []
    made, name, rung, _ = page.page_id.rsplit(".", 3)
    route = next((each for each in root.walk() if each.name == name), None)
    if route is None or rung == _FALLBACK:
        return []
    return [
        Due(f"{made}.{name}.{_FALLBACK}.{channel}", channel, PageKind.TRIGGER, page.since_ms)
        for channel in route.fallback
    ]
