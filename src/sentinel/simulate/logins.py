"""Ordinary logins, log-outs and the rare change of a credential."""

from collections.abc import Sequence

import numpy as np

from sentinel.model.events import Login, LoginKind
from sentinel.simulate.places import CITIES
from sentinel.simulate.population import Ints, Population, customer_id, device_id, ip_address

_KINDS: tuple[LoginKind, ...] = (
    "login",
    "logout",
    "payee_added",
    "profile_change",
    "password_change",
    "mfa_change",
)
_SHARES = np.cumsum([0.80, 0.175, 0.014, 0.007, 0.003, 0.001])
_FAILURES = ("bad_password", "bad_password", "bad_otp", "expired_session")
_METHODS = ("biometric", "password", "sms_otp")
_AGENTS = (
    "SentinelBank/8.2 (iPhone; iOS 18.1)",
    "SentinelBank/8.2 (Android 15)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
)


def draw_logins(
    people: Population, who: Ints, times: Ints, ids: Sequence[str], rng: np.random.Generator
) -> list[Login]:
    """One session event for each customer ``who`` at each of ``times`` (ms), in that order."""
    n = len(who)
    kind = np.searchsorted(_SHARES, rng.random(n) * _SHARES[-1], side="right")
    failed = (kind == 0) & (rng.random(n) < 0.025)
    second = (who % 3 == 0) & (rng.random(n) < 0.2)  # a third of the customers have two devices
    located = rng.random(n) < 0.75
    host = (who * 31 + (times // 86_400_000) % 5) % 65_536
    return [
        _login(*values)
        for values in zip(
            ids,
            times.tolist(),
            who.tolist(),
            kind.tolist(),
            np.where(failed, rng.integers(0, len(_FAILURES), n), -1).tolist(),
            rng.integers(0, len(_METHODS), n).tolist(),
            second.tolist(),
            host.tolist(),
            people.city[who].tolist(),
            np.where(located, np.round(people.lat[who], 4), np.nan).tolist(),
            np.round(people.lon[who], 4).tolist(),
            strict=True,
        )
    ]


def _login(
    event_id: str,
    time: int,
    who: int,
    kind: int,
    failure: int,
    method: int,
    second: bool,
    host: int,
    city: int,
    lat: float,
    lon: float,
) -> Login:
    place = CITIES[city]
    located = lat == lat  # noqa: PLR0124 -- not NaN
    agent = 2 if second else who & 1
    return Login(
        event_id=event_id,
        event_time=time,
        customer_id=customer_id(who),
        kind=_KINDS[kind],
        success=failure < 0,
        failure_reason=None if failure < 0 else _FAILURES[failure],
        method=_METHODS[method],
        channel="web" if second else "mobile",
        device_id=device_id(who, int(second)),
        ip=ip_address(place.network, host),
        asn="AS4134",
        user_agent=_AGENTS[agent],
        country=place.country,
        lat=lat if located else None,
        lon=lon if located else None,
        session_id="S" + event_id,
    )
