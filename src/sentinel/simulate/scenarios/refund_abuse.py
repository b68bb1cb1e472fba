"""Refund abuse: purchase after purchase is reversed, within days, at the same few shops."""

from collections.abc import Iterator, Sequence
from typing import Any

from sentinel.model.events import Event
from sentinel.simulate.population import MERCHANTS, merchant_id
from sentinel.simulate.scene import HOUR_S, Scenario, Scene


def _play(scene: Scene) -> Iterator[Event]:
    (abuser,) = scene.cast
    shops = [merchant_id(scene.number(0, MERCHANTS - 1)) for _ in range(2)]
    now = 0.0
    for n in range(scene.number(6, 10)):
        purchase: dict[str, Any] = {
            "kind": "card",
            "channel": "online",
            "product": "credit_card",
            "amount": scene.amount(800, 4_000),
            "merchant_id": shops[n % 2],
            "mcc": "5732",
        }
        yield scene.transaction(abuser, now, **purchase)
        now += scene.number(HOUR_S, 4 * HOUR_S)
        yield scene.transaction(
            abuser, now, **(purchase | {"direction": "credit", "status": "reversed"})
        )
        now += scene.number(HOUR_S, 8 * HOUR_S)


def _decidable(events: Sequence[Event]) -> int:  # noqa: ARG001 - the same in each instance
    """The third purchase that is reversed."""
    return 5


REFUND_ABUSE = Scenario("refund_abuse", 1, 120 * HOUR_S * 1000, _play, _decidable)
