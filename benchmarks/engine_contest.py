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
from sentinel.configuration import Configuration
from sentinel.engine import Engine

_CUSTOMERS = 50_000
_STEP_EVENTS = 5_000
_STEPS, _PEER_EVENTS, _ROUNDS = 20, 5_000, 7
_SAMPLE_EVENTS = 16_000  # so many that both detectors have scored a window
_EVENTS = (_ROUNDS + 1) * _STEPS * _STEP_EVENTS


def measure(files: Mapping[str, str]) -> dict[str, Any]:
    """``engine_events_per_s`` and ``engine_vs_river``, with what stands behind them."""
    sample = events(_SAMPLE_EVENTS, customers=_SAMPLE_EVENTS // 20, everyone=True)
    theirs = by_customer(files)
    agreed = agreement(theirs, list(sample))
    with apart(_engine_rounds, files) as engine, apart(_river_rounds, theirs) as river:
        rates = side_by_side({"engine": engine, "river": river}, _ROUNDS)
    whole = list(steps(events(2 * _STEPS * _STEP_EVENTS, customers=_CUSTOMERS), _STEP_EVENTS))
    return {
        "engine_events_per_s": median(rates["engine"]),
        "engine_vs_river": ratio(rates, "engine", "river"),
        "details": {
            "events_per_s": rates,
            "agreement": agreed,
            "engine_us_per_event": stage_us(files, whole[:_STEPS], whole[_STEPS:]),
        },
    }


def _engine_rounds(files: Mapping[str, str]) -> Iterator[float]:
    engine = Engine(Configuration.parse(files))
    ahead = steps(events(_EVENTS, customers=_CUSTOMERS), _STEP_EVENTS)
    while True:
        yield events_per_s(engine, list(islice(ahead, _STEPS)))


def _river_rounds(files: Mapping[str, str]) -> Iterator[float]:
    peer = RiverPeer(files)
    gc.disable()
    ahead = events(_EVENTS, customers=_CUSTOMERS)
    while True:
        records = list(islice(ahead, _PEER_EVENTS))
        started = time.perf_counter()
        for record in records:
            peer.process(record)
        yield len(records) / (time.perf_counter() - started)
