"""Card testing: a stolen card tried with small amounts at many shops, then used in full."""

from collections.abc import Iterator, Sequence
from typing import Any

from sentinel.model.events import Event
from sentinel.simulate.population import MERCHANTS, merchant_id
from sentinel.simulate.scene import MINUTE_S, Scenario, Scene


def _play(scene: Scene) -> Iterator[Event]:
    (victim,) = scene.cast
    intruder = scene.intruder()
    card: dict[str, Any] = {
        "kind": "card",
        "channel": "online",
        "product": "credit_card",
        "device_id": intruder.device_id,
        "ip": intruder.ip,
    }
    now = 0.0
    for _ in range(scene.number(8, 14)):
        now += scene.number(5, 25)
        declined = scene.rng.random() < 0.4
        yield scene.transaction(
            victim,
            now,
            amount=scene.amount(0.5, 15),
            status="declined" if declined else "approved",
            merchant_id=merchant_id(scene.number(0, MERCHANTS - 1)),
            mcc="5816",
            **card,
        )
    for _ in range(scene.number(1, 3)):
        now += scene.number(30, 60)
        yield scene.transaction(
            victim,
            now,
            amount=scene.amount(30, 60) * round(float(scene.people.spend[victim])),
            merchant_id=merchant_id(scene.number(0, MERCHANTS - 1)),
            mcc="5732",
            limit_used=scene.amount(0.85, 1.0),
            **card,
        )


def _decidable(events: Sequence[Event]) -> int:  # noqa: ARG001 - the same in each instance
    """The third small purchase within a minute or so."""
    return 2


CARD_TESTING = Scenario("card_testing", 1, 9 * MINUTE_S * 1000, _play, _decidable)
