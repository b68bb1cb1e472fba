"""Who had to be told by when, and who was: what a run lost, told late, twice or wrongly."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from tests.pages.process import RESTART_MS, RETRY_LONGEST_MS, TIMEOUT_MS
from tests.pages.stories import (
    CHANNELS,
    CHAT,
    MINUTE,
    RED_CHANNELS,
    RUNG_CHANNEL,
    SECOND,
    SPARE,
    Duty,
    End,
    Kind,
    Story,
)
from tests.pages.world import Outcome

ON_TIME_MS = 2 * SECOND
ALARM_MS = 2 * MINUTE
_FALLBACK_MS = 30 * SECOND
_RECOVER_MS = RETRY_LONGEST_MS + 4 * TIMEOUT_MS
_CHAT_MS = 65 * SECOND  # a robot's rate
_LADDER = (*RED_CHANNELS, RUNG_CHANNEL)


@dataclass(frozen=True)
class Damage:
    """What a row has spoiled: ``channels`` from ``start_ms`` to ``end_ms``.

    ``slack_ms`` after the end all that waits has been told.  ``reads``: alerts are read
    meanwhile.  ``refuses``: what is told meanwhile is given up.  ``resends``: a receiver may
    have what the pager cannot know.  ``early_ms``: by so much time may seem to have passed; a
    duration may be ``stretch`` times as long.  Not ``alarms``: what waits for long is no fault
    of a receiver.  ``kills`` are when the pager's process was ended.
    """

    start_ms: int = 0
    end_ms: int = 0
    channels: frozenset[str] = frozenset()
    slack_ms: int = 0
    reads: bool = True
    early_ms: int = 0
    stretch: float = 1.0
    refuses: bool = False
    resends: bool = False
    alarms: bool = True
    kills: Sequence[int] = ()

    def covers(self, channel: str, at_ms: float) -> bool:
        """Whether what is to be told then may have to wait."""
        return self.wait_ms(channel, at_ms) > 0

    def wait_ms(self, channel: str, at_ms: float) -> float:
        """Until when what is to be told then may have to wait; 0 if it need not."""
        spans = [(kill_ms, kill_ms + RESTART_MS + _RECOVER_MS) for kill_ms in self.kills]
        if channel in self.channels:
            spans.append((self.start_ms, self.end_ms + self.slack_ms))
        return max((end for start, end in spans if start - ON_TIME_MS <= at_ms < end), default=0)


@dataclass
class Verdict:
    """Counts of a run, and in ``wrongs`` what each fault of the pager was.

    ``alarm_ms`` is when an alarm must fire; None if everybody could be told.  ``is_calm``: no
    alarm may fire at all.
    """

    duties: int = 0
    told: int = 0
    resent: int = 0
    wrongs: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    red_ms: list[float] = field(default_factory=list)
    alarm_ms: int | None = None
    is_calm: bool = False

    def blame(self, what: str, example: str) -> None:
        """Count a fault of the pager."""
        self.wrongs[what] += 1
        if len(self.examples) < 20:
            self.examples.append(f"{what}: {example}")


class Ledger:
    """Compares what was told with what had to be."""

    def __init__(self, outcome: Outcome, damage: Damage) -> None:
        self._outcome, self._damage = outcome, damage
        is_calm = not damage.channels and damage.reads
        self._verdict = Verdict(told=len(outcome.told), is_calm=is_calm)
        self._told: dict[tuple[str, str], list[tuple[int, Kind]]] = defaultdict(list)
        for each in outcome.told:
            self._told[each.channel, each.alert_id].append((each.at_ms, each.kind))

    def close(self) -> Verdict:
        """Everything that is to be found."""
        for story in self._outcome.stories:
            for record in story.records:
                self._check_read(record.alert_id, record.revision, record.at_ms)
            for duty in story.duties:
                self._check_duty(duty)
            for end in story.ends:
                self._check_end(end)
            self._check_last(story)
        self._check_extra()
        if self._outcome.leaks:
            self._verdict.blame("leak", f"{self._outcome.leaks} secrets in logs or metrics")
        if left := self._outcome.left["due"]:
            self._verdict.blame("left", f"{left} pages wait at the end")
        return self._verdict

    def _read_ms(self, alert_id: str, revision: int) -> float:
        return self._outcome.read_ms.get((alert_id, revision), inf)

    def _span(self, duty: Duty) -> tuple[float, float]:
        """From when somebody is to be told, and until when he may be."""
        until = self._read_ms(duty.alert_id, duty.until) if duty.until else inf
        return self._read_ms(duty.alert_id, duty.of) + self._damage.stretch * duty.after_ms, until

    def _earliest(self, duty: Duty, at_ms: float) -> float:
        """When somebody may be told at the earliest: of a later rung, by a clock set ahead."""
        since_ms = self._read_ms(duty.alert_id, duty.of)
        return max(since_ms, since_ms + duty.after_ms - self._damage.early_ms)

    def _deadline(self, channel: str, at_ms: float) -> float:
        usual = at_ms + self._damage.stretch * (_CHAT_MS if channel == CHAT else ON_TIME_MS)
        return max(usual, self._damage.wait_ms(channel, at_ms))

    def _check_read(self, alert_id: str, revision: int, at_ms: int) -> None:
        damage, read_ms = self._damage, self._read_ms(alert_id, revision)
        deadline = at_ms + ON_TIME_MS
        if not damage.reads and damage.start_ms <= deadline:
            deadline = max(deadline, damage.end_ms + damage.slack_ms)
        for kill_ms in damage.kills:
            if kill_ms <= deadline:
                deadline = max(deadline, kill_ms + RESTART_MS + ON_TIME_MS)
        if read_ms > deadline:
            self._verdict.blame("late", f"{alert_id} revision {revision} read at {read_ms}")
        if read_ms - at_ms > ALARM_MS:
            self._want_alarm(at_ms)

    def _check_duty(self, duty: Duty) -> None:
        verdict, channel = self._verdict, duty.channel
        at_ms, until_ms = self._span(duty)
        if until_ms <= at_ms:
            return
        verdict.duties += 1
        deadline = self._deadline(channel, at_ms)
        told_ms = self._first(channel, duty.alert_id, Kind.TRIGGER, self._earliest(duty, at_ms))
        if told_ms > at_ms + ALARM_MS and until_ms > at_ms + ALARM_MS:
            self._want_alarm(at_ms)
        if duty.is_red and not self._damage.covers(channel, at_ms):
            verdict.red_ms.append(told_ms - at_ms)
        self._check_fallback(duty, at_ms, until_ms, told_ms)
        if told_ms <= deadline or until_ms <= deadline:
            return
        if self._damage.refuses and self._damage.covers(channel, at_ms):
            self._want_alarm(at_ms)
            return
        what = "lost" if told_ms == inf else "late"
        verdict.blame(what, f"{channel} of {duty.alert_id}, due {at_ms}, told {told_ms}")

    def _check_fallback(self, duty: Duty, at_ms: float, until_ms: float, told_ms: float) -> None:
        if duty.channel not in _LADDER:
            return
        soon_ms = at_ms + _FALLBACK_MS + TIMEOUT_MS + ON_TIME_MS
        soon_ms = max(soon_ms, self._damage.wait_ms(SPARE, at_ms))
        spare_ms = self._first(SPARE, duty.alert_id, Kind.TRIGGER, at_ms)
        if min(told_ms, spare_ms, until_ms) > soon_ms:
            self._verdict.blame(
                "nobody", f"{duty.alert_id}, due {at_ms} on {duty.channel}, fallback {spare_ms}"
            )

    def _check_end(self, end: End) -> None:
        read_ms = self._read_ms(end.alert_id, end.of)
        superseded_ms = self._read_ms(end.alert_id, end.of + 1)
        for channel in CHANNELS:
            if channel == "manager" and end.kind is Kind.ACKNOWLEDGE:
                continue  # Alertmanager knows no such thing
            heard = self._first(channel, end.alert_id, Kind.TRIGGER, -inf)
            if heard >= read_ms:
                continue
            told_ms = self._first(channel, end.alert_id, end.kind, read_ms)
            if min(told_ms, superseded_ms) <= self._deadline(channel, read_ms):
                continue
            if self._damage.refuses and self._damage.covers(channel, read_ms):
                self._want_alarm(read_ms)
            else:
                self._verdict.blame("quiet", f"{channel} of {end.alert_id}'s {end.kind}: {told_ms}")

    def _check_last(self, story: Story) -> None:
        """A receiver that knows alerts again shows each as it is."""
        alert_id = story.records[0].alert_id
        for channel in (*_LADDER, SPARE):
            told = self._told.get((channel, alert_id))
            if not told or self._damage.refuses:
                continue
            kinds = [
                *((duty.of, Kind.TRIGGER) for duty in story.duties if duty.is_red),
                *((end.of, end.kind) for end in story.ends),
            ]
            if channel == "manager":
                kinds = [each for each in kinds if each[1] is not Kind.ACKNOWLEDGE]
            if not kinds:
                continue
            last = max(kinds, key=lambda each: each[0])
            is_whole = channel in RED_CHANNELS or last[1] is not Kind.TRIGGER
            if is_whole and told[-1][1] is not last[1]:
                self._verdict.blame(
                    "wrong", f"{channel} shows {alert_id} as {told[-1]}, not {last}"
                )

    def _check_extra(self) -> None:
        """Nobody hears what was taken back, or more than once where that can be helped."""
        spans: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        for story in self._outcome.stories:
            for duty in story.duties:
                at_ms, until_ms = self._span(duty)
                spans[duty.channel, duty.alert_id].append((self._earliest(duty, at_ms), until_ms))
                if duty.channel in _LADDER and self._is_doubtful(duty.channel, at_ms, until_ms):
                    spans[SPARE, duty.alert_id].append((at_ms, until_ms))
        for (channel, alert_id), told in self._told.items():
            if channel == "manager":
                continue  # it is told again and again
            times = [at_ms for at_ms, kind in told if kind is Kind.TRIGGER]
            allowed = spans[channel, alert_id]
            for at_ms in times:
                if not any(since <= at_ms <= until + TIMEOUT_MS for since, until in allowed):
                    self._verdict.blame("wrong", f"{channel} told of {alert_id} at {at_ms}")
            most = len({since for since, _ in allowed})
            if (extra := len(times) - most) > 0:
                if self._damage.resends or self._outcome.kills:
                    self._verdict.resent += extra
                else:
                    self._verdict.blame("doubled", f"{channel} of {alert_id}: {times}")

    def _is_doubtful(self, channel: str, at_ms: float, until_ms: float) -> bool:
        damage = self._damage
        begins = damage.start_ms - ON_TIME_MS
        return (
            channel in damage.channels
            and until_ms > begins
            and at_ms < (damage.end_ms + damage.slack_ms)
        )

    def _first(self, channel: str, alert_id: str, kind: Kind, from_ms: float) -> float:
        return min(self._times(channel, alert_id, kind, from_ms), default=inf)

    def _times(self, channel: str, alert_id: str, kind: Kind, from_ms: float) -> Iterator[float]:
        for at_ms, sent in self._told.get((channel, alert_id), ()):
            if sent is kind and at_ms >= from_ms:
                yield at_ms

    def _want_alarm(self, at_ms: float) -> None:
        if not self._damage.alarms:
            return
        wanted = round(at_ms) + ALARM_MS
        self._verdict.alarm_ms = min(self._verdict.alarm_ms or wanted, wanted)
