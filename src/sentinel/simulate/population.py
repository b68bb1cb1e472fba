"""The customers: who they are and what is usual for them, as arrays.

Ids and usual counterparties are arithmetic on the customer's number, so a million
customers cost a few arrays and no strings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentinel.simulate.places import CITIES, CITY_SHARE

PAYEES, MERCHANTS = 200_000, 20_000
LOCAL_OFFSET_MS = 8 * 3_600_000  # China Standard Time; no summer time since 1991

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EVENTS_A_DAY = 4.0
_HOURS = np.arange(24)


@dataclass(frozen=True, slots=True)
class Population:
    """Habits of n customers; every array has length n.

    ``activity`` events a day, ``spend`` the median payment in CNY, ``balance`` in CNY,
    ``usual_hour`` int64 0-23 local, ``city`` int64 index in CITIES, ``lat``/``lon`` of the
    home in degrees, ``days_past_due`` of a loan (0 mostly), ``limit_used`` share of the
    card's limit.
    """

    activity: Floats
    spend: Floats
    balance: Floats
    usual_hour: Ints
    city: Ints
    lat: Floats
    lon: Floats
    days_past_due: Floats
    limit_used: Floats

    def __len__(self) -> int:
        return len(self.activity)


def draw_population(count: int, rng: np.random.Generator) -> Population:
    """Draw ``count`` customers: log-normal money and activity, cities by their size."""
    city = rng.choice(len(CITIES), count, p=CITY_SHARE)
    income = rng.lognormal(np.log(8_000), 0.6, count)
    peak = np.where(rng.random(count) < 0.6, rng.normal(13, 3, count), rng.normal(20, 2, count))
    in_arrears = rng.random(count) < 0.02
    return Population(
        activity=_EVENTS_A_DAY * rng.lognormal(-0.125, 0.5, count),
        spend=income * 0.02 * rng.lognormal(0, 0.4, count),
        balance=income * rng.lognormal(1.2, 0.8, count),
        usual_hour=peak.astype(np.int64) % 24,
        city=city,
        lat=np.array([place.lat for place in CITIES])[city] + rng.normal(0, 0.05, count),
        lon=np.array([place.lon for place in CITIES])[city] + rng.normal(0, 0.05, count),
        days_past_due=np.where(in_arrears, np.floor(rng.exponential(18, count)) + 1, 0),
        limit_used=rng.beta(1.5, 4, count),
    )


def _daily_rhythm() -> Floats:
    """float64[24 usual hours, 24 hours]: share of a day's events in each hour of the day."""
    away = np.abs(_HOURS[:, None] - _HOURS[None, :])
    away = np.minimum(away, 24 - away)
    awake = np.where((_HOURS >= 1) & (_HOURS < 6), 0.02, 1.0)
    weight = (np.exp(-0.5 * (away / 2.5) ** 2) + 0.04) * awake[None, :]
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


_RHYTHM = _daily_rhythm()


def hourly_activity(people: Population, count: int, time_ms: int) -> Floats:
    """float64[count]: events that the first customers make in the local hour of ``time_ms``."""
    local_hours = (time_ms + LOCAL_OFFSET_MS) // 3_600_000
    weekend = (local_hours // 24 + 4) % 7 in {0, 6}  # day 0 of the epoch was a Thursday
    share = _RHYTHM[people.usual_hour[:count], local_hours % 24]
    return np.asarray(people.activity[:count] * share * (0.8 if weekend else 1.0))


def customer_id(customer: int) -> str:
    """The id of a customer."""
    return f"C{customer:08d}"


def account_id(customer: int) -> str:
    """The id of the customer's main account."""
    return f"62220{customer:011d}"


def device_id(customer: int, which: int) -> str:
    """The id of the customer's ``which``-th device, from 0."""
    return f"D{customer:08x}{which:x}"


def payee_id(number: int) -> str:
    """The id of a payee's account."""
    return f"P{number:07d}"


def merchant_id(number: int) -> str:
    """The id of a merchant."""
    return f"M{number:06d}"


def usual(customer: Ints, which: Ints, among: int) -> Ints:
    """The number of each customer's ``which``-th usual payee or merchant, below ``among``."""
    return (customer * 2_654_435_761 + which * 40_503 * 65_537) % among


def ip_address(network: str, host: int) -> str:
    """An IP address in a place's network; ``host`` is 0-65535."""
    return f"{network}.{host >> 8}.{host & 255}"
