"""``configs/routes.yaml``: channels, limits and the routing tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType, field

from sentinel.delivery.routes import Route, Rung
from sentinel.model.document import Document, did_you_mean, parse
from sentinel.model.document import Path as Place
from sentinel.model.duration import parse_duration
from sentinel.model.hours import DAYS, Weekly, parse_time_of_day
from sentinel.model.matcher import parse_matcher

Name = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ChannelError(Exception):
    """A channel cannot be used; the message names what is missing, and never a secret."""


class Secret(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret is: an environment variable or a file."""

    env: str = ""
    file: str = ""

    def read(self, environ: Mapping[str, str]) -> str:
        """The secret itself; raises ChannelError."""
        if self.env:
            if not environ.get(self.env):
                raise ChannelError(f"{self.env} is not set")
            return environ[self.env]
        try:
            return Path(self.file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ChannelError(f"{self.file}: {error.strerror}") from None


class Rate(Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many pages in a time."""

    pages: Annotated[int, Meta(ge=1)]
    per: str


_NEEDS_KEY = ("pagerduty", "webhook")
_MAY_HAVE_KEY = ("dingtalk", "feishu")  # where the robot's signature is switched on
_USUAL_RATE = Rate(pages=60, per="1m")
_USUAL_RATES = {
    "dingtalk": Rate(pages=20, per="1m"),
    "wecom": Rate(pages=20, per="1m"),
    "feishu": Rate(pages=100, per="1m"),
}
# Beyond these a robot refuses: DingTalk refuses everything for the next ten minutes.
_MOST_A_MINUTE = {"dingtalk": 20, "wecom": 20}


class ChannelEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One channel as it is written; ``rate`` is the usual one of its type if none is."""

    type: Literal[
        "pagerduty",
        "alertmanager",
        "webhook",
        "dingtalk",
        "wecom",
        "feishu",
        "slack",
        "teams",
        "apprise",
    ]
    url: str | Secret
    key: Secret | UnsetType = UNSET
    written_rate: Rate | UnsetType = field(default=UNSET, name="rate")

    @property
    def rate(self) -> Rate:
        """At most so many pages are sent in a time."""
        if self.written_rate is not UNSET:
            return self.written_rate
        return _USUAL_RATES.get(self.type, _USUAL_RATE)


class _Rung(Struct, frozen=True, forbid_unknown_fields=True):
    channels: Annotated[tuple[str, ...], Meta(min_length=1)]
    after: str = ""


class _Hours(Struct, frozen=True, forbid_unknown_fields=True):
    from_: str = field(name="from")
    to: str
    days: tuple[Day, ...] = DAYS  # type: ignore[assignment]


class _Route(Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    match: tuple[str, ...] = ()
    hours: _Hours | UnsetType = UNSET
    continue_: bool = field(default=False, name="continue")
    ladder: Annotated[tuple[_Rung, ...], Meta(min_length=1)] | UnsetType = UNSET
    quiet: _Hours | UnsetType = UNSET
    routes: tuple["_Route", ...] = ()


class _Retry(Struct, frozen=True, forbid_unknown_fields=True):
    first: str
    longest: str
    give_up: str
    timeout: str


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    link: str
    ignore_older_than: str
    keep: str
    retry: _Retry
    channels: dict[Name, ChannelEntry]
    route: _Route
    late_link: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that routes.yaml says, checked; lengths of time in milliseconds.

    ``zone`` is the bank's, for the times that a digest of late alerts names.
    """

    link: str
    late_link: str
    zone: ZoneInfo
    ignore_older_than_ms: int
    keep_ms: int
    first_retry_ms: int
    longest_retry_ms: int
    give_up_ms: int
    timeout_ms: int
    channels: dict[str, ChannelEntry]
    root: Route


def read_folder(folder: Path) -> Plan:
    """The plan in a configuration folder; raises ConfigError, and OSError for a missing file."""
    engine = parse((folder / "engine.yaml").read_text(encoding="utf-8"), "engine.yaml")
    text = (folder / "routes.yaml").read_text(encoding="utf-8")
    try:
        zone = ZoneInfo(engine.data["timezone"])
    except (KeyError, ValueError, OSError):
        raise engine.error(("timezone",), "no such time zone") from None
    return read_plan(parse(text, "routes.yaml"), zone)


def read_plan(document: Document, zone: ZoneInfo) -> Plan:
    """The plan in ``document``; local times are of ``zone``.

    Raises :class:`~sentinel.model.document.ConfigError`.
    """
    file = document.convert(_File)
    if "{alert_id}" not in file.link:
        raise document.error(("link",), "the link must have {alert_id} in it")
    for name, entry in file.channels.items():
        _check_channel(document, name, entry)
    reader = _Reader(document, zone, frozenset(file.channels))
    root_entry = file.route
    if root_entry.match or root_entry.hours is not UNSET or root_entry.continue_:
        raise document.error(("route",), "the first route takes every alert: no match, no hours")
    if root_entry.ladder is UNSET:
        raise document.error(("route",), "the first route needs a ladder")
    root = reader.route(("route",), root_entry, (), None)
    names = [route.name for route in root.walk()]
    for name in names:
        if names.count(name) > 1:
            raise document.error(("route",), f'two routes are called "{name}"')
    return Plan(
        link=file.link,
        late_link=file.late_link or file.link.replace("{alert_id}", ""),
        zone=zone,
        ignore_older_than_ms=_duration(document, ("ignore_older_than",), file.ignore_older_than),
        keep_ms=_duration(document, ("keep",), file.keep),
        first_retry_ms=_duration(document, ("retry", "first"), file.retry.first),
        longest_retry_ms=_duration(document, ("retry", "longest"), file.retry.longest),
        give_up_ms=_duration(document, ("retry", "give_up"), file.retry.give_up),
        timeout_ms=_duration(document, ("retry", "timeout"), file.retry.timeout),
        channels=file.channels,
        root=root,
    )


def _check_channel(document: Document, name: str, entry: ChannelEntry) -> None:
    """Check a channel's key and rate against its type; raises ConfigError."""
    place: Place = ("channels", name)
    if entry.type in _NEEDS_KEY and entry.key is UNSET:
        raise document.error(place, f"a {entry.type} channel needs a key")
    if entry.type not in _NEEDS_KEY + _MAY_HAVE_KEY and entry.key is not UNSET:
        raise document.error((*place, "key"), f"a {entry.type} channel has no key")
    per_ms = _duration(document, (*place, "rate", "per"), entry.rate.per)
    most = _MOST_A_MINUTE.get(entry.type)
    # The pages of a longer time may be sent in one minute of it.
    if most is not None and entry.rate.pages > most * min(1.0, per_ms / 60_000):
        raise document.error(
            (*place, "rate"),
            f"a {entry.type} robot accepts {most} messages a minute",
            f"at most {{pages: {most}, per: 1m}}",
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    document: Document
    zone: ZoneInfo
    channels: frozenset[str]

    def route(
        self, place: Place, entry: _Route, ladder: tuple[Rung, ...], quiet: Weekly | None
    ) -> Route:
        """The route at ``place``; ladder and quiet hours are its parent's."""
        if entry.ladder is not UNSET:
            ladder = tuple(
                self._rung((*place, "ladder", n), rung) for n, rung in enumerate(entry.ladder)
            )
        if entry.quiet is not UNSET:
            quiet = self._hours((*place, "quiet"), entry.quiet)
        matchers = []
        for n, text in enumerate(entry.match):
            try:
                matchers.append(parse_matcher(text))
            except ValueError as error:
                raise self.document.error((*place, "match", n), str(error)) from None
        hours = None if entry.hours is UNSET else self._hours((*place, "hours"), entry.hours)
        return Route(
            name=entry.name,
            matchers=tuple(matchers),
            hours=hours,
            goes_on=entry.continue_,
            ladder=ladder,
            quiet=quiet,
            routes=tuple(
                self.route((*place, "routes", n), each, ladder, quiet)
                for n, each in enumerate(entry.routes)
            ),
        )

    def _rung(self, place: Place, rung: _Rung) -> Rung:
        for n, name in enumerate(rung.channels):
            if name not in self.channels:
                hint = did_you_mean(name, self.channels)
                raise self.document.error(
                    (*place, "channels", n), f'there is no channel "{name}"', hint
                )
        after_ms = _duration(self.document, (*place, "after"), rung.after) if rung.after else 0
        return Rung(after_ms, rung.channels)

    def _hours(self, place: Place, entry: _Hours) -> Weekly:
        times = []
        for name, text in (("from", entry.from_), ("to", entry.to)):
            try:
                times.append(parse_time_of_day(text))
            except ValueError as error:
                raise self.document.error((*place, name), str(error)) from None
        return Weekly(frozenset(map(DAYS.index, entry.days)), times[0], times[1], self.zone)


def _duration(document: Document, place: Place, text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise document.error(place, str(error)) from None
