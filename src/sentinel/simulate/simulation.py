"""The simulation: ordinary events and labelled scenarios, merged in order of event time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple, cast

import numpy as np
from msgspec import Struct

from sentinel.model.events import EVENT_TYPES, Event, Stream
from sentinel.simulate.complaints import draw_complaint
from sentinel.simulate.logins import draw_logins
from sentinel.simulate.population import Ints, Population, draw_population, hourly_activity
from sentinel.simulate.scenarios import SCENARIOS
from sentinel.simulate.scene import Scenario, Scene
from sentinel.simulate.transactions import draw_transactions

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_BLOCK_EVENTS = 4_000  # of a steady rate; the natural rhythm is drawn hour by hour
_TRANSACTIONS, _LOGINS = 0.55, 0.997  # shares of ordinary events, cumulated; complaints: the rest
_STARTING_SHARE = 0.6  # of a bounded run, in which scenarios start, so that they can end


class Label(Struct, frozen=True, gc=False):
    """What a labelled event belongs to; one ``instance`` is one attack.

    From the first ``decidable`` event on the attack differs from ordinary events.
    """

    scenario: str
    instance: int
    decidable: bool


class Item(NamedTuple):
    """An event of a stream, and its label if it is part of a scenario."""

    stream: Stream
    event: Event
    label: Label | None


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Events of ``customers`` simulated customers from ``start_ms`` (UTC); iterate it.

    Ordinary events come first: ``history_days`` days that end at ``start_ms``, of the
    first ``regulars`` customers (all, if None), without scenarios.  From ``start_ms`` on
    all customers act, either with the rhythm of their days or, with ``events_per_second``,
    at a steady rate of event time, for ``days`` days (None: for ever).

    Every day ``attacks_per_day`` scenarios start, of each kind in turn; regulars who were not
    attacked yet come first.  A scenario longer than ``squeeze_ms``, or than what remains of the
    run, is played faster; the others keep their natural length.

    Iterating twice gives the same items twice.  About 5 µs an event.
    """

    customers: int
    start_ms: int
    seed: int = 7
    days: float | None = 2
    history_days: float = 0
    regulars: int | None = None
    events_per_second: float | None = None
    attacks_per_day: float = 20
    squeeze_ms: int | None = None

    def __iter__(self) -> Iterator[Item]:
        for block in self.blocks():
            yield from block

    def blocks(self) -> Iterator[list[Item]]:
        """The items in lists of some thousands: cheaper to hand on than one by one."""
        return _Run(self).blocks()

    @property
    def end_ms(self) -> int | None:
        """The moment before which every event lies; None: there is no end."""
        return None if self.days is None else self.start_ms + round(self.days * _DAY_MS)


