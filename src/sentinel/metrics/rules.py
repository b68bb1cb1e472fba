"""Rules: the configuration in force, what its rules find, and the verdicts on that."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

import sentinel
from sentinel.engine import Configuration, Gauges
from sentinel.model.signal import Mode
from sentinel.rules.declare import declare


class RuleMetrics:
    """The configuration and its rules; ``signals`` counts theirs by rule and mode."""

    def __init__(self, registry: CollectorRegistry, signals: Counter) -> None:
        self._build = Gauge(
            "sentinel_build_info",
            "Version and configuration.",
            ("version", "config_version"),
            registry=registry,
        )
        self._refused = Counter(
            "sentinel_configurations_refused_total",
            "Published configurations that are not valid.",
            registry=registry,
        )
        self._signals = signals
        self._verdicts = Gauge(
            "sentinel_rule_verdicts",
            "Events on which a rule fired, by what people found them to be.",
            ("shard", "rule", "mode", "verdict"),
            registry=registry,
        )
        self._shown_verdicts: dict[int, Mapping[tuple[str, str, str], int]] = {}

    def built(self, configuration: Configuration) -> None:
        """Export which version of the code and of the configuration runs, with which rules."""
        self._build.clear()
        self._build.labels(sentinel.__version__, configuration.version).set(1)
        for rule, _, _ in declare(configuration.rule_documents):
            if rule.mode is not Mode.OFF:
                self._signals.labels(rule.id, rule.mode)

    def refused(self) -> None:
        """Count a published configuration that is not valid."""
        self._refused.inc()

    def show(self, shard: int, gauges: Gauges) -> None:
        """Show the verdicts if they have changed."""
        if gauges.verdicts != self._shown_verdicts.get(shard):
            self._shown_verdicts[shard] = gauges.verdicts
            for labels, count in gauges.verdicts.items():
                self._verdicts.labels(shard, *labels).set(count)
