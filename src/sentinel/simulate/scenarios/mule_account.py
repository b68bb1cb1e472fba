"""Mule account: money from many strangers comes in and leaves at once."""

from collections.abc import Iterator, Sequence

from sentinel.model.events import Event
from sentinel.simulate.scene import MINUTE_S, Scenario, Scene


def _play(scene: Scene) -> Iterator[Event]:
    (mule,) = scene.cast
    received = 0.0
    now = 0.0
    for _ in range(scene.number(9, 16)):
        amount = scene.amount(2_000, 20_000)
        received += amount
        yield scene.transaction(
            mule, now, direction="credit", amount=amount, counterparty_id=scene.stranger()
        )
        now += scene.number(30, 150)
    exits = scene.number(2, 4)
    for _ in range(exits):
        now += scene.number(60, 300)
        yield scene.transaction(
            mule,
            now,
            amount=round(received * 0.95 / exits, 2),
            counterparty_id=scene.stranger(),
            balance_after=scene.amount(0, 500),
        )


def _decidable(events: Sequence[Event]) -> int:  # noqa: ARG001 - the same in each instance
    """The fifth stranger who pays in within minutes."""
    return 4


MULE_ACCOUNT = Scenario("mule_account", 1, 60 * MINUTE_S * 1000, _play, _decidable)
