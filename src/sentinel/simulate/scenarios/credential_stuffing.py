"""Credential stuffing: one address tries leaked passwords on many customers; some fit."""

from collections.abc import Iterator, Sequence

from sentinel.model.events import Event
from sentinel.simulate.scene import MINUTE_S, Scenario, Scene


def _play(scene: Scene) -> Iterator[Event]:
    intruder = scene.intruder()
    now = 0.0
    for victim in scene.cast:
        guesses = scene.number(2, 7)
        for _ in range(guesses):
            yield scene.login(victim, now, intruder, success=False, failure_reason="bad_password")
            now += scene.number(1, 4)
        if scene.rng.random() < 0.25:
            yield scene.login(victim, now, intruder)
            now += scene.number(1, 4)
            yield scene.login(victim, now, intruder, kind="profile_change")
            now += scene.number(1, 4)


def _decidable(events: Sequence[Event]) -> int:
    """The first guess at a third customer from the same place."""
    customers = [event.customer_id for event in events]
    third = list(dict.fromkeys(customers))[2]
    return customers.index(third)


CREDENTIAL_STUFFING = Scenario("credential_stuffing", 20, 15 * MINUTE_S * 1000, _play, _decidable)
