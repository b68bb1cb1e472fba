"""The simulator: the same seed gives the same bytes, and attacks are labelled, not marked."""

from collections import Counter

import msgspec
import pytest

from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.simulate import Item, Simulation
from sentinel.simulate.simulation import time_ms

START_MS = 1_767_571_200_000
DAY_MS = 86_400_000


def _items(seed: int = 7, attacks_per_day: float = 40) -> list[Item]:
    simulation = Simulation(
        customers=60, start_ms=START_MS, seed=seed, days=1, attacks_per_day=attacks_per_day
    )
    return list(simulation)


def _encoded(items: list[Item]) -> list[tuple[Stream, bytes]]:
    return [(item.stream, msgspec.json.encode(item.event)) for item in items]


def test_the_seed_decides_every_byte() -> None:
    """Two runs of one seed are equal, another seed differs."""
    assert _encoded(_items()) == _encoded(_items())
    assert _encoded(_items()) != _encoded(_items(seed=8))


def test_events_are_in_order_and_inside_the_run() -> None:
    """Event times ascend, from the start to a day later; ids are never used twice."""
    items = _items()
    times = [time_ms(item.event) for item in items]
    assert times == sorted(times)
    assert times[0] >= START_MS
    assert times[-1] < START_MS + DAY_MS
    assert len({item.event.event_id for item in items}) == len(items)


def test_every_event_is_one_that_ingest_takes() -> None:
    """What is written decodes to the same event under the limits of its type."""
    for item in _items():
        assert msgspec.json.decode(msgspec.json.encode(item.event), type=EVENT_TYPES[item.stream])


@pytest.mark.parametrize("attacks_per_day", [0, 40])
def test_labels_stand_beside_events_never_in_them(attacks_per_day: float) -> None:
    """All scenarios occur where attacks are asked for, and no event names its scenario."""
    items = _items(attacks_per_day=attacks_per_day)
    scenarios = Counter(item.label.scenario for item in items if item.label)
    assert len(scenarios) == (7 if attacks_per_day else 0)
    written = b"".join(value for _, value in _encoded(items))
    assert not [name for name in scenarios if name.encode() in written]
