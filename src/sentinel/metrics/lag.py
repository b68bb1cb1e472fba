"""Lag: records that wait in Kafka, and how far stream time is behind wall-clock time."""

from prometheus_client import CollectorRegistry, Gauge

from sentinel.metrics.declare import counter
from sentinel.model.events import Stream
from sentinel.model.response import Control


class LagMetrics:
    """How far a worker is behind its inputs, and the inputs behind each other."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._records = Gauge(
            "sentinel_lag_records",
            "Records not yet applied.",
            ("stream", "partition"),
            registry=registry,
        )
        self._stream_seconds = Gauge(
            "sentinel_stream_lag_seconds",
            "Wall-clock time less stream time.",
            ("shard",),
            registry=registry,
        )
        self._catching_up = Gauge(
            "sentinel_catching_up",
            "1 while a shard is more than a minute behind.",
            ("shard",),
            registry=registry,
        )
        self._given_up = counter(
            registry,
            "sentinel_alignment_waits_given_up_total",
            "Times that other inputs went on without one whose records did not arrive.",
            stream=(*Stream, Control.RESPONSE),
        )

    def lag(self, stream: Stream | Control, partition: int, records: int) -> None:
        """Note how many records of a partition are not yet applied."""
        self._records.labels(stream, partition).set(max(0, records))

    def behind(self, shard: int, lag_ms: int, allowed_ms: int) -> None:
        """Note how far a shard's stream time lags behind wall-clock time."""
        self._stream_seconds.labels(shard).set(lag_ms / 1000)
        self._catching_up.labels(shard).set(lag_ms > allowed_ms)

    def released(self, shard: int) -> None:
        """Remove the lag of a shard that another worker owns from now on: it would never fall."""
        self._stream_seconds.remove(shard)
        self._catching_up.remove(shard)

    def gave_up(self, stream: Stream | Control, count: int) -> None:
        """Count waits for an input that did not arrive in time."""
        self._given_up.labels(stream).inc(count)
