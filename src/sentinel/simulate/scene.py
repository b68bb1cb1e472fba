"""The scene of a scenario: its customers, its clock, and events with their usual values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sentinel.model.events import Complaint, Event, Login, Transaction
from sentinel.simulate.places import ABROAD, CITIES, Place
from sentinel.simulate.population import (
    PAYEES,
    Population,
    account_id,
    customer_id,
    device_id,
    ip_address,
    payee_id,
)

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Scene:
    """One instance of a scenario.

    ``cast`` are the numbers of its customers.  Times in scripts are seconds after the start,
    multiplied by ``pace`` (1 is natural, 0.01 a hundred times faster).
    """

    people: Population
    cast: tuple[int, ...]
    start_ms: int
    pace: float
    rng: np.random.Generator
    next_id: Callable[[], str]

    def time_ms(self, after_s: float) -> int:
        """The event time ``after_s`` seconds of natural time into the scene."""
        return self.start_ms + int(after_s * 1000 * self.pace)

    def number(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both possible."""
        return int(self.rng.integers(low, high, endpoint=True))

    def amount(self, low: float, high: float) -> float:
        """An amount between ``low`` and ``high``, in cents."""
        return round(float(self.rng.uniform(low, high)), 2)

    def stranger(self) -> str:
        """An account that no customer of the population usually pays."""
        return payee_id(PAYEES + self.number(0, 1_000_000))

    def intruder(self) -> "Intruder":
        """Someone far away, on a device that was never seen."""
        place = ABROAD[self.number(0, len(ABROAD) - 1)]
        return Intruder(
            place=place,
            device_id=f"D{self.number(1 << 40, (1 << 41) - 1):x}",
            ip=ip_address(place.network, self.number(0, 65_535)),
        )

    def transaction(self, who: int, after_s: float, **fields: Any) -> Transaction:
        """A transaction of ``who``, from where and how they usually do it."""
        city = CITIES[int(self.people.city[who])]
        usual: dict[str, Any] = {
            "kind": "transfer",
            "direction": "debit",
            "channel": "mobile",
            "product": "current_account",
            "account_id": account_id(who),
            "country": city.country,
            "balance_after": round(float(self.people.balance[who]), 2),
        }
        return Transaction(
            event_id=self.next_id(),
            event_time=self.time_ms(after_s),
            customer_id=customer_id(who),
            **(usual | fields),
        )

    def login(self, who: int, after_s: float, by: "Intruder | None" = None, **fields: Any) -> Login:
        """A login step of ``who``, by themselves at home or ``by`` an intruder."""
        city = CITIES[int(self.people.city[who])]
        usual: dict[str, Any] = {
            "kind": "login",
            "success": True,
            "method": "password",
            "channel": "mobile",
            "device_id": device_id(who, 0),
            "ip": ip_address(city.network, who * 31 % 65_536),
            "country": city.country,
            "lat": round(float(self.people.lat[who]), 4),
            "lon": round(float(self.people.lon[who]), 4),
        }
        theirs = by.traces() if by else {}
        return Login(
            event_id=self.next_id(),
            event_time=self.time_ms(after_s),
            customer_id=customer_id(who),
            **(usual | theirs | fields),
        )

    def complaint(self, who: int, after_s: float, complaint_id: str, **fields: Any) -> Complaint:
        """A step of the complaint ``complaint_id`` of ``who``."""
        usual: dict[str, Any] = {"status": "received", "channel": "hotline"}
        return Complaint(
            event_id=self.next_id(),
            event_time=self.time_ms(after_s),
            complaint_id=complaint_id,
            customer_id=customer_id(who),
            **(usual | fields),
        )


@dataclass(frozen=True, slots=True)
class Intruder:
    """The place, device and address of an attacker."""

    place: Place
    device_id: str
    ip: str

    def traces(self) -> dict[str, Any]:
        """The event fields that give the intruder away."""
        return {
            "device_id": self.device_id,
            "ip": self.ip,
            "country": self.place.country,
            "lat": self.place.lat,
            "lon": self.place.lon,
        }


@dataclass(frozen=True, slots=True)
class Scenario:
    """A script: its label, how many customers it needs, its longest natural length.

    ``decidable`` returns the index, among an instance's events in the order played, of the first
    event from which on the attack differs from ordinary events.
    """

    name: str
    customers: int
    length_ms: int
    play: Callable[[Scene], Iterator[Event]]
    decidable: Callable[[Sequence[Event]], int]
