"""Reads ``configs/suppression.yaml``: which alerts are suppressed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType, field

from sentinel.alerting.inhibition import InhibitRule
from sentinel.alerting.mute import Mute, Times
from sentinel.model.alert import Suppression, Tier
from sentinel.model.document import Document, Path, WrongTextError
from sentinel.model.duration import parse_duration
from sentinel.model.hours import DAYS, Span, Weekly, parse_time_of_day
from sentinel.model.matcher import parse_matcher
from sentinel.model.response import Silence
from sentinel.model.selection import read_matchers, refuse_unknown_label
from sentinel.model.signal import Action

_ALWAYS_MS = 0

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Matchers = Annotated[tuple[str, ...], Meta(min_length=1)]
ZonedTime = Annotated[datetime, Meta(tz=True)]


class _Inhibit(Struct, frozen=True, forbid_unknown_fields=True):
    source: Matchers
    target: Matchers
    equal: tuple[str, ...] = ()


class _Allow(Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    match: Matchers
    until: ZonedTime


class _Maintenance(Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    match: Matchers
    starts_at: ZonedTime | UnsetType = UNSET
    ends_at: ZonedTime | UnsetType = UNSET
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    from_: str = field(default="", name="from")
    to: str = ""


class _Capacity(Struct, frozen=True, forbid_unknown_fields=True):
    per: str
    alerts: dict[Literal["orange", "yellow", "blue"], Annotated[int, Meta(ge=0)]]


class _Withhold(Struct, frozen=True, forbid_unknown_fields=True):
    default: tuple[Suppression, ...] = (Suppression.ALLOW_LIST, Suppression.MAINTENANCE)
    actions: dict[Action, tuple[Suppression, ...]] = field(default_factory=dict)


class _Silences(Struct, frozen=True, forbid_unknown_fields=True):
    most: Annotated[int, Meta(ge=1)]
    longest: str
    wide: str


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    inhibit: list[_Inhibit]
    allow: list[_Allow]
    maintenance: list[_Maintenance]
    capacity: _Capacity
    silences: _Silences
    withhold: _Withhold = field(default_factory=_Withhold)


@dataclass(frozen=True, slots=True)
class SilenceBounds:
    """The bounds of silences: ``most`` at once, and how long one may last, a wide one less long."""

    most: int
    longest_ms: int
    wide_ms: int

    def refusal(self, silence: Silence) -> str | None:
        """Why a silence, its times in ms, is not allowed; None if it is."""
        length_ms = int(silence.ends_at) - int(silence.starts_at)  # type: ignore[arg-type]
        if length_ms > self.longest_ms:
            return f"it is longer than {_hours(self.longest_ms)}"
        if length_ms > self.wide_ms and not _is_narrow(silence.matchers):
            longest = _hours(self.wide_ms)
            return f"it is longer than {longest} and names neither one entity nor one rule"
        return None


@dataclass(frozen=True, slots=True)
class SuppressionRules:
    """The contents of suppression.yaml; ``mutes`` are the allow-list and the maintenance windows.

    ``capacity`` is how many alerts of a tier a shard notifies in ``capacity_period_ms``.
    ``withheld_by`` names for each action the suppressions that withhold it from
    core systems as well: notifying people and acting are two decisions.
    """

    inhibit: tuple[InhibitRule, ...]
    mutes: tuple[Mute, ...]
    capacity: dict[Tier, int]
    capacity_period_ms: int
    silences: SilenceBounds
    withheld_by: dict[Action, frozenset[Suppression]]


def read_suppression(document: Document, zone: ZoneInfo) -> SuppressionRules:
    """The rules in ``document``; ``zone`` is the time zone of local times.

    Raises :class:`~sentinel.model.document.ConfigError`.
    """
    file = document.convert(_File)
    inhibit = tuple(
        InhibitRule(
            read_matchers(document, ("inhibit", n, "source"), entry.source),
            read_matchers(document, ("inhibit", n, "target"), entry.target),
            _labels(document, ("inhibit", n, "equal"), entry.equal),
        )
        for n, entry in enumerate(file.inhibit)
    )
    mutes = [
        Mute(
            Suppression.ALLOW_LIST,
            entry.name,
            read_matchers(document, ("allow", n, "match"), entry.match),
            Span(_ALWAYS_MS, _ms(entry.until)),
        )
        for n, entry in enumerate(file.allow)
    ]
    mutes += [
        Mute(
            Suppression.MAINTENANCE,
            entry.name,
            read_matchers(document, ("maintenance", n, "match"), entry.match),
            _times(document, n, entry, zone),
        )
        for n, entry in enumerate(file.maintenance)
    ]
    _refuse_repeated_names(document, file)
    return SuppressionRules(
        inhibit=inhibit,
        mutes=tuple(mutes),
        capacity={Tier(tier): most for tier, most in file.capacity.alerts.items()},
        capacity_period_ms=_duration(document, ("capacity", "per"), file.capacity.per),
        silences=SilenceBounds(
            most=file.silences.most,
            longest_ms=_duration(document, ("silences", "longest"), file.silences.longest),
            wide_ms=_duration(document, ("silences", "wide"), file.silences.wide),
        ),
        withheld_by={
            action: frozenset(file.withhold.actions.get(action, file.withhold.default))
            for action in Action
        },
    )


def _duration(document: Document, path: Path, text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise document.error(path, str(error)) from None


def _hours(length_ms: int) -> str:
    return f"{length_ms / 3_600_000:g} h"


def _is_narrow(matchers: Sequence[str]) -> bool:
    found = map(parse_matcher, matchers)
    return any(each.op == "=" and each.name in ("entity", "rule") for each in found)


def _labels(document: Document, path: Path, names: Sequence[str]) -> tuple[str, ...]:
    for n, name in enumerate(names):
        try:
            refuse_unknown_label(name)
        except WrongTextError as error:
            raise document.wrong_text((*path, n), error) from None
    return tuple(names)


def _times(document: Document, n: int, entry: _Maintenance, zone: ZoneInfo) -> Times:
    """Either a span or weekly times, whole."""
    once = (entry.starts_at, entry.ends_at)
    weekly = (entry.days, entry.from_, entry.to)
    starts_at, ends_at = once
    if isinstance(starts_at, datetime) and isinstance(ends_at, datetime) and not any(weekly):
        if starts_at >= ends_at:
            raise document.error(("maintenance", n, "ends_at"), "it ends before it starts")
        return Span(_ms(starts_at), _ms(ends_at))
    if all(weekly) and once == (UNSET, UNSET):
        days = frozenset(DAYS.index(day) for day in entry.days)
        start, until = (
            _time(document, ("maintenance", n, name), text)
            for name, text in (("from", entry.from_), ("to", entry.to))
        )
        times = Weekly(days, start, until, zone)
        if times.never_ends:
            raise document.error(
                ("maintenance", n, "days"),
                "these hours never end: nobody would be notified any more",
                "leave a day out, or write an entry of allow, which has an end",
            )
        return times
    raise document.error(
        ("maintenance", n),
        "it needs either starts_at and ends_at, or days, from and to",
    )


def _time(document: Document, path: Path, text: str) -> time:
    try:
        return parse_time_of_day(text)
    except WrongTextError as error:
        raise document.wrong_text(path, error) from None


def _refuse_repeated_names(document: Document, file: _File) -> None:
    names = {"allow": [each.name for each in file.allow]}
    names["maintenance"] = [each.name for each in file.maintenance]
    for part, given in names.items():
        for n, name in enumerate(given):
            if name in given[:n]:
                raise document.error((part, n, "name"), f'"{name}" is there twice')


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
