"""Where a step's microseconds go: ``python -m benchmarks.budget``.

The shipped configuration, in steps of 1, 100 and 50,000 events, each part without the parts
within it.  Times are of the wall clock; the part's time of a step is the median over the steps.
"""

import argparse
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import wraps
from importlib import import_module
from itertools import islice
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.configs import shipped
from benchmarks.events import events, steps
from sentinel.detect import DetectorSet
from sentinel.engine import Configuration, Engine
from sentinel.engine.intake import Intake
from sentinel.engine.timeline import Timeline
from sentinel.entities import Collector, EntityRiskCache, EntityRiskSender, Owner, RollupBuffer
from sentinel.features import Customers
from sentinel.ingest import Position
from sentinel.model.step import Step
from sentinel.rules import EntityRules, RuleSet
from sentinel.text import TextReader

_decode = import_module("sentinel.ingest.decode")  # the package has a function of this name
_intake = import_module("sentinel.engine.intake")
_features = import_module("sentinel.features.feature_set")

_PARTS: tuple[tuple[str, object, str], ...] = (
    ("scan of the records", _decode, "scan"),
    ("decode around it", _intake, "decode"),
    ("repeated ids", Position, "without_repeats"),
    ("merge of the streams", _intake, "merge"),
    ("intake around these", Intake, "read"),
    ("feature kernels", _features, "advance"),
    ("slots, features' inputs and columns", Customers, "update"),
    ("detectors", DetectorSet, "score"),
    ("texts", TextReader, "read"),
    ("risk of entities, known here", EntityRiskCache, "add_to"),
    ("rules", RuleSet, "evaluate"),
    ("collecting for shared entities", Collector, "collect"),
    ("rollups that arrive", Owner, "read"),
    ("rollups that are due", RollupBuffer, "process"),
    ("shared entities", Owner, "apply"),
    ("rules by shared entities", EntityRules, "evaluate"),
    ("risk of entities, told to others", EntityRiskSender, "tell"),
    ("alerts, answers and complaints", Timeline, "process"),
    ("deadlines", Timeline, "advance"),
    ("counts", Engine, "_finish"),
    ("the step around all these", Engine, "process"),
)
_SIZES = {1: 2_000, 100: 400, 50_000: 6}
_CUSTOMERS, _WARM_EVENTS = 50_000, 100_000


class _Clock:
    """Time spent in each part since the last lap, without the parts within it."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys((part for part, _, _ in _PARTS), 0.0)
        self._within = [0.0]

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._within.append(0.0)
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                lasted = time.perf_counter() - started
                self.spent[part] += lasted - self._within.pop()
                self._within[-1] += lasted

        return timed

    def lap(self) -> dict[str, float]:
        """Microseconds of each part since the last lap."""
        found = {part: seconds * 1e6 for part, seconds in self.spent.items()}
        self.spent.update(dict.fromkeys(self.spent, 0.0))
        return found


def whole(end_ms: int) -> dict[str, Any]:
    """``step_of_1_us`` and ``step_of_100_us``: medians of steps that nothing is timed within."""
    found: dict[str, Any] = {"details": {}}
    for size in (1, 100):
        laps = []
        engine, cut = _warm(size, _SIZES[size], end_ms)
        gc.collect()
        gc.disable()
        for step in cut:
            started = time.perf_counter()
            engine.process(step)
            laps.append((time.perf_counter() - started) * 1e6)
        gc.enable()
        found[f"step_of_{size}_us"] = median(laps)
        found["details"][f"step_of_{size}_us_p90"] = sorted(laps)[len(laps) * 9 // 10]
    return found


def _warm(size: int, count: int, end_ms: int) -> tuple[Engine, Iterator[Step]]:
    """An engine that has seen events, and ``count`` steps of ``size`` events to come."""
    engine = Engine(Configuration.parse(shipped()))
    warm = max(_WARM_EVENTS, 2 * size)
    records = events(warm + size * count, customers=_CUSTOMERS, end_ms=end_ms)
    for step in steps(islice(records, warm), 5_000):
        engine.process(step)
    return engine, steps(records, size)


def measure(size: int, count: int) -> dict[str, float]:
    """Microseconds of each part of a step of ``size`` events: medians over ``count`` steps."""
    engine, cut = _warm(size, count, time.time_ns() // 10**6)
    clock, laps = _Clock(), list[dict[str, float]]()
    gc.collect()
    gc.disable()
    try:
        with ExitStack() as stack:
            for part, owner, name in _PARTS:
                timed = clock.timed(part, getattr(owner, name))
                stack.enter_context(patch.object(owner, name, timed))
            for step in cut:
                engine.process(step)
                laps.append(clock.lap())
    finally:
        gc.enable()
    return {part: median(lap[part] for lap in laps) for part in clock.spent}


def table(found: dict[int, dict[str, float]]) -> str:
    """The budget as a Markdown table."""
    lines = [
        "| part | " + " | ".join(f"{size:,}, µs" for size in found) + " |",
        "| --- |" + " ---: |" * len(found),
    ]
    for part, _, _ in _PARTS:
        cells = [f"{each[part]:,.1f}" for each in found.values()]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    wholes = [sum(each.values()) for each in found.values()]
    lines.append("| **whole** | " + " | ".join(f"**{whole:,.0f}**" for whole in wholes) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    program = argparse.ArgumentParser(prog="python -m benchmarks.budget", description=__doc__)
    program.parse_args(arguments)
    print(table({size: measure(size, count) for size, count in _SIZES.items()}))


if __name__ == "__main__":
    main()
