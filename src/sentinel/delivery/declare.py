"""``configs/routes.yaml``: channels, limits and the routing tree."""

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import asdict

from sentinel.delivery.entries import (
    MAY_HAVE_KEY,
    MOST_A_MINUTE,
    NEEDS_KEY,
    ChannelEntry,
    HeartbeatEntry,
)
from sentinel.delivery.page import LINK_FIELDS
from sentinel.delivery.routes import Route, Rung
from sentinel.model.document import Document, WrongTextError, did_you_mean
from sentinel.model.document import Path as DocumentPath
from sentinel.model.file import read_document
from sentinel.model.hours import DAYS, Weekly, parse_time_of_day, read_zone
from sentinel.model.matcher import Matcher
from sentinel.model.selection import read_matchers

_IN_BRACES = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

Name = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


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
    fallback: tuple[str, ...] | UnsetType = UNSET
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
    heartbeat: HeartbeatEntry | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Plan:
    """The contents of routes.yaml, validated; durations in milliseconds.

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
    heartbeat: HeartbeatEntry | None = None


def read_folder(folder: Path) -> Plan:
    """The plan in a configuration folder; raises ConfigError, and OSError for a missing file."""
    engine = read_document(folder / "engine.yaml", "engine.yaml")
    return read_plan(routes_of(folder), read_zone(engine))


def routes_of(folder: Path) -> Document:
    """The text of ``routes.yaml``; raises ConfigError, and OSError for a missing file."""
    return read_document(folder / "routes.yaml", "routes.yaml")


def read_plan(document: Document, zone: ZoneInfo) -> Plan:
    """The plan in ``document``; local times are of ``zone``.

    Raises :class:`~sentinel.model.document.ConfigError`.
    """
    file = document.convert(_File)
    _check_link(document, file.link)
    if {"{", "}"} & set(file.late_link):
        raise document.error(("late_link",), "a digest's link has no fields: it is of no one alert")
    for name, entry in file.channels.items():
        _check_channel(document, name, entry)
    reader = _Reader(document, zone, frozenset(file.channels))
    root_entry = file.route
    if root_entry.match or root_entry.hours is not UNSET or root_entry.continue_:
        raise document.error(("route",), "the first route takes every alert: no match, no hours")
    if root_entry.ladder is UNSET:
        raise document.error(("route",), "the first route needs a ladder")
    root = reader.route(("route",), root_entry, None, ())
    names = [route.name for route in root.walk()]
    for name in names:
        if names.count(name) > 1:
            raise document.error(("route",), f'two routes are called "{name}"')
    retry = _retry(document, file.retry)
    if file.heartbeat is not UNSET:
        document.duration_ms(("heartbeat", "every"), file.heartbeat.every)
    return Plan(
        link=file.link,
        late_link=file.late_link or _IN_BRACES.sub("", file.link),
        zone=zone,
        ignore_older_than_ms=document.duration_ms(("ignore_older_than",), file.ignore_older_than),
        keep_ms=document.duration_ms(("keep",), file.keep),
        first_retry_ms=retry["first"],
        longest_retry_ms=retry["longest"],
        give_up_ms=retry["give_up"],
        timeout_ms=retry["timeout"],
        channels=file.channels,
        root=root,
        heartbeat=None if file.heartbeat is UNSET else file.heartbeat,
    )


def _check_channel(document: Document, name: str, entry: ChannelEntry) -> None:
    """Check a channel's key and rate against its type; raises ConfigError."""
    path: DocumentPath = ("channels", name)
    if entry.type in NEEDS_KEY and entry.key is UNSET:
        raise document.error(path, f"a {entry.type} channel needs a key")
    if entry.type not in NEEDS_KEY + MAY_HAVE_KEY and entry.key is not UNSET:
        raise document.error((*path, "key"), f"a {entry.type} channel has no key")
    per_ms = document.duration_ms((*path, "rate", "per"), entry.rate.per)
    most = MOST_A_MINUTE.get(entry.type)
    # The pages of a longer time may be sent in one minute of it.
    if most is not None and entry.rate.pages > most * min(1.0, per_ms / 60_000):
        raise document.error(
            (*path, "rate"),
            f"a {entry.type} robot accepts {most} messages a minute",
            f"at most {{pages: {most}, per: 1m}}",
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    document: Document
    zone: ZoneInfo
    channels: frozenset[str]

    def route(
        self, path: DocumentPath, entry: _Route, parent: Route | None, above: tuple[Matcher, ...]
    ) -> Route:
        """The route at ``path``; what it does not set is inherited from its parent.

        ``above`` are the matchers of all its parents.
        """
        ladder = () if parent is None else parent.ladder
        quiet = None if parent is None else parent.quiet
        fallback = () if parent is None else parent.fallback
        if entry.ladder is not UNSET:
            ladder = tuple(
                self._rung((*path, "ladder", n), rung) for n, rung in enumerate(entry.ladder)
            )
            self._refuse_backwards((*path, "ladder"), ladder)
        if entry.quiet is not UNSET:
            quiet = self._quiet((*path, "quiet"), entry.quiet)
        if entry.fallback is not UNSET:
            fallback = entry.fallback
            self._check_channels((*path, "fallback"), fallback)
        matchers = read_matchers(self.document, (*path, "match"), entry.match, above)
        hours = None if entry.hours is UNSET else self._hours((*path, "hours"), entry.hours)
        route = Route(
            name=entry.name,
            matchers=matchers,
            hours=hours,
            goes_on=entry.continue_,
            ladder=ladder,
            quiet=quiet,
            routes=(),
            fallback=fallback,
        )
        children = tuple(
            self.route((*path, "routes", n), each, route, (*above, *matchers))
            for n, each in enumerate(entry.routes)
        )
        return replace(route, routes=children)

    def _rung(self, path: DocumentPath, rung: _Rung) -> Rung:
        self._check_channels((*path, "channels"), rung.channels)
        after_ms = self.document.duration_ms((*path, "after"), rung.after) if rung.after else 0
        return Rung(after_ms, rung.channels)

    def _check_channels(self, path: DocumentPath, names: tuple[str, ...]) -> None:
        for n, name in enumerate(names):
            if name not in self.channels:
                hint = did_you_mean(name, self.channels)
                raise self.document.error((*path, n), f'there is no channel "{name}"', hint)
            if name in names[:n]:
                raise self.document.error((*path, n), f'channel "{name}" is named twice')

    def _refuse_backwards(self, path: DocumentPath, ladder: tuple[Rung, ...]) -> None:
        for n, (earlier, rung) in enumerate(pairwise(ladder), 1):
            if rung.after_ms < earlier.after_ms:
                raise self.document.error(
                    (*path, n, "after"),
                    "this rung is paged before the one above it",
                    "order the ladder by after, which counts from the first page",
                )

    def _quiet(self, path: DocumentPath, entry: _Hours) -> Weekly:
        hours = self._hours(path, entry)
        if hours.never_ends:
            raise self.document.error(
                path,
                "these quiet hours never end: a page that is not red would never be sent",
                'leave a day out, or write a "to" other than "from"',
            )
        return hours

    def _hours(self, path: DocumentPath, entry: _Hours) -> Weekly:
        if not entry.days:
            hint = f"leave days out for every day, or name some of {', '.join(DAYS)}"
            raise self.document.error((*path, "days"), "hours on no day are never on", hint)
        times = []
        for name, text in (("from", entry.from_), ("to", entry.to)):
            try:
                times.append(parse_time_of_day(text))
            except WrongTextError as error:
                raise self.document.wrong_text((*path, name), error) from None
        return Weekly(frozenset(map(DAYS.index, entry.days)), times[0], times[1], self.zone)


def _check_link(document: Document, link: str) -> None:
    """Only the fields of a page's link are in braces; raises ConfigError."""
    for name in _IN_BRACES.findall(link):
        if name not in LINK_FIELDS:
            hint = did_you_mean(name, LINK_FIELDS)
            raise document.error(("link",), f'a link has no field "{{{name}}}"', hint)
    if {"{", "}"} & set(_IN_BRACES.sub("", link)):
        hint = "of a URL write { as %7B and } as %7D"
        raise document.error(("link",), "a brace that is no field's", hint)


def _retry(document: Document, entry: _Retry) -> dict[str, int]:
    """The lengths of time in ms, by name: first <= longest <= give_up, and timeout <= longest."""
    found = {
        name: document.duration_ms(("retry", name), text) for name, text in asdict(entry).items()
    }
    for shorter, longer in (("first", "longest"), ("longest", "give_up"), ("timeout", "longest")):
        if found[shorter] > found[longer]:
            raise document.error(
                ("retry", shorter),
                f"{shorter} is longer than {longer}",
                "first <= longest <= give_up, and timeout <= longest",
            )
    return found
