"""Account takeover: guesses, a login from afar on a new device, new credentials, a drain."""

from collections.abc import Iterator, Sequence

from sentinel.model.events import Event, Login
from sentinel.simulate.scene import MINUTE_S, Scenario, Scene


def _play(scene: Scene) -> Iterator[Event]:
    (victim,) = scene.cast
    intruder = scene.intruder()
    now = 0.0
    for _ in range(scene.number(4, 8)):
        yield scene.login(victim, now, intruder, success=False, failure_reason="bad_password")
        now += scene.number(6, 20)
    yield scene.login(victim, now, intruder)
    now += scene.number(20, 60)
    yield scene.login(victim, now, intruder, kind="password_change")
    now += scene.number(15, 45)
    yield scene.login(victim, now, intruder, kind="mfa_change")
    payee = scene.stranger()
    now += scene.number(15, 45)
    yield scene.login(victim, now, intruder, kind="payee_added")
    left = max(float(scene.people.balance[victim]), 40 * float(scene.people.spend[victim]))
    for _ in range(scene.number(2, 4)):
        now += scene.number(20, 90)
        amount = round(left * float(scene.rng.uniform(0.3, 0.45)), 2)
        left -= amount
        yield scene.transaction(
            victim,
            now,
            amount=amount,
            counterparty_id=payee,
            balance_after=round(left, 2),
            **intruder.traces(),
        )


def _decidable(events: Sequence[Event]) -> int:
    """The login that succeeds after the guesses."""
    return next(n for n, event in enumerate(events) if isinstance(event, Login) and event.success)


ACCOUNT_TAKEOVER = Scenario("account_takeover", 1, 14 * MINUTE_S * 1000, _play, _decidable)
