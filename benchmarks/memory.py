"""A million customers: bytes for each, and what they do to the cost of an event.

``python -m benchmarks.memory MANY FEW ROUNDS END_MS`` is a process of its own, because it reads its
own resident memory.  Every customer has two events before anything is measured.  The cost of
an event is measured on further events, in turn with an engine of few customers, which is
built again each round so that its customers' histories stay as short.
"""

import gc
import json
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.configs import shipped
from benchmarks.events import events, span_ms, steps
from sentinel.engine import Configuration, Engine

_EVENTS_EACH = 2
_STEP = 10_000
_SEEN = 0.99  # of the customers: who has only complaints may have none of them


def measure(many: int, few: int, rounds: int, end_ms: int) -> dict[str, Any]:
    """``bytes_per_customer`` and ``growth_10k_to_1m``."""
    configuration = Configuration.parse(shipped())
    filled_ms = end_ms - span_ms(_STEP, few)
    _filled(configuration, few, filled_ms)  # kernels are compiled, pools are grown
    before = _resident_bytes()
    large = _filled(configuration, many, filled_ms)
    grown = _resident_bytes() - before
    ratios = []
    for number in range(rounds):
        small = _filled(configuration, few, filled_ms)
        few_s = _cost_s(small, few, number, filled_ms)
        many_s = _cost_s(large, many, number, filled_ms)
        ratios.append(many_s / few_s)
    return {
        "bytes_per_customer": max(large.bytes_per_customer, grown / many),
        "growth_10k_to_1m": median(ratios),
        "details": {
            "keyed_state_bytes": large.bytes_per_customer,
            "resident_bytes": grown / many,
            "cost_ratios": ratios,
        },
    }


def _filled(configuration: Configuration, customers: int, end_ms: int) -> Engine:
    engine = Engine(configuration)
    count = customers * _EVENTS_EACH
    for step in steps(events(count, customers=customers, end_ms=end_ms, everyone=True), _STEP):
        engine.process(step)
    assert engine.gauges().slots_used >= _SEEN * customers
    return engine


def _cost_s(engine: Engine, customers: int, number: int, filled_ms: int) -> float:
    """Seconds that a step of customers at random takes; its event ids are new in each round."""
    records = events(
        _STEP,
        customers=customers,
        end_ms=filled_ms + span_ms(_STEP, customers),
        seed=number,
        first_id=(_EVENTS_EACH * customers) + number * _STEP,
    )
    (step,) = steps(records, _STEP)
    started = time.perf_counter()
    outcome = engine.process(step)
    spent_s = time.perf_counter() - started
    assert sum(outcome.counts.events.values()) == _STEP
    return spent_s


def _resident_bytes() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
