"""``configs/complaints.yaml``: terms, warnings, tiers, bounds."""

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, get_args
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct, field

from sentinel.complaints.calendar import WorkingCalendar
from sentinel.complaints.term import Term, parse_term
from sentinel.model.alert import Tier
from sentinel.model.document import (
    ConfigError,
    Document,
    Path,
    WrongTextError,
    did_you_mean,
)
from sentinel.model.events import ComplaintChannel

_DAY_MS = 86_400_000
_TIERS = tuple(Tier)

_Written = str | int  # a bare number is refused with a better message than a wrong type
_Size = Annotated[int, Meta(ge=1)]


class _DaysEntry(Struct, frozen=True, forbid_unknown_fields=True):
    acknowledge: _Written
    resolve: _Written
    maximum: _Written


class _Special(Struct, frozen=True, forbid_unknown_fields=True):
    acknowledge: _Written | None = None
    resolve: _Written | None = None
    raised: Annotated[int, Meta(ge=0, le=3)] = field(default=0, name="raise")
    reply_before_close: bool | None = None


class Warn(Struct, frozen=True, forbid_unknown_fields=True):
    """A warning when the fraction ``at`` of the time to a deadline is used up."""

    at: Annotated[float, Meta(gt=0, le=1)]
    tier: Tier


class _Problems(Struct, frozen=True, forbid_unknown_fields=True):
    illegal_transition: Tier
    closed_without_reply: Tier
    extension: Tier


class _Repeated(Struct, frozen=True, forbid_unknown_fields=True):
    within: str
    count: Annotated[int, Meta(ge=2, le=100)]
    tier: Tier


class _Calendar(Struct, frozen=True, forbid_unknown_fields=True):
    working: list[dt.date] = []
    off: list[dt.date] = []


