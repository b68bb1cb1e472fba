"""Events: the dead letters, and how far event time has come."""

from prometheus_client import CollectorRegistry, Gauge

from sentinel.engine import Gauges, Outcome
from sentinel.metrics.declare import counter
from sentinel.model.step import DeadLetterReason


class EventMetrics:
    """The events of the steps, by stream."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._dead = counter(
            registry,
            "sentinel_dead_letters_total",
            "Dead letters written.",
            reason=DeadLetterReason,
        )
        self._watermark = Gauge(
            "sentinel_watermark_timestamp_seconds",
            "Highest event time seen.",
            ("shard", "stream"),
            registry=registry,
        )

    def observe(self, outcome: Outcome) -> None:
        """Count a step's dead letters."""
        for letter in outcome.emitted.dead_letters:
            self._dead.labels(letter.reason).inc()

    def show(self, shard: int, gauges: Gauges) -> None:
        """Show how far event time has come."""
        for stream, high_ms in gauges.watermarks_ms.items():
            self._watermark.labels(shard, stream).set(high_ms / 1000)
