"""What happens to the alerts of a run, and whom that obliges the pager to tell.

The obligations are written down beside each story, from docs/pages.md: nothing here asks the
pager's own code what it would do.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.delivery.alerts import NOW, alert

from sentinel.alerting.cloudevent import encode
from sentinel.model.alert import AlertState, Change, Resolution, Suppression, Suppressor, Tier

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
START = NOW
"""When a run begins, in ms UTC."""
SECOND_RUNG_MS = 3 * MINUTE
RED_CHANNELS, RUNG_CHANNEL, CHAT, SPARE = ("duty", "manager"), "cases", "chat", "spare"
CHANNELS = (*RED_CHANNELS, RUNG_CHANNEL, CHAT, SPARE)


class Kind(StrEnum):
    """What a receiver is told of an alert."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True)
class Record:
    """A revision of an alert, written to the alerts topic at ``at_ms`` after the start."""

    at_ms: int
    alert_id: str
    revision: int
    value: bytes


@dataclass(frozen=True)
class Duty:
    """Who must be told of an alert: ``after_ms`` after the pager took in revision ``of``.

    Not if it took in revision ``until`` before; 0 if there is none.
    """

    channel: str
    alert_id: str
    of: int
    until: int
    after_ms: int = 0
    is_red: bool = True


@dataclass(frozen=True)
class End:
    """At revision ``of`` the alert is answered: whoever had been told of it is told that too."""

    alert_id: str
    of: int
    kind: Kind


@dataclass(frozen=True)
class Story:
    """One alert: its revisions, and what they oblige to."""

    records: Sequence[Record]
    duties: Sequence[Duty]
    ends: Sequence[End] = ()


class _Teller:
    """Writes one story: each call is the alert's next revision."""

    def __init__(self, alert_id: str, at_ms: int) -> None:
        self._id, self._opened_ms, self._tier = alert_id, at_ms, Tier.RED
        self.records: list[Record] = []
        self._duties: list[tuple[str, int, int, bool]] = []
        self._open_until: dict[int, int] = {}
        self.ends: list[End] = []

    def _write(self, at_ms: int, **changes: Any) -> int:
        revision = len(self.records) + 1
        tier = changes.setdefault("tier", self._tier)
        moment = START + at_ms
        more = {"opened_at": START + self._opened_ms, "updated_at": moment} | changes
        value = encode(alert(self._id, revision, **more))
        self.records.append(Record(at_ms, self._id, revision, value))
        self._tier = tier
        return revision

    def _stop(self, revision: int) -> None:
        """What is still to be told, is to be told no more."""
        for number in [of for of, until in self._open_until.items() if not until]:
            self._open_until[number] = revision

    def fires(self, at_ms: int, tier: Tier) -> None:
        """The alert opens, rises, or fires again: the ladder begins anew."""
        change = Change.ROSE if self.records else Change.OPENED
        revision = self._write(at_ms, tier=tier, change=change)
        self._stop(revision)
        self._open_until[revision] = 0
        first = RED_CHANNELS if tier is Tier.RED else (CHAT,)
        self._duties += [(channel, revision, 0, tier is Tier.RED) for channel in first]
        if tier is Tier.RED:
            self._duties.append((RUNG_CHANNEL, revision, SECOND_RUNG_MS, True))

    def falls(self, at_ms: int, tier: Tier) -> None:
        """Nobody is told that an alert is less grave."""
        self._write(at_ms, tier=tier, change=Change.FELL)

    def acknowledged(self, at_ms: int) -> None:
        """Somebody takes it up."""
        state = {"state": AlertState.ACKNOWLEDGED, "change": Change.ACKNOWLEDGED}
        revision = self._write(at_ms, acknowledged_by="u1", **state)
        self._stop(revision)
        self.ends.append(End(self._id, revision, Kind.ACKNOWLEDGE))

    def resolved(self, at_ms: int) -> None:
        """It is over."""
        state = {"state": AlertState.RESOLVED, "change": Change.RESOLVED}
        revision = self._write(at_ms, resolution=Resolution.QUIET, **state)
        self._stop(revision)
        self.ends.append(End(self._id, revision, Kind.RESOLVE))

    def suppressed(self, at_ms: int, tier: Tier) -> None:
        """It opens under a silence."""
        self._write(at_ms, tier=tier, suppressed=(Suppressor(Suppression.SILENCE, "s1"),))

    def story(self) -> Story:
        """What has been written."""
        duties = [
            Duty(channel, self._id, of, self._open_until[of], after_ms, is_red)
            for channel, of, after_ms, is_red in self._duties
        ]
        return Story(self.records, duties, self.ends)


def stories(chance: random.Random, count: int, most_ms: int) -> list[Story]:
    """So many alerts that open within ``most_ms``; in every nine there is one of each kind."""
    return [_story(chance, number, most_ms) for number in range(count)]


def flood(count: int, at_ms: int) -> list[Story]:
    """So many yellow alerts at one moment, and nobody answers."""
    found = []
    for number in range(count):
        teller = _Teller(f"f{number:04d}", at_ms)
        teller.fires(at_ms, Tier.YELLOW)
        found.append(teller.story())
    return found


def _story(chance: random.Random, number: int, most_ms: int) -> Story:
    at_ms = chance.randrange(most_ms)
    teller = _Teller(f"s{number:04d}", at_ms)

    def later(least_ms: int, longest_ms: int) -> int:
        nonlocal at_ms
        at_ms += chance.randrange(least_ms, longest_ms)
        return at_ms

    match number % 9:
        case 0:  # nobody answers
            teller.fires(at_ms, Tier.RED)
        case 1:
            teller.fires(at_ms, Tier.RED)
            teller.acknowledged(later(20 * SECOND, 4 * MINUTE))
            teller.resolved(later(20 * SECOND, 3 * MINUTE))
        case 2:
            teller.fires(at_ms, Tier.RED)
            teller.resolved(later(20 * SECOND, 4 * MINUTE))
        case 3:
            teller.fires(at_ms, Tier.ORANGE)
            teller.fires(later(20 * SECOND, 3 * MINUTE), Tier.RED)
            teller.acknowledged(later(20 * SECOND, 4 * MINUTE))
        case 4:  # down and up again
            teller.fires(at_ms, Tier.RED)
            teller.falls(later(20 * SECOND, 2 * MINUTE), Tier.YELLOW)
            teller.fires(later(20 * SECOND, 3 * MINUTE), Tier.RED)
        case 5:
            teller.fires(at_ms, Tier.ORANGE)
        case 6:
            teller.fires(at_ms, Tier.YELLOW)
            teller.resolved(later(20 * SECOND, 4 * MINUTE))
        case 7:  # a silence ends
            teller.suppressed(at_ms, Tier.RED)
            teller.fires(later(20 * SECOND, 3 * MINUTE), Tier.RED)
        case 8:  # what was taken up begins again
            teller.fires(at_ms, Tier.RED)
            teller.acknowledged(later(20 * SECOND, 3 * MINUTE))
            teller.fires(later(20 * SECOND, 4 * MINUTE), Tier.RED)
    return teller.story()
