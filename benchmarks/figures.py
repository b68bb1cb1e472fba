"""What is measured, and where the bars are."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; ``bar`` is the least (or, if ``low``, the most) it may be."""

    key: str
    means: str
    form: str = ",.0f"
    bar: float | None = None
    low: bool = False

    def passes(self, value: float) -> bool:
        """Whether ``value`` keeps the bar; without a bar everything does."""
        if self.bar is None:
            return True
        return value <= self.bar if self.low else value >= self.bar

    @property
    def bar_text(self) -> str:
        """The bar as people read it."""
        return "" if self.bar is None else f"{'≤' if self.low else '≥'} {self.bar:{self.form}}"


FIGURES = (
    Figure("engine_events_per_s", "engine alone, by customer, one core", bar=240_000),
    Figure("engine_whole_events_per_s", "engine alone, everything shipped, one core", bar=180_000),
    Figure("step_of_1_us", "a step of one event, everything shipped", bar=200, low=True),
    Figure("step_of_100_us", "a step of a hundred events", bar=350, low=True),
    Figure("engine_vs_river", "over the same work event by event with river", ".1f", 32),
    Figure("rollups_cost", "of throughput, for all eight shared entities", ".2f", 0.20, low=True),
    Figure("silences_cost", "of throughput, for a thousand silences", ".2f", 0.05, low=True),
    Figure("kafka_events_per_s", "Kafka to committed alerts, shipped configuration"),
    Figure("kafka_events_per_cpu_s", "the same, events per CPU-second"),
    Figure("kafka_vs_plain_faust", "over a plain Faust agent with one rule", ".1f", 16),
    Figure("kafka_vs_quix", "over Quix Streams with one rule", ".2f", 4),
    Figure("kafka_vs_flink", "over Flink's DataStream API with one rule", ".2f"),
    Figure("kafka_vs_flink_sql", "over Flink SQL with one rule", ".2f"),
    Figure("kafka_per_cpu_s_vs_flink", "events per CPU-second, DataStream", ".2f", 3),
    Figure("kafka_per_cpu_s_vs_flink_sql", "events per CPU-second, SQL", ".2f", 3),
    Figure("one_rule_per_cpu_s_vs_flink", "one rule each, per CPU-second, DataStream", ".2f"),
    Figure("one_rule_per_cpu_s_vs_flink_sql", "one rule each, per CPU-second, SQL", ".2f"),
    Figure("one_rule_vs_hand_loop", "one rule alone, over a loop by hand", ".2f", 1.2),
    Figure(
        "latency_p50_ms", "event to committed alert, 2,000 events/s, median", ".0f", 15, low=True
    ),
    Figure("latency_p99_ms", "the same, 99th percentile", ".0f", 40, low=True),
    Figure("light_load_cores", "of a worker: 340 events/s, four shards", ".3f", 0.15, low=True),
    Figure("idle_cores", "of a worker with four shards and no events", ".3f", 0.02, low=True),
    Figure("light_load_p50_ms", "event to committed alert at 340 events/s, median", ".0f"),
    Figure("light_load_p99_ms", "the same, 99th percentile", ".0f", 100, low=True),
    Figure("entity_alert_p99_ms", "the same of shared entities' alerts", ".0f", 250, low=True),
    Figure("bytes_per_customer", "at a million customers", bar=1_500, low=True),
    Figure("growth_10k_to_1m", "cost of an event with 1M customers over 10k", ".2f", 1.3, low=True),
)


def table(values: Mapping[str, float]) -> Table:
    """The measured figures with their bars, as a table for people."""
    shown = Table(title="Sentinel benchmarks")
    for heading in ("figure", "value", "bar", "", "what it is"):
        shown.add_column(heading, justify="right" if heading in {"value", "bar"} else "left")
    for figure in FIGURES:
        if figure.key in values:
            value = values[figure.key]
            passed = "[green]pass[/]" if figure.passes(value) else "[red]MISSED[/]"
            mark = passed if figure.bar is not None else ""
            shown.add_row(figure.key, f"{value:{figure.form}}", figure.bar_text, mark, figure.means)
    return shown
