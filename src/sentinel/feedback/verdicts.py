"""Verdicts on events, counted for each rule, shadow rules included.

A verdict comes with an alert's disposition, and is then one on each event behind the alert, or
alone: a chargeback, a complaint that was right.  It counts for every rule that fired on the event,
whether the rule raised the alert or only watched; so a shadow rule is measured on the same
answers as those that page.  The newest verdict on an event is the truth: it undoes the one before.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from sentinel.model.events import EventKey
from sentinel.model.response import Verdict
from sentinel.model.signal import Mode, Signal
from sentinel.model.stage import WHOLE_STATE, Buffer, Parts
from sentinel.model.step import Limit
from sentinel.state import newest

Tally = tuple[str, str, str]
"""Rule id, mode (live or shadow) as of its firing, and verdict."""


class _Fired(Struct):
    """The rules that fired on one event, and what it was found to be."""

    rules: list[tuple[str, Mode]]
    verdict: Verdict | None = None


class Verdicts:
    """The newest events on which rules fired, at most ``capacity``, and the tallies of all time.

    An evicted event can no longer be given a verdict; one that it had stays counted.  Signals of
    shared entities are known by the event that made them fire.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._fired: OrderedDict[EventKey, _Fired] = OrderedDict()
        self._tallies: Counter[Tally] = Counter()
        self.limits: Counter[Limit] = Counter()

    def note(self, signals: Sequence[Signal]) -> None:
        """Keep which rules fired on an event."""
        for signal in signals:
            fired = self._fired.setdefault(signal.event, _Fired([]))
            rule = (signal.rule_id, signal.mode)
            if rule in fired.rules:
                continue
            fired.rules.append(rule)
            if fired.verdict is not None:
                self._tallies[*rule, fired.verdict] += 1
        while len(self._fired) > self._capacity:
            self._fired.popitem(last=False)
            self.limits[Limit.FIRED_EVENTS] += 1

    def judge(self, events: Iterable[EventKey], verdict: Verdict) -> int:
        """Give events a verdict; returns how many of them are kept."""
        known = 0
        for event in events:
            fired = self._fired.get(event)
            if fired is None:
                continue
            known += 1
            for rule in fired.rules:
                if fired.verdict is not None:
                    self._tallies[*rule, fired.verdict] -= 1
                self._tallies[*rule, verdict] += 1
            fired.verdict = verdict
        return known

    @property
    def tallies(self) -> Counter[Tally]:
        """How many events of each rule were found to be what."""
        return self._tallies

    def carry(self, old: "Verdicts") -> None:
        """Continue where ``old`` stands."""
        self.restore(old.snapshot())

    def snapshot(self) -> dict[str, Buffer]:
        """All that is kept; equal states give equal bytes."""
        tallies = sorted((key, count) for key, count in self._tallies.items() if count)
        return {WHOLE_STATE: msgspec.msgpack.encode((list(self._fired.items()), tallies))}

    def spot(self) -> bytes:
        """The events on which rules fired last, and how many got a verdict."""
        return msgspec.msgpack.encode((newest(self._fired), self._tallies.total()))

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave."""
        kind = tuple[list[tuple[EventKey, _Fired]], list[tuple[Tally, int]]]
        fired, tallies = msgspec.msgpack.decode(bytes(parts[WHOLE_STATE]), type=kind)
        self._fired, self._tallies = OrderedDict(fired), Counter(dict(tallies))