class _Run:
    """One pass over a simulation: its random generators and its scheduled events."""

    def __init__(self, plan: Simulation) -> None:
        self._plan = plan
        seeds = np.random.SeedSequence(plan.seed).spawn(4)
        of_people, of_life, of_attacks, of_victims = map(np.random.default_rng, seeds)
        self._people: Population = draw_population(plan.customers, of_people)
        self._regulars = min(plan.regulars or plan.customers, plan.customers)
        self._life = of_life
        self._attacks = of_attacks
        self._victims = _endless(self._regulars, of_victims)
        self._planned: list[tuple[int, int, Item]] = []  # a heap: time, order, item
        self._planned_count = 0
        self._events = 0
        self._instances = 0
        self._prefix = f"E{plan.start_ms // 1000:x}"

    def blocks(self) -> Iterator[list[Item]]:
        plan = self._plan
        time = plan.start_ms - round(plan.history_days * _DAY_MS)
        while time < plan.start_ms:
            upto = min(time + _HOUR_MS - time % _HOUR_MS, plan.start_ms)
            yield self._block(time, upto, self._regulars, steady=False)
            time = upto
        steady = plan.events_per_second is not None
        step = int(_BLOCK_EVENTS * 1000 / plan.events_per_second) if plan.events_per_second else 0
        end = plan.end_ms
        attacks = self._attack_times()
        attack = next(attacks)
        while end is None or time < end:
            upto = time + (max(step, 1) if steady else _HOUR_MS - time % _HOUR_MS)
            upto = upto if end is None else min(upto, end)
            while attack < upto:
                self._stage(attack)
                attack = next(attacks)
            yield self._block(time, upto, plan.customers, steady=steady)
            time = upto

    def _attack_times(self) -> Iterator[int]:
        """When scenarios start: ascending, evenly with a jitter; then never."""
        plan = self._plan
        gap = _DAY_MS / plan.attacks_per_day if plan.attacks_per_day > 0 else np.inf
        last = np.inf if plan.days is None else plan.days * _DAY_MS * _STARTING_SHARE
        offset_ms = gap * float(self._attacks.random())
        while offset_ms < last:
            yield plan.start_ms + int(offset_ms)
            offset_ms += gap * float(self._attacks.uniform(0.5, 1.5))
        while True:
            yield 1 << 62

    def _stage(self, start_ms: int) -> None:
        """Schedule the events of the next scenario."""
        scenario: Scenario = SCENARIOS[self._instances % len(SCENARIOS)]
        room = [ms for ms in (self._plan.squeeze_ms, self._left(start_ms)) if ms is not None]
        scene = Scene(
            people=self._people,
            cast=tuple(next(self._victims) for _ in range(scenario.customers)),
            start_ms=start_ms,
            pace=min([1.0, *(ms / scenario.length_ms for ms in room)]),
            rng=self._attacks,
            next_id=self._next_id,
        )
        events = list(scenario.play(scene))
        first = scenario.decidable(events)
        self._wait(events[:first], Label(scenario.name, self._instances, decidable=False))
        self._wait(events[first:], Label(scenario.name, self._instances, decidable=True))
        self._instances += 1

    def _left(self, time: int) -> int | None:
        end = self._plan.end_ms
        return None if end is None else end - time

    def _block(self, start: int, end: int, customers: int, *, steady: bool) -> list[Item]:
        """Everything in [start, end) ms, which must lie in one hour unless ``steady``."""
        rate = hourly_activity(self._people, customers, start).cumsum()
        if steady:
            expected = (self._plan.events_per_second or 0) * (end - start) / 1000
        else:
            expected = rate[-1] * (end - start) / _HOUR_MS
        n = int(self._life.poisson(expected))
        times = start + np.sort(self._life.integers(0, end - start, n))
        who = np.searchsorted(rate, self._life.random(n) * rate[-1], side="right")
        which = self._life.random(n)
        paying, visiting = which < _TRANSACTIONS, (which >= _TRANSACTIONS) & (which < _LOGINS)
        for index in np.flatnonzero(which >= _LOGINS).tolist():
            self._complain(int(who[index]), int(times[index]))
        transactions = draw_transactions(
            self._people, who[paying], times[paying], self._ids(int(paying.sum())), self._life
        )
        logins = draw_logins(
            self._people, who[visiting], times[visiting], self._ids(int(visiting.sum())), self._life
        )
        waited = self._due(end)
        return _merge(
            [
                *(Item(Stream.TRANSACTION, event, None) for event in transactions),
                *(Item(Stream.LOGIN, event, None) for event in logins),
                *waited,
            ],
            np.concatenate(
                [times[paying], times[visiting], [time_ms(item.event) for item in waited]]
            ).astype(np.int64),
        )

    def _complain(self, who: int, time: int) -> None:
        self._wait(draw_complaint(self._people, who, time, self._next_id(), self._life), None)

    def _wait(self, events: Iterable[Event], label: Label | None) -> None:
        for event in events:
            item = Item(_STREAM_OF[type(event)], event, label)
            self._planned_count += 1
            heappush(self._planned, (time_ms(event), self._planned_count, item))

    def _due(self, end: int) -> list[Item]:
        """The waiting items before ``end``, in order."""
        due = []
        while self._planned and self._planned[0][0] < end:
            due.append(heappop(self._planned)[2])
        return due

    def _next_id(self) -> str:
        return self._ids(1)[0]

    def _ids(self, n: int) -> Sequence[str]:
        first, self._events = self._events, self._events + n
        prefix = self._prefix
        return [f"{prefix}{number:08x}" for number in range(first, first + n)]


_STREAM_OF = {kind: stream for stream, kind in EVENT_TYPES.items()}


def time_ms(event: Event) -> int:
    """The event's time; simulated events have it in milliseconds already."""
    return cast("int", event.event_time)


def _merge(items: list[Item], times: Ints) -> list[Item]:
    """The items in order of their times, equal ones as they stand."""
    return [items[index] for index in np.argsort(times, kind="stable").tolist()]


def _endless(count: int, rng: np.random.Generator) -> Iterator[int]:
    """The numbers below ``count`` in random order, again and again."""
    while True:
        yield from rng.permutation(count).tolist()
