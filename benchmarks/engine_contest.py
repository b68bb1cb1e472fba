"""The engine beside river: the same events, the same work, in turn, a process each.

Both read one sequence of events from its start and keep what they have learnt from
round to round; a round is as many events as each does in half a second, so the peer's
customers have shorter histories, which favours it.  The engine also sums up and judges what
customers share, which the peer does not.
"""

import gc
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from statistics import median
from typing import Any

from benchmarks.agreement import agreement
from benchmarks.configs import by_customer
from benchmarks.engine import events_per_s, stage_us
from benchmarks.events import events, steps
from benchmarks.river_peer import RiverPeer
from benchmarks.side_by_side import apart, ratio, side_by_side
from benchmarks.size import Size
from sentinel.engine import Configuration, Engine


def measure(files: Mapping[str, str], size: Size, end_ms: int) -> dict[str, Any]:
    """``engine_events_per_s`` and ``engine_vs_river``, with what stands behind them."""
    count = size.sample_events
    sample = events(count, customers=count // 20, end_ms=end_ms, everyone=True)
    theirs = by_customer(files)
    agreed = agreement(theirs, list(sample))
    with (
        apart(_engine_rounds, files, size, end_ms) as engine,
        apart(_river_rounds, theirs, size, end_ms) as river,
    ):
        rates = side_by_side({"engine": engine, "river": river}, size.rounds)
    count = 2 * size.steps * size.step_events
    whole = events(count, customers=size.customers, end_ms=end_ms)
    cut = list(steps(whole, size.step_events))
    return {
        "engine_events_per_s": median(rates["engine"]),
        "engine_vs_river": ratio(rates, "engine", "river"),
        "details": {
            "events_per_s": rates,
            "agreement": agreed,
            "engine_us_per_event": stage_us(files, cut[: size.steps], cut[size.steps :]),
        },
    }


def _engine_rounds(files: Mapping[str, str], size: Size, end_ms: int) -> Iterator[float]:
    engine = Engine(Configuration.parse(files))
    records = events(size.engine_events, customers=size.customers, end_ms=end_ms)
    ahead = steps(records, size.step_events)
    while True:
        yield events_per_s(engine, list(islice(ahead, size.steps)))


def _river_rounds(files: Mapping[str, str], size: Size, end_ms: int) -> Iterator[float]:
    peer = RiverPeer(files)
    gc.disable()
    ahead = events(size.engine_events, customers=size.customers, end_ms=end_ms)
    while True:
        records = list(islice(ahead, size.peer_events))
        started = time.perf_counter()
        for record in records:
            peer.process(record)
        yield len(records) / (time.perf_counter() - started)
