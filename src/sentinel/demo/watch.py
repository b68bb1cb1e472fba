"""The worker's results: figures from its metrics, alerts from the topic."""

from collections import Counter, deque
from dataclasses import dataclass, field

from confluent_kafka import Consumer
from prometheus_client.parser import text_string_to_metric_families

from sentinel.alerting.cloudevent import decode
from sentinel.kafka.broadcast import BUILT_IN_WAIT_MS
from sentinel.kafka.security import client_config
from sentinel.kafka.topics import Topics
from sentinel.metrics import SHARED
from sentinel.model.alert import Alert, Change, Tier
from sentinel.settings import Settings

LATEST = 8


@dataclass(frozen=True, slots=True)
class Latency:
    """Median and 99th percentile as upper edges of histogram buckets; None before an alert."""

    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(slots=True)
class Figures:
    """Numbers of one moment; events by stream, ``resolved`` by resolution, others by reason.

    ``dropped`` are signals that led to no revision, ``suppressed`` alerts without
    notification.
    ``shared_latency`` is of alerts on entities that many customers share, such as addresses.
    """

    events: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    suppressed: dict[str, int] = field(default_factory=dict)
    resolved: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    dead: dict[str, int] = field(default_factory=dict)
    lag: int = 0
    steps: int = 0
    customers: int = 0
    latency: Latency = Latency()
    shared_latency: Latency = Latency()


def read_figures(text: str) -> Figures:
    """The figures in a Prometheus exposition."""
    figures = Figures()
    buckets: Counter[float] = Counter()
    of_shared: Counter[float] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels, value = sample.labels, int(sample.value)
            match sample.name:
                case "sentinel_events_total":
                    figures.events[labels["stream"]] = value
                case "sentinel_dropped_signals_total" if value:
                    figures.dropped[labels["reason"]] = value
                case "sentinel_suppressed_alerts_total" if value:
                    figures.suppressed[labels["reason"]] = value
                case "sentinel_resolved_alerts_total" if value:
                    figures.resolved[labels["resolution"]] = value
                case "sentinel_alert_changes_total" if labels["change"] == Change.ACKNOWLEDGED:
                    figures.acknowledged = value
                case "sentinel_dead_letters_total" if value:
                    figures.dead[labels["reason"]] = value
                case "sentinel_lag_records":
                    figures.lag += value
                case "sentinel_steps_total":
                    figures.steps = value
                case "sentinel_slots_used":
                    figures.customers += value
                case "sentinel_event_to_alert_seconds_bucket":
                    buckets[float(labels["le"])] += value
                    if labels["entity"] == SHARED:
                        of_shared[float(labels["le"])] += value
    figures.latency, figures.shared_latency = _latency(buckets), _latency(of_shared)
    return figures


def _latency(cumulative: Counter[float]) -> Latency:
    return Latency(_quantile_ms(cumulative, 0.5), _quantile_ms(cumulative, 0.99))


def _quantile_ms(cumulative: Counter[float], share: float) -> float | None:
    """The upper edge of the histogram bucket that holds the quantile."""
    edges = sorted(cumulative)
    if not edges or not cumulative[edges[-1]]:
        return None
    wanted = share * cumulative[edges[-1]]
    return next(1000 * edge for edge in edges if cumulative[edge] >= wanted)


class AlertFeed:
    """Reads the alerts topic; counts revisions by tier and keeps the latest."""

    def __init__(self, settings: Settings) -> None:
        self.tiers: Counter[Tier] = Counter()
        self.latest: deque[Alert] = deque(maxlen=LATEST)
        self._consumer = Consumer(
            {
                **client_config(settings),
                "group.id": "sentinel-demo",
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": BUILT_IN_WAIT_MS,
            }
        )
        self._consumer.subscribe([Topics(settings.topic_prefix).alerts])

    def poll(self) -> list[Alert]:
        """The alerts since the last call."""
        messages = self._consumer.consume(500, timeout=0.05)
        alerts = [decode(message.value()) for message in messages if message.error() is None]
        for alert in alerts:
            self.tiers[alert.tier] += 1
            self.latest.append(alert)
        return alerts

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()
