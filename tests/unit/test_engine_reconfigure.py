"""Another configuration in the middle: what both have goes on, what is new starts cold."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.stage import lively
from tests.simulation.configuration import configurations

from sentinel.alerting.cloudevent import encode
from sentinel.engine import Configuration, Engine
from sentinel.model.columns import Array, Rows
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, Limit, Step
from sentinel.settings import read_configuration

Record = tuple[Stream, str, bytes]


def _step(records: list[Record], first: int, last: int) -> Step:
    chunks = []
    for stream in Stream:
        offsets = [at for at in range(first, last) if records[at][0] is stream]
        if offsets:
            values: list[bytes | None] = [records[at][2] for at in offsets]
            nothing: list[bytes | None] = [None] * len(offsets)
            chunks.append(
                Chunk(stream, f"t.{stream}", 0, offsets, [-1] * len(offsets), nothing, values)
            )
    return Step(0, chunks)


def _alerts(engine: Engine, step: Step) -> list[bytes]:
    return [encode(alert) for alert in engine.process(step).emitted.alerts]


@cache
def _shipped() -> Configuration:
    return read_configuration(None)


def test_the_same_configuration_changes_nothing() -> None:
    """Every part of the state is carried: the engine goes on as if nothing had happened."""
    records = lively(1_500, seed=4, customers=8)
    steady, switched = Engine(_shipped()), Engine(_shipped())
    for engine in (steady, switched):
        engine.process(_step(records, 0, 800))
    switched.reconfigure(Configuration.parse(_shipped().files))
    assert _alerts(switched, _step(records, 800, 1_500)) == _alerts(
        steady, _step(records, 800, 1_500)
    )
    assert switched.digest() == steady.digest()


def _changed(**files: tuple[str, str]) -> Configuration:
    texts = dict(_shipped().files)
    for name, (old, new) in files.items():
        path = name.replace("_yaml", ".yaml")
        assert old in texts[path]
        texts[path] = texts[path].replace(old, new)
    return Configuration.parse(texts)


def _columns(engine: Engine, step: Step, patch: pytest.MonkeyPatch) -> Mapping[Stream, Rows]:
    """The columns of a step, features included."""
    seen: dict[Stream, Rows] = {}
    rules = engine._stages.rules
    evaluate = rules.evaluate
    patch.setattr(rules, "evaluate", lambda batch: seen.update(batch.rows) or evaluate(batch))
    engine.process(step)
    return seen


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 9), st.sampled_from([3, 16, 60]), st.integers(100, 500))
def test_features_that_both_have_go_on(seed: int, history: int, cut: int) -> None:
    """After the switch they say what they say in an engine that had them all the time.

    The customers' rings change their length and their conditions' bits; windows that a ring of
    either length covers are exact.
    """
    records = lively(700, seed, customers=40)
    before, after = _two(history)
    switched, always = Engine(before), Engine(after)
    for engine in (switched, always):
        engine.process(_step(records, 0, cut))
    switched.reconfigure(after)
    with pytest.MonkeyPatch.context() as patch:
        got = _columns(switched, _step(records, cut, 700), patch)
        expected = _columns(always, _step(records, cut, 700), patch)
    for stream, names in (
        (Stream.TRANSACTION, ("short_count", "short_sum", "short_max", "kinds", "usual", "since")),
        (Stream.LOGIN, ("failed",)),
    ):
        for name in names:
            _same(got[stream].columns[name], expected[stream].columns[name], name)
    fresh = got[Stream.TRANSACTION].columns["added"].astype(np.float64)
    assert np.all(fresh <= expected[Stream.TRANSACTION].columns["added"].astype(np.float64))


def _same(one: Array, other: Array, name: str) -> None:
    assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), name


@cache
def _two(history: int) -> tuple[Configuration, Configuration]:
    """Two configurations of which the second has another ring, order and features."""
    common = {
        "short_count": "{on: transaction, count: true, window: 5s}",
        "short_sum": "{on: transaction, sum: amount, where: amount > 50.0, window: 4s}",
        "short_max": "{on: transaction, max: amount, window: 3s}",
        "kinds": "{on: transaction, distinct: device_id, window: 1d}",
        "usual": "{on: transaction, zscore: amount, halflife: 1d}",
        "since": "{on: transaction, since_last: true}",
        "failed": '{on: login, count: true, where: "!success", window: 5s}',
    }
    gone = {"gone": "{on: transaction, count: true, where: amount > 10.0, window: 1h}"}
    added = {"added": "{on: transaction, count: true, where: amount > 20.0, window: 5s}"}
    first = _with(gone | common, 32)
    second = _with(dict(reversed(common.items())) | added, history)
    return first, second


def _with(features: dict[str, str], history: int) -> Configuration:
    shipped = configurations()[0].files
    declared = "".join(f"    {name}: {text}\n" for name, text in features.items())
    asked = {
        stream: " || ".join(
            f"{name} > 1e9" for name, text in features.items() if f"on: {stream}" in text
        )
        for stream in ("transaction", "login")
    }
    rules = "".join(
        f"""
  - id: asks.{stream}
    title: {{en: A, zh: 甲}}
    risk: credit
    severity: 10
    owner: tests
    on: {stream}
    when: {text}"""
        for stream, text in asked.items()
    )
    engine = shipped["engine.yaml"].replace("max_customers: 6", "max_customers: 100")
    return Configuration.parse(
        {
            **shipped,
            "engine.yaml": engine,
            "features.yaml": f"features:\n  customer:\n{declared}"
            f"history: {{transaction: {history}, login: {history}}}\n",
            "rules/sim.yaml": f"rules:{rules}\n",
        }
    )


def test_fewer_customers_keep_those_seen_last() -> None:
    """A smaller slab has room for the newest; the rest is counted as evicted."""
    first, second = configurations()
    records = lively(60, seed=1, customers=12)
    engine = Engine(first)
    engine.process(_step(records, 0, 60))
    engine.reconfigure(second)
    outcome = engine.process(Step(0, []))
    assert engine.gauges().slots_used == 5
    assert outcome.counts.limits[Limit.SLOTS] == 1


def test_a_new_feature_is_cold_at_first() -> None:
    """The warm share says which part of the features has seen as much as it looks back."""
    first, second = configurations()
    records = lively(4_000, seed=1)
    engine = Engine(first)
    engine.process(_step(records, 0, 4_000))
    before = engine.gauges().warm_share
    engine.reconfigure(second)
    after = engine.gauges().warm_share
    assert (before, after) == (3 / 4, 2 / 4)


def test_suppression_is_judged_anew() -> None:
    """An allow list that comes with the new configuration mutes what is open already."""
    records = lively(1_000, seed=2, customers=8)
    engine = Engine(_shipped())
    engine.process(_step(records, 0, 1_000))
    shown = [each for each in engine.gauges().open_alerts.items() if not each[0][2]]
    assert shown
    text = _shipped().files["suppression.yaml"]
    listed = (
        'allow:\n  - {name: all, match: [\'risk=~".*"\'], until: "2099-01-01T00:00:00+08:00"}\n'
    )
    muted = dict(_shipped().files)
    muted["suppression.yaml"] = _replaced(text, "allow", listed)
    engine.reconfigure(Configuration.parse(muted))
    outcome = engine.process(Step(0, []))
    assert {alert.change.value for alert in outcome.emitted.alerts} == {"suppressed"}
    assert all(key[2] for key, count in engine.gauges().open_alerts.items() if count)


def _replaced(text: str, key: str, block: str) -> str:
    """A YAML text with another top-level block."""
    lines, kept, inside = text.splitlines(keepends=True), list[str](), False
    for line in lines:
        if line[:1].isalpha():
            inside = line.startswith(f"{key}:")
        if not inside:
            kept.append(line)
    return "".join(kept) + block
