"""What the engine spends on an event, a rule, a feature, a step and an alert.

Absolute times depend on the machine and on who else uses it.  Each slope is therefore taken
within a round, on the same step, and what is given is the median over the rounds.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from statistics import median

import numpy as np

from benchmarks.events import events, steps
from sentinel.alerting.cloudevent import encode
from sentinel.engine import Configuration, Engine
from sentinel.model.step import Step

_CUSTOMERS, _STEP, _WARM_STEPS, _ROUNDS = 20_000, 5_000, 12, 9
_RULES = (0, 20, 40, 80, 160)
_FEATURES = (0, 5, 10, 20, 40)
_SIZES = (1, 10, 100, 1_000, 5_000)
_KINDS = (
    "count: true, window: {i}m",
    "sum: amount, window: {i}m",
    "distinct: counterparty_id, window: {i}m",
    "sum: amount, where: 'amount > {i}', calendar: day",
)
_NEVER = "amount > 900000000"
_CUSTOMER = "  customer:\n"


def measure(files: Mapping[str, str], end_ms: int) -> dict[str, float]:
    """Microseconds, and bytes, by what they are spent on."""
    found = _step_and_event(files, end_ms)
    found["us_per_event_and_rule"] = _slope(_with_rules, files, _RULES, end_ms)
    found["us_per_event_and_feature"] = _slope(_with_features, files, _FEATURES, end_ms)
    sizes = [Engine(_with_features(files, count)).bytes_per_customer for count in _FEATURES]
    found["bytes_per_customer_and_feature"] = float(np.polyfit(_FEATURES, sizes, 1)[0])
    return found | _alerts(files, end_ms)


def _with_rules(files: Mapping[str, str], count: int) -> Configuration:
    """Rules of two comparisons that never fire, each with another number."""
    rules = "".join(
        _rule(f"bench.copy-{i}", f"{_NEVER} && txn_count_1h > {i}") for i in range(count)
    )
    return Configuration.parse({**files, "rules/copies.yaml": f"rules: {rules or '[]'}\n"})


def _with_features(files: Mapping[str, str], count: int) -> Configuration:
    """Counts, sums, distinct payees and calendar sums in turn, all read by one rule."""
    lines = "".join(
        f"    bench_{i}: {{on: transaction, {_KINDS[i % 4].format(i=61 + i)}}}\n"
        for i in range(count)
    )
    condition = " && ".join([_NEVER, *(f"bench_{i} > {900 + i}" for i in range(count))])
    return Configuration.parse(
        {
            **files,
            "features.yaml": files["features.yaml"].replace(_CUSTOMER, _CUSTOMER + lines, 1),
            "rules/copies.yaml": f"rules: {_rule('bench.all', condition)}\n",
        }
    )


def _rule(name: str, condition: str) -> str:
    return (
        f"\n  - {{id: {name}, title: {{en: A copy, zh: 副本}}, risk: market, severity: 60, "
        f"owner: benchmarks, on: transaction, when: '{condition}'}}"
    )


def _slope(
    build: Callable[[Mapping[str, str], int], Configuration],
    files: Mapping[str, str],
    counts: Sequence[int],
    end_ms: int,
) -> float:
    """Microseconds an event costs more for each one more of what ``build`` adds."""
    engines = [Engine(build(files, count)) for count in counts]
    count = _STEP * (_WARM_STEPS + _ROUNDS)
    ahead = steps(events(count, customers=_CUSTOMERS, end_ms=end_ms), _STEP)
    for step in islice(ahead, _WARM_STEPS):
        for engine in engines:
            engine.process(step)
    slopes = []
    for step in ahead:
        spent = [_seconds(engine, step) / _STEP * 1e6 for engine in engines]
        slopes.append(float(np.polyfit(counts, spent, 1)[0]))
    return median(slopes)


def _step_and_event(files: Mapping[str, str], end_ms: int) -> dict[str, float]:
    """A step's fixed cost, an event's in full steps, and that of a step without events."""
    engine = Engine(Configuration.parse(files))
    count = _STEP * _WARM_STEPS + _ROUNDS * sum(_SIZES)
    whole = events(count, customers=_CUSTOMERS, end_ms=end_ms)
    for step in steps(islice(whole, _STEP * _WARM_STEPS), _STEP):
        engine.process(step)
    spent: dict[int, list[float]] = {size: [] for size in _SIZES}
    for _ in range(_ROUNDS):
        for size in _SIZES:
            (step,) = steps(islice(whole, size), size)
            spent[size].append(_seconds(engine, step) * 1e6)
    idle = [_seconds(engine, Step(step.stream_ms, [])) * 1e6 for _ in range(101)]
    full_us, small_us = median(spent[_SIZES[-1]]), median(spent[1])
    return {
        "us_per_event": full_us / _STEP,
        "us_per_step": small_us,
        "us_per_idle_step": median(idle),
    }


def _alerts(files: Mapping[str, str], end_ms: int) -> dict[str, float]:
    """Of an alert: microseconds beside its event's, and bytes as a CloudEvent.

    One of two engines has a rule that fires once for each customer.
    """
    quiet, loud = (
        {**files, "rules/copies.yaml": f"rules: {_rule('bench.first', condition)}\n"}
        for condition in (_NEVER, "txn_count_24h >= 1")
    )
    spent, sizes = [], []
    for seed in range(5):
        engines = [Engine(Configuration.parse(each)) for each in (quiet, loud)]
        whole = events(4 * _STEP, customers=_STEP, end_ms=end_ms, seed=seed, everyone=True)
        (step, *_) = steps(whole, _STEP)
        started = time.perf_counter()
        engines[0].process(step)
        middle = time.perf_counter()
        alerts = engines[1].process(step).emitted.alerts
        written = [encode(alert) for alert in alerts]
        ended = time.perf_counter()
        spent.append((ended - middle - (middle - started)) / len(alerts) * 1e6)
        sizes += [len(each) for each in written]
    return {"us_per_alert": median(spent), "alert_bytes": float(np.mean(sizes))}


def _seconds(engine: Engine, step: Step) -> float:
    started = time.perf_counter()
    engine.process(step)
    return time.perf_counter() - started
