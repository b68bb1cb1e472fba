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
from benchmarks.size import Size
from sentinel.engine import Configuration, Engine
from sentinel.replay.loop import LoopBack


def measure(files: Mapping[str, str], size: Size, end_ms: int) -> dict[str, Any]:
    """``rollups_cost``: the share of throughput that shared entities take, 0 to 1.

    ``engine_whole_events_per_s`` is the rate with them.
    """
    with (
        apart(_with, files, size, end_ms) as shared,
        apart(_without, by_customer(files), size, end_ms) as alone,
    ):
        rates = side_by_side({"shared": shared, "alone": alone}, size.rounds)
    return {
        "rollups_cost": 1 - ratio(rates, "shared", "alone"),
        "engine_whole_events_per_s": median(rates["shared"]),
        "details": {name: median(each) for name, each in rates.items()},
    }


def _with(files: Mapping[str, str], size: Size, end_ms: int) -> Iterator[float]:
    return _rounds(LoopBack(Engine(Configuration.parse(files))), size, end_ms)


def _without(files: Mapping[str, str], size: Size, end_ms: int) -> Iterator[float]:
    return _rounds(Engine(Configuration.parse(files)), size, end_ms)


def _rounds(engine: Engine | LoopBack, size: Size, end_ms: int) -> Iterator[float]:
    records = events(size.engine_events, customers=size.customers, end_ms=end_ms)
    ahead = steps(records, size.step_events)
    while True:
        yield events_per_s(engine, list(islice(ahead, size.steps)))
