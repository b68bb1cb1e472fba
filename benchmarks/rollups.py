"""What shared entities cost: the engine with all eight kinds beside the engine with none.

The one engine owns every entity itself: each event is summed up, sent over the wire's bytes,
joined and judged, as on a worker that owns as much as it tells others.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from statistics import median
from typing import Any

from benchmarks.configs import by_customer
from benchmarks.engine import events_per_s
from benchmarks.events import events, steps
from benchmarks.side_by_side import apart, ratio, side_by_side
from sentinel.configuration import Configuration
from sentinel.engine import Engine
from sentinel.replay.loop import LoopBack

_CUSTOMERS = 50_000
_STEP_EVENTS = 5_000
_STEPS, _ROUNDS = 20, 7
_EVENTS = (_ROUNDS + 1) * _STEPS * _STEP_EVENTS


def measure(files: Mapping[str, str]) -> dict[str, Any]:
    """``rollups_cost``: the share of throughput that shared entities take, 0 to 1."""
    with apart(_with, files) as shared, apart(_without, by_customer(files)) as alone:
        rates = side_by_side({"shared": shared, "alone": alone}, _ROUNDS)
    return {
        "rollups_cost": 1 - ratio(rates, "shared", "alone"),
        "details": {name: median(each) for name, each in rates.items()},
    }


def _with(files: Mapping[str, str]) -> Iterator[float]:
    return _rounds(LoopBack(Engine(Configuration.parse(files))))


def _without(files: Mapping[str, str]) -> Iterator[float]:
    return _rounds(Engine(Configuration.parse(files)))


def _rounds(engine: Engine | LoopBack) -> Iterator[float]:
    ahead = steps(events(_EVENTS, customers=_CUSTOMERS), _STEP_EVENTS)
    while True:
        yield events_per_s(engine, list(islice(ahead, _STEPS)))
