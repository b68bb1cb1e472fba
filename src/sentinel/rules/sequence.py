"""Sequences: steps of one customer in order of event time, whatever the order of arrival.

For each customer the matches of every step are kept while they can still be part of a
chain; events may arrive late by as much as the sequence's span.  A final event fires once,
when a chain up to it is complete, even if an earlier step arrives after it.
"""

from bisect import insort
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from sentinel.model.document import Document, Path
from sentinel.model.duration import parse_duration
from sentinel.model.events import Stream
from sentinel.model.signal import Clause
from sentinel.model.step import Limit
from sentinel.rules.pattern import Match, Part
from sentinel.state import newest

MAX_MATCHES = 16  # of one step and customer
MAX_CUSTOMERS = 100_000  # with a sequence under way, of one rule


class SequenceStep(Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a sequence: an event of a stream that meets a condition."""

    on: Stream
    when: str


class Steps(Struct, frozen=True, forbid_unknown_fields=True):
    """Steps in this order of event time, all inside ``within``."""

    within: str
    steps: Annotated[list[SequenceStep], Meta(min_length=2, max_length=4)]

    @property
    def within_ms(self) -> int:
        """The span in milliseconds."""
        return parse_duration(self.within)

    @property
    def parts(self) -> list[Part]:
        """The steps in their order."""
        return [
            Part(each.on, each.when, ("steps", number, "when"))
            for number, each in enumerate(self.steps)
        ]

    def check(self, document: Document, path: Path) -> None:
        """Raise ConfigError if ``within`` is not a duration."""
        document.duration_ms((*path, "within"), self.within)

    def follow(self) -> "SequenceState":
        """Nobody has met a step yet."""
        return SequenceState(len(self.steps), self.within_ms)


class Track(Struct, gc=False):
    """One customer's matches: of the final step, and of each step before it."""

    finals: list[Match]
    earlier: list[list[Match]]

    @property
    def armed(self) -> bool:
        """Whether a final event may complete a chain, as things stand.

        One that may not only waits, in case an earlier step is late; nobody needs its
        explanation then.
        """
        return any(self.earlier)

    def step(self, number: int) -> list[Match]:
        """The matches of a step, from 0."""
        return self.earlier[number] if number < len(self.earlier) else self.finals


class SequenceState:
    """The matches of one sequence rule, by customer."""

    def __init__(self, steps: int, within_ms: int) -> None:
        self.last_step, self._within_ms = steps - 1, within_ms
        self._customers: OrderedDict[str, Track] = OrderedDict()

    def process(
        self,
        customer_id: str,
        part: int,
        match: Match,
        explain: Callable[[], tuple[Clause, ...]],
        limits: Counter[Limit],
    ) -> list[tuple[Match, ...]]:
        """Apply a match of a step; returns the chains that it completes."""
        track = self.track(customer_id, limits)
        if part < self.last_step or track.armed:
            match.clauses = tuple(
                msgspec.structs.replace(each, step=part + 1) for each in explain()
            )
        return self.add(track, part, match, limits)

    def track(self, customer_id: str, limits: Counter[Limit]) -> Track:
        """The customer's track, made if need be; theirs is now the last to be forgotten."""
        track = self._customers.get(customer_id)
        if track is not None:
            self._customers.move_to_end(customer_id)
            return track
        if len(self._customers) == MAX_CUSTOMERS:
            self._customers.popitem(last=False)
            limits[Limit.SEQUENCE_CUSTOMERS] += 1
        track = self._customers[customer_id] = Track([], [[] for _ in range(self.last_step)])
        return track

    def add(
        self, track: Track, step: int, match: Match, limits: Counter[Limit]
    ) -> list[tuple[Match, ...]]:
        """Add a match; returns the chains that it completes, oldest final event first."""
        mine = track.step(step)
        if not mine or mine[-1].event_time < match.event_time:
            mine.append(match)
        elif match.key in [each.key for each in mine]:
            return []
        else:
            insort(mine, match)
        armed = track.armed
        steps = [track.finals, *track.earlier] if armed else [track.finals]
        newest = max([each[-1].event_time for each in steps if each])
        oldest = newest - 2 * self._within_ms
        for matches in steps:
            while matches and matches[0].event_time < oldest:
                matches.pop(0)
        if len(mine) > MAX_MATCHES:
            limits[Limit.SEQUENCE_MATCHES] += 1
            if mine.pop(0) is match:
                return []
        if not armed:
            return []
        return self._completed(track, [match] if mine is track.finals else track.finals, match)

    def _completed(
        self, track: Track, finals: Sequence[Match], match: Match
    ) -> list[tuple[Match, ...]]:
        """The chains up to one of these ``finals`` that ``match`` may have completed.

        Those before it cannot have got a chain by it, nor can others by a final event.
        """
        chains: list[tuple[Match, ...]] = []
        for final in finals:
            if not final.fired and final.event_time >= match.event_time:
                start = final.event_time - self._within_ms
                chain = _chain(track.earlier, start, (final,))
                if chain is not None:
                    final.fired = True
                    chains.append(chain)
        return chains

    def snapshot(self) -> bytes:
        """All matches as bytes."""
        return msgspec.msgpack.encode(list(self._customers.items()))

    def spot(self) -> bytes:
        """The customers who matched last."""
        return msgspec.msgpack.encode(newest(self._customers))

    def restore(self, data: bytes) -> None:
        """Restore the state that :meth:`snapshot` returned."""
        self._customers = OrderedDict(msgspec.msgpack.decode(data, type=list[tuple[str, Track]]))


def _chain(
    earlier: Sequence[list[Match]], start: int, later: tuple[Match, ...]
) -> tuple[Match, ...] | None:
    """Matches for the ``earlier`` steps at or after ``start``, distinct and before ``later``."""
    if not earlier:
        return later
    for match in reversed(earlier[-1]):
        if match.event_time < start:
            break
        if match.event_time <= later[0].event_time and all(match.key != each.key for each in later):
            chain = _chain(earlier[:-1], start, (match, *later))
            if chain is not None:
                return chain
    return None
