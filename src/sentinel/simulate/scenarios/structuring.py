"""Structuring: cash in below the 50,000 CNY report again and again, over some days."""

from collections.abc import Iterator, Sequence

from sentinel.model.events import Event
from sentinel.simulate.scene import DAY_S, HOUR_S, Scenario, Scene


def _play(scene: Scene) -> Iterator[Event]:
    (depositor,) = scene.cast
    for day in range(scene.number(3, 4)):
        now = day * DAY_S + scene.number(0, HOUR_S)
        for _ in range(scene.number(1, 3)):
            yield scene.transaction(
                depositor,
                now,
                kind="cash",
                direction="credit",
                amount=float(scene.number(450, 498) * 100),
                channel="branch",
                product="savings_account",
            )
            now += scene.number(HOUR_S, 2 * HOUR_S)


def _decidable(events: Sequence[Event]) -> int:  # noqa: ARG001 - the same in each instance
    """The second deposit just below the reporting threshold."""
    return 1


STRUCTURING = Scenario("structuring", 1, 4 * DAY_S * 1000, _play, _decidable)
