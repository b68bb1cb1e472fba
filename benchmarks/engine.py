"""The engine alone: events a second on one core, and where its time goes."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import wraps
from typing import Any
from unittest.mock import patch

import sentinel.engine.intake
from sentinel.alerting import Alerting
from sentinel.detect import DetectorSet
from sentinel.engine import Configuration, Engine
from sentinel.features import FeatureSet
from sentinel.model.step import Step
from sentinel.replay.run import Processor
from sentinel.rules import RuleSet
from sentinel.state import Slots

_STAGES: dict[str, tuple[object, str]] = {
    "decode": (sentinel.engine.intake, "decode"),
    "merge": (sentinel.engine.intake, "merge"),
    "slots": (Slots, "assign"),
    "features": (FeatureSet, "update"),
    "detectors": (DetectorSet, "score"),
    "rules": (RuleSet, "evaluate"),
    "alerting": (Alerting, "process"),
}


def events_per_s(engine: Processor, steps: Sequence[Step]) -> float:
    """The rate of ``engine`` over ``steps``, decoding included."""
    started = time.perf_counter()
    events = sum(engine.process(step).counts.events.total() for step in steps)
    return events / (time.perf_counter() - started)


def stage_us(
    files: Mapping[str, str], warm_up: Sequence[Step], steps: Sequence[Step]
) -> dict[str, float]:
    """Microseconds an event of ``steps`` costs in each stage; ``other`` is all between."""
    engine = Engine(Configuration.parse(files))
    events_per_s(engine, warm_up)
    spent: defaultdict[str, float] = defaultdict(float)
    with ExitStack() as stack:
        for stage, (owner, name) in _STAGES.items():
            timed = _timed(getattr(owner, name), stage, spent)
            stack.enter_context(patch.object(owner, name, timed))
        whole_us = 1e6 / events_per_s(engine, steps)
    events = sum(len(chunk.values) for step in steps for chunk in step.chunks)
    stages = {stage: spent[stage] / events * 1e6 for stage in _STAGES}
    return {**stages, "other": whole_us - sum(stages.values())}


def _timed(
    function: Callable[..., Any], stage: str, spent: defaultdict[str, float]
) -> Callable[..., Any]:
    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[stage] += time.perf_counter() - started

    return timed
