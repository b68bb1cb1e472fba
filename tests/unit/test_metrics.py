"""Metrics: what an outcome adds, and that Prometheus' own linter has nothing to say."""

import subprocess
from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest

from sentinel.engine import Configuration, Emitted, Gauges, Outcome
from sentinel.metrics import Metrics
from sentinel.model.alert import Tier
from sentinel.model.counts import Counts
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.signal import Mode
from sentinel.model.step import DeadLetter, DeadLetterReason, Limit, SignalDrop
from sentinel.settings import read_configuration


def _with_rules(*rules: tuple[str, Mode]) -> Configuration:
    entries = "".join(
        f"""
  - id: {rule}
    title: {{en: A, zh: 甲}}
    risk: credit
    severity: 10
    owner: tests
    mode: {mode}
    on: login
    when: success"""
        for rule, mode in rules
    )
    shipped = read_configuration(None).files
    files = {name: text for name, text in shipped.items() if not name.startswith("rules/")}
    return Configuration.parse({**files, "rules/tests.yaml": f"rules:{entries}\n"})


def _observed() -> CollectorRegistry:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    letter = DeadLetter("t", 0, 1, None, b"x", DeadLetterReason.SCHEMA, "d")
    outcome = Outcome(
        Emitted(dead_letters=[letter]),
        Counts(
            events=Counter({Stream.LOGIN: 3}),
            late=Counter({Stream.LOGIN: 1}),
            signals=Counter({("some.rule", "live"): 2}),
            dropped_signals=Counter({SignalDrop.UNCHANGED: 2}),
            limits=Counter({Limit.TTL: 4}),
        ),
    )
    metrics.built(_with_rules(("some.rule", Mode.LIVE), ("gone.rule", Mode.OFF)))
    metrics.observe_step(outcome, 0.01)
    metrics.show(0, Gauges(watermarks_ms={Stream.LOGIN: 1_500}, slots_used=7))
    metrics.observe_commit(0.02)
    metrics.observe_latency(Tier.RED, 0.03, "0f" * 16, shared=False)
    metrics.lag(Stream.LOGIN, 0, 5)
    metrics.recovering(0, under_way=False)
    return registry


def test_an_outcome_is_counted() -> None:
    """Each count of the outcome reaches the series of its name and label."""
    registry = _observed()
    expected = {
        ("sentinel_events_total", "stream", "login"): 3,
        ("sentinel_late_events_total", "stream", "login"): 1,
        ("sentinel_dead_letters_total", "reason", "schema"): 1,
        ("sentinel_dropped_signals_total", "reason", "unchanged"): 2,
        ("sentinel_limits_total", "limit", "ttl"): 4,
        ("sentinel_slots_used", "shard", "0"): 7,
    }
    for (name, label, value), count in expected.items():
        assert registry.get_sample_value(name, {label: value}) == count, name
    assert registry.get_sample_value("sentinel_steps_total") == 1


def test_a_counter_of_several_labels_is_counted() -> None:
    """Labels follow the order of the key; where they are not all known, none is at zero."""
    registry = CollectorRegistry()
    counts = Counts(
        signals=Counter({("some.rule", "live"): 2}),
        missing=Counter({(Stream.LOGIN, "ip"): 4}),
    )
    Metrics(registry).observe_step(Outcome(counts=counts), 0.01)
    for name, labels, count in (
        ("sentinel_signals_total", {"rule": "some.rule", "mode": "live"}, 2),
        ("sentinel_signals_total", {"rule": "some.rule", "mode": "shadow"}, None),
        ("sentinel_missing_values_total", {"stream": "login", "field": "ip"}, 4),
        ("sentinel_missing_values_total", {"stream": "transaction", "field": "ip"}, 0),
    ):
        assert registry.get_sample_value(name, labels) == count


def test_every_rule_is_there_before_it_fires() -> None:
    """A configured rule has a series at zero; one that is off has none."""
    registry = CollectorRegistry()
    Metrics(registry).built(_with_rules(("quiet", Mode.SHADOW), ("off", Mode.OFF)))

    def signals(rule: str, mode: str) -> float | None:
        return registry.get_sample_value("sentinel_signals_total", {"rule": rule, "mode": mode})

    assert (signals("quiet", "shadow"), signals("off", "off")) == (0, None)


def test_closed_label_sets_start_at_zero() -> None:
    """A rate over a series that has not yet counted is 0, not missing."""
    registry = CollectorRegistry()
    Metrics(registry)
    for tier in Tier:
        labels = {"tier": tier.value, "risk": "credit"}
        assert registry.get_sample_value("sentinel_alerts_total", labels) == 0


def test_promtool_finds_nothing() -> None:
    """`promtool check metrics` accepts names, units and help texts."""
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=generate_latest(_observed()),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_the_lag_of_a_shard_that_was_released_is_gone() -> None:
    """What another worker catches up with must not keep an alarm firing here."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for shard in (0, 1):
        metrics.behind(shard, 7_200_000, 60_000)
    metrics.released(0)
    metrics.released(2)  # of which nothing was ever noted
    for name, value in (("sentinel_stream_lag_seconds", 7_200), ("sentinel_catching_up", 1)):
        assert registry.get_sample_value(name, {"shard": "0"}) is None
        assert registry.get_sample_value(name, {"shard": "1"}) == value


def test_waits_for_every_aligned_input_are_counted_from_zero() -> None:
    """The first wait that is given up is an increase, so an alarm sees it."""
    registry = CollectorRegistry()
    Metrics(registry)
    for stream in (*Stream, Control.RESPONSE):
        labels = {"stream": stream.value}
        assert registry.get_sample_value("sentinel_alignment_waits_given_up_total", labels) == 0