class _File(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    days: _DaysEntry
    reply_before_close: bool
    channels: dict[str, _Special]
    categories: dict[str, _Special]
    warnings: Annotated[list[Warn], Meta(min_length=1, max_length=8)]
    problems: _Problems
    repeated: _Repeated
    calendar: _Calendar
    max_open_complaints: _Size
    max_ended_complaints: _Size
    max_customers: _Size


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the complaints of a channel and a category.

    Of several terms for a duty the one whose deadline comes first holds, which depends on the
    day of receipt where their units differ; none goes beyond ``maximum``.
    """

    acknowledge: tuple[Term, ...]
    resolve: tuple[Term, ...]
    maximum: Term
    needs_reply: bool
    raised: int

    def tier(self, tier: Tier) -> Tier:
        """``tier``, as many tiers higher as the channel and the category ask for."""
        return _TIERS[max(0, _TIERS.index(tier) - self.raised)]


@dataclass(frozen=True, slots=True)
class Policy:
    """The complaint policy, validated.

    ``warnings`` rise in time and never fall in tier; the last is at the deadline.
    ``repeated_count`` different complaints within ``repeated_days`` days of event time are
    too many for one customer.
    """

    calendar: WorkingCalendar
    warnings: tuple[Warn, ...]
    illegal_tier: Tier
    closed_without_reply_tier: Tier
    extension_tier: Tier
    repeated_days: int
    repeated_count: int
    repeated_tier: Tier
    max_open: int
    max_ended: int
    max_customers: int
    _default: Terms
    _channels: dict[str, Terms]
    _both: dict[tuple[str, str], Terms]

    def terms(self, channel: str, category: str | None) -> Terms:
        """What holds for complaints of ``channel`` about ``category``."""
        both = self._both.get((channel, category)) if category else None
        return both or self._channels.get(channel, self._default)


def read_policy(document: Document, zone: ZoneInfo) -> Policy:
    """The policy in ``document``, its days in ``zone``.

    Raises :class:`~sentinel.model.document.ConfigError`.
    """
    file = document.convert(_File)
    known = get_args(ComplaintChannel)
    for name in file.channels:
        if name not in known:
            at = document.key_position("channels", name)
            message = f'"{name}" is none of {", ".join(known)}'
            raise ConfigError(document.path, *at, message, did_you_mean(name, known))
    read = _read_terms(document, file)
    _check_warnings(document, file.warnings)
    plain = _Special()
    channels = {name: file.channels.get(name, plain) for name in known}
    return Policy(
        calendar=_calendar(document, file.calendar, zone),
        warnings=tuple(file.warnings),
        illegal_tier=file.problems.illegal_transition,
        closed_without_reply_tier=file.problems.closed_without_reply,
        extension_tier=file.problems.extension,
        repeated_days=_whole_days(document, file.repeated.within),
        repeated_count=file.repeated.count,
        repeated_tier=file.repeated.tier,
        max_open=file.max_open_complaints,
        max_ended=file.max_ended_complaints,
        max_customers=file.max_customers,
        _default=_terms(file, read, plain, plain),
        _channels={name: _terms(file, read, special, plain) for name, special in channels.items()},
        _both={
            (name, category): _terms(file, read, special, about)
            for name, special in channels.items()
            for category, about in file.categories.items()
        },
    )


def _terms(file: _File, read: dict[_Written, Term], channel: _Special, category: _Special) -> Terms:
    """The stricter of both: all their terms, a reply if either asks for it, the higher tier."""
    replies = [
        each.reply_before_close
        for each in (channel, category)
        if each.reply_before_close is not None
    ]

    def terms(default: _Written, *special: _Written | None) -> tuple[Term, ...]:
        return tuple(read[each] for each in special if each is not None) or (read[default],)

    return Terms(
        acknowledge=terms(file.days.acknowledge, channel.acknowledge, category.acknowledge),
        resolve=terms(file.days.resolve, channel.resolve, category.resolve),
        maximum=read[file.days.maximum],
        needs_reply=any(replies) if replies else file.reply_before_close,
        raised=max(channel.raised, category.raised),
    )


def _read_terms(document: Document, file: _File) -> dict[_Written, Term]:
    """Every term by how it is written; none is longer than the maximum on any calendar."""
    terms: dict[Path, _Written | None] = {
        ("days", "maximum"): file.days.maximum,
        ("days", "acknowledge"): file.days.acknowledge,
        ("days", "resolve"): file.days.resolve,
    }
    for section in ("channels", "categories"):
        for name, special in getattr(file, section).items():
            terms[section, name, "acknowledge"] = special.acknowledge
            terms[section, name, "resolve"] = special.resolve
    read: dict[_Written, Term] = {}
    for path, written in terms.items():
        if written is None:
            continue
        try:
            term = read[written] = parse_term(written)
        except WrongTextError as error:
            raise document.wrong_text(path, error) from None
        maximum = read[file.days.maximum]
        if term != maximum and term.never_ends_before(maximum):
            raise document.error(path, f"{term} is longer than the maximum {maximum}")
    return read


def _check_warnings(document: Document, warnings: list[Warn]) -> None:
    for index, (earlier, later) in enumerate(pairwise(warnings), 1):
        if later.at <= earlier.at:
            message = f"{later.at:g} does not come after {earlier.at:g}"
            raise document.error(("warnings", index, "at"), message)
        if _TIERS.index(later.tier) > _TIERS.index(earlier.tier):
            message = f"{later.tier} is lower than {earlier.tier} before it"
            raise document.error(("warnings", index, "tier"), message)
    if warnings[-1].at < 1:
        message = "the last warning is not at the deadline"
        raise document.error(("warnings", len(warnings) - 1, "at"), message, "end with at: 1.0")


def _whole_days(document: Document, text: str) -> int:
    index = ("repeated", "within")
    within_ms = document.duration_ms(index, text)
    if within_ms % _DAY_MS:
        raise document.error(index, f"{text} is not a number of whole days", "like 30d")
    return within_ms // _DAY_MS


def _calendar(document: Document, days: _Calendar, zone: ZoneInfo) -> WorkingCalendar:
    for index, day in enumerate(days.off):
        if day in days.working:
            raise document.error(("calendar", "off", index), f"{day} is a working day as well")
    return WorkingCalendar(zone, frozenset(days.working), frozenset(days.off))
