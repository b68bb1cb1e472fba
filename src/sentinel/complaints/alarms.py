"""The alerts of complaints: notices become updates of an alert, or its resolution.

A complaint has one alert.  Its reasons are the complaint's open notices, its tier is that of the
most urgent one.
"""

from collections import Counter
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sentinel.complaints.notice import Notice
from sentinel.complaints.text import render
from sentinel.model.alert import Entity, Reason, Resolution, Tier, Trigger
from sentinel.model.alert_update import AlertResolution, AlertUpdate
from sentinel.model.complaint import Kind
from sentinel.model.events import Stream
from sentinel.model.signal import Action, Risk
from sentinel.model.stage import WHOLE_STATE, Buffer, Parts
from sentinel.model.step import Limit

COMPLAINT = "complaint"
RUNBOOK = "docs/runbooks/complaints.md"

_TIERS = tuple(Tier)
_SCORES = {Tier.RED: 90.0, Tier.ORANGE: 70.0, Tier.YELLOW: 50.0, Tier.BLUE: 25.0}
"""A deadline has no likelihood: the score is a fixed one within the tier."""


class OpenNotice(Struct, frozen=True):
    """A notice that is not over: its subject, its tier, and its reason in the alert."""

    about: str
    tier: Tier
    reason: Reason


class Alarms:
    """The open notices by complaint; those of complaints that are over are dropped."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self.limits: Counter[Limit] = Counter()  # what stands is bounded by the open complaints
        self._open: dict[str, list[OpenNotice]] = {}

    def apply(self, notice: Notice) -> AlertUpdate | AlertResolution | None:
        """The alert update or resolution that a notice causes; None if nothing changes."""
        before = self._open.get(notice.complaint_id, [])
        match notice.kind:
            case Kind.COMPLETED | Kind.FORGOTTEN:
                self._open.pop(notice.complaint_id, None)
                over = notice.kind is Kind.COMPLETED
                ended = Resolution.COMPLETED if over else Resolution.DISPLACED
                return _resolution(notice, ended) if before else None
            case Kind.MET:
                left = [each for each in before if each.about != _about(notice)]
                if len(left) == len(before):
                    return None
                self._open[notice.complaint_id] = left
                if not left:
                    del self._open[notice.complaint_id]
                    return _resolution(notice, Resolution.COMPLETED)
                return self._update(notice, left, is_news=False)
        is_news = notice.kind is not Kind.EXTENDED
        if not is_news and all(each.about != _about(notice) for each in before):
            return None  # nobody was warned of the old deadline
        open_notices = self._opened(notice, before)
        left = [each for each in before if each.about != open_notices.about] + [open_notices]
        self._open[notice.complaint_id] = left
        return self._update(notice, left, is_news=is_news)

    def carry(self, old: "Alarms") -> None:
        """Continue where ``old`` stands."""
        self.restore(old.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """All open notices by complaint; equal states give equal bytes."""
        return {WHOLE_STATE: msgspec.msgpack.encode(sorted(self._open.items()))}

    def spot(self) -> bytes:
        """How many complaints have notices, and how many notices they have."""
        return msgspec.msgpack.encode((len(self._open), sum(map(len, self._open.values()))))

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave."""
        kind = list[tuple[str, list[OpenNotice]]]
        self._open = dict(msgspec.msgpack.decode(bytes(parts[WHOLE_STATE]), type=kind))

    def _opened(self, notice: Notice, before: list[OpenNotice]) -> OpenNotice:
        tier = notice.tier or Tier.BLUE
        about, text = _about(notice), render(notice, self._zone)
        counts = [each.reason.count for each in before if each.about == about]
        firsts = [each.reason.first_event_time for each in before if each.about == about]
        reason = Reason(
            rule_id=f"complaint.{about}",
            title=text.reason,
            severity=round(_SCORES[tier]),
            contribution=_SCORES[tier],
            tier_without=None,  # _ranked_reasons sets it
            count=sum(counts) + 1,
            first_event_time=min([notice.at_ms, *firsts]),
            last_event_time=notice.at_ms,
            clauses=(),
        )
        return OpenNotice(about, tier, reason)

    def _update(
        self, notice: Notice, open_notices: list[OpenNotice], *, is_news: bool
    ) -> AlertUpdate:
        ranked = sorted(open_notices, key=lambda each: (_TIERS.index(each.tier), each.about))
        tier = ranked[0].tier
        return AlertUpdate(
            key=notice.customer_id,
            entity=Entity(COMPLAINT, notice.complaint_id),
            risk=Risk.LEGAL,
            tier=tier,
            score=_SCORES[tier],
            customer_score=_SCORES[tier],
            title=render(notice, self._zone).title,
            dedup_key=f"{notice.event_id} {_about(notice)} {notice.fraction}",
            trigger=Trigger(Stream.COMPLAINT, notice.event_id, notice.at_ms, notice.recorded_ms),
            at_ms=notice.at_ms,
            reasons=_ranked_reasons(ranked),
            actions=(Action.EXPEDITE_COMPLAINT,),
            runbook=RUNBOOK,
            is_news=is_news,
            ages=False,
        )


def _about(notice: Notice) -> str:
    """The subject of a notice: it replaces an open notice with the same subject."""
    return notice.duty or notice.problem or notice.kind


def _resolution(notice: Notice, resolution: Resolution) -> AlertResolution:
    entity = Entity(COMPLAINT, notice.complaint_id)
    return AlertResolution(
        entity=entity, risk=Risk.LEGAL, resolution=resolution, at_ms=notice.at_ms
    )


def _ranked_reasons(ranked: Sequence[OpenNotice]) -> tuple[Reason, ...]:
    """The reasons, each with the tier of the most urgent of the others."""
    tiers = [each.tier for each in ranked]
    reasons = []
    for i, each in enumerate(ranked):
        others = tiers[:i] + tiers[i + 1 :]
        without = min(others, key=_TIERS.index, default=None)
        reasons.append(replace(each.reason, tier_without=without))
    return tuple(reasons)
