"""Events: those accepted, and those that are late, repeated, conflicting or put aside."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from sentinel.engine import Outcome
from sentinel.metrics.declare import counter
from sentinel.model.columns import FIELDS, NAMES
from sentinel.model.events import Stream
from sentinel.model.step import DeadLetterReason


class EventMetrics:
    """The events of the steps, by stream."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._accepted = counter(
            registry, "sentinel_events_total", "Events accepted.", stream=Stream
        )
        self._late = counter(
            registry,
            "sentinel_late_events_total",
            "Events older than the lateness bound.",
            stream=Stream,
        )
        self._repeated = counter(
            registry,
            "sentinel_repeated_events_total",
            "Events dropped: they had been seen.",
            stream=Stream,
        )
        self._conflicts = counter(
            registry,
            "sentinel_conflicting_events_total",
            "Events that came under the id of another, and were processed.",
            stream=Stream,
        )
        self._missing = Counter(
            "sentinel_missing_values_total",
            "Values that name nothing: placeholders, and addresses that are none.",
            ("stream", "field"),
            registry=registry,
        )
        for stream in Stream:
            for name in NAMES[stream]:
                if not FIELDS[stream][name].required:
                    self._missing.labels(stream, name)
        self._dead = counter(
            registry, "sentinel_dead_letters_total", "Records put aside.", reason=DeadLetterReason
        )
        self._watermark = Gauge(
            "sentinel_watermark_timestamp_seconds",
            "Highest event time seen.",
            ("shard", "stream"),
            registry=registry,
        )

    def observe(self, shard: int, outcome: Outcome) -> None:
        """Count a step's events, and note how far their event time has come."""
        for series, counts in (
            (self._accepted, outcome.counts.events),
            (self._late, outcome.counts.late),
            (self._repeated, outcome.counts.repeated),
            (self._conflicts, outcome.counts.conflicts),
        ):
            for stream, count in counts.items():
                series.labels(stream).inc(count)
        for (stream, name), count in outcome.counts.missing.items():
            self._missing.labels(stream, name).inc(count)
        for letter in outcome.emitted.dead_letters:
            self._dead.labels(letter.reason).inc()
        for stream, high_ms in outcome.gauges.watermarks_ms.items():
            self._watermark.labels(shard, stream).set(high_ms / 1000)
