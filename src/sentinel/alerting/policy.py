"""``configs/tiers.yaml``: when an alert opens, how its score fades, when it is over."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from sentinel.model.alert import Tier
from sentinel.model.document import Document
from sentinel.model.signal import Risk, Title

_LEAST_QUIET_MS = 60_000
"""A shorter quiet period would end within the pane in which a rule by a shared entity fired."""


class _TierEntry(Struct, frozen=True, forbid_unknown_fields=True):
    threshold: Annotated[float, Meta(gt=0, le=100)]
    title: Title


class _Tiers(Struct, frozen=True, forbid_unknown_fields=True):
    red: _TierEntry
    orange: _TierEntry
    yellow: _TierEntry
    blue: _TierEntry


class _HalfLives(Struct, frozen=True, forbid_unknown_fields=True):
    default: str
    credit: str | None = None
    market: str | None = None
    operational: str | None = None
    liquidity: str | None = None
    legal: str | None = None


class _Escalate(Struct, frozen=True, forbid_unknown_fields=True):
    firings: Annotated[int, Meta(ge=2)]
    unanswered: str | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tiers: _Tiers
    hysteresis: Annotated[float, Meta(ge=0)]
    halflife: _HalfLives
    quiet: str
    max_reasons: Annotated[int, Meta(ge=1, le=64)]
    max_open_alerts: Annotated[int, Meta(ge=1)]
    remind_on_count_growth: bool
    escalate: _Escalate
    cooldown: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The tiering policy, validated.

    ``thresholds`` maps each tier to the least score that reaches it, highest first;
    an open alert goes down only when its score is below its tier's threshold minus
    ``hysteresis``.  ``halflife_ms`` is the half-life of a contribution, by risk;
    after ``quiet_ms`` without firing it is dropped.  Fading and quiet are by event time.

    An alert that is orange by its score and unanswered for ``unanswered_ms`` (None: however long)
    becomes red; one whose rules have fired ``escalating_firings`` times stands a tier higher than
    its score, orange at most.  After a verdict of false positive alerts no more urgent are
    suppressed for ``cooldown_ms``.
    """

    thresholds: dict[Tier, float]
    titles: dict[Tier, Title]
    hysteresis: float
    halflife_ms: dict[Risk, int]
    quiet_ms: int
    max_reasons: int
    max_open_alerts: int
    remind_on_count_growth: bool
    unanswered_ms: int | None
    escalating_firings: int
    cooldown_ms: int

    def tier(self, score: float, current: Tier | None) -> Tier | None:
        """The tier of ``score`` for an alert that stands at ``current`` (None: not open)."""
        for tier, threshold in self.thresholds.items():
            if score >= threshold - (self.hysteresis if tier is current else 0):
                return tier
        return None

    def is_news(self, count: int) -> bool:
        """Whether a rule's ``count``-th firing is worth a revision: 1, 10, 100, 1000 and so on."""
        if not self.remind_on_count_growth:
            return count == 1
        return str(count).rstrip("0") == "1"


def read_policy(document: Document) -> Policy:
    """The policy in ``document``; raises :class:`~sentinel.model.document.ConfigError`."""
    file = document.convert(_File)
    entries: dict[Tier, _TierEntry] = {tier: getattr(file.tiers, tier) for tier in Tier}
    thresholds = {tier: entry.threshold for tier, entry in entries.items()}
    for higher, lower in zip(tuple(Tier), tuple(Tier)[1:], strict=False):
        if thresholds[lower] >= thresholds[higher]:
            raise document.error(
                ("tiers", lower, "threshold"),
                f"{lower}'s threshold {thresholds[lower]:g} is not below "
                f"{higher}'s {thresholds[higher]:g}",
            )
    if file.hysteresis >= thresholds[Tier.BLUE]:
        raise document.error(
            ("hysteresis",),
            f"hysteresis {file.hysteresis:g} is not below blue's threshold "
            f"{thresholds[Tier.BLUE]:g}, so a blue alert could never end",
        )
    default = document.duration_ms(("halflife", "default"), file.halflife.default)
    halflife_ms = {
        risk: document.duration_ms(("halflife", risk), text)
        if (text := getattr(file.halflife, risk)) is not None
        else default
        for risk in Risk
    }
    quiet_ms = document.duration_ms(("quiet",), file.quiet)
    if quiet_ms < _LEAST_QUIET_MS:
        raise document.error(("quiet",), f"quiet {file.quiet} is shorter than 1m")
    return Policy(
        thresholds=thresholds,
        titles={tier: entry.title for tier, entry in entries.items()},
        hysteresis=file.hysteresis,
        halflife_ms=halflife_ms,
        quiet_ms=quiet_ms,
        max_reasons=file.max_reasons,
        max_open_alerts=file.max_open_alerts,
        remind_on_count_growth=file.remind_on_count_growth,
        unanswered_ms=None
        if file.escalate.unanswered is None
        else document.duration_ms(("escalate", "unanswered"), file.escalate.unanswered),
        escalating_firings=file.escalate.firings,
        cooldown_ms=document.duration_ms(("cooldown",), file.cooldown),
    )
