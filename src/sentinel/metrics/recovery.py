"""Recovery: snapshots, and how much of the journal a shard has replayed."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from sentinel.metrics.declare import SECONDS


class RecoveryMetrics:
    """Snapshots and recoveries of shards."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._recovering = Gauge(
            "sentinel_recovering",
            "1 while a shard rebuilds its state.",
            ("shard",),
            registry=registry,
        )
        self._replayed = Counter(
            "sentinel_replayed_steps_total",
            "Journalled steps replayed by recovery.",
            registry=registry,
        )
        self._ratio = Gauge(
            "sentinel_recovery_ratio",
            "How much of its journal a shard has replayed.",
            ("shard",),
            registry=registry,
        )
        self._pause_seconds = Histogram(
            "sentinel_snapshot_pause_seconds",
            "How long a snapshot holds up its shard.",
            buckets=SECONDS,
            registry=registry,
        )
        self._snapshot_bytes = Gauge(
            "sentinel_snapshot_bytes",
            "Size of the newest snapshot, uncompressed.",
            ("shard",),
            registry=registry,
        )
        self._snapshot_time = Gauge(
            "sentinel_snapshot_timestamp_seconds",
            "When the newest snapshot was taken.",
            ("shard",),
            registry=registry,
        )

    def recovering(self, shard: int, *, under_way: bool) -> None:
        """Note that a shard starts or ends its recovery."""
        self._recovering.labels(shard).set(under_way)
        self._ratio.labels(shard).set(0.0 if under_way else 1.0)

    def replayed(self, shard: int, done: int, of: int) -> None:
        """Count a journalled step replayed; so much of the journal is done."""
        self._replayed.inc()
        self._ratio.labels(shard).set(done / of)

    def copied(self, seconds: float) -> None:
        """Note how long a shard stood still for its snapshot."""
        self._pause_seconds.observe(seconds)

    def saved(self, shard: int, size: int, now_ms: int) -> None:
        """Note a snapshot that is whole."""
        self._snapshot_bytes.labels(shard).set(size)
        self._snapshot_time.labels(shard).set(now_ms / 1000)
