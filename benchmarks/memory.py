"""A million customers: bytes for each, and what they do to the cost of an event.

Runs as a process of its own, so that what it holds can be read off the process.  Every
customer has two events before anything is measured.  The cost of an event is taken on
further events, in turn with an engine that knows ten thousand customers in the same
way; that one is made anew each time, lest its customers' histories grow longer.
"""

import gc
import json
import os
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.configs import shipped
from benchmarks.events import EVENTS_PER_DAY, START_MS, events, steps
from sentinel.configuration import Configuration
from sentinel.engine import Engine

MANY, FEW = 1_000_000, 10_000
_EVENTS_EACH = 2
_STEP = 10_000
_ROUNDS = 7
_LATER_MS = START_MS + _EVENTS_EACH * 86_400_000 // EVENTS_PER_DAY


def measure() -> dict[str, Any]:
    """``bytes_per_customer`` and ``growth_10k_to_1m``."""
    configuration = Configuration.parse(shipped())
    _filled(configuration, FEW)  # kernels are compiled, pools are grown
    before = _resident_bytes()
    large = _filled(configuration, MANY)
    grown = _resident_bytes() - before
    ratios = []
    for number in range(_ROUNDS):
        small = _filled(configuration, FEW)
        few_s, many_s = _cost_s(small, FEW, number), _cost_s(large, MANY, number)
        ratios.append(many_s / few_s)
    return {
        "bytes_per_customer": max(large.bytes_per_customer, grown / MANY),
        "growth_10k_to_1m": median(ratios),
        "details": {
            "keyed_state_bytes": large.bytes_per_customer,
            "resident_bytes": grown / MANY,
            "cost_ratios": ratios,
        },
    }


def _filled(configuration: Configuration, customers: int) -> Engine:
    engine = Engine(configuration)
    records = events(customers * _EVENTS_EACH, customers=customers, everyone=True)
    for step in steps(records, _STEP):
        outcome = engine.process(step)
    assert outcome.slots_used == customers
    return engine


def _cost_s(engine: Engine, customers: int, number: int) -> float:
    """Seconds that a step of customers at random takes."""
    (step,) = steps(events(_STEP, customers=customers, seed=number, start_ms=_LATER_MS), _STEP)
    started = time.perf_counter()
    engine.process(step)
    return time.perf_counter() - started


def _resident_bytes() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(json.dumps(measure()))
