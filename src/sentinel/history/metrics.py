"""The metrics of the history service."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

from sentinel.kafka.storing import NotStored


class HistoryTask(StrEnum):
    """What the history service does all the time."""

    ACCEPT = "accept"  # store records
    READ = "read"  # ask Kafka whether all records have been stored
    PRUNE = "prune"  # delete what is older than the retention
    ARCHIVE = "archive"  # buffer events
    FLUSH = "flush"  # write buffered events
    UPKEEP = "upkeep"  # merge the archive's files, and delete old ones


class HistoryLimit(StrEnum):
    """A bound that was reached."""

    LETTER_BYTES = "letter_bytes"  # of a dead letter's value only the start is stored


class HistoryMetrics:
    """All metrics of one history service."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._stored = Counter(
            "sentinel_history_records_total", "Records stored.", ("topic",), registry=registry
        )
        self._not_stored = Counter(
            "sentinel_history_not_stored_total",
            "Records that are not in history.",
            ("reason",),
            registry=registry,
        )
        self._pruned = Counter(
            "sentinel_history_pruned_total",
            "Rows deleted at the end of their retention.",
            ("table",),
            registry=registry,
        )
        self._limits = Counter(
            "sentinel_history_limits_total",
            "Times that a bound was reached.",
            ("limit",),
            registry=registry,
        )
        self._failures = Counter(
            "sentinel_history_task_failures_total",
            "Failures of the service's tasks, which go on.",
            ("task",),
            registry=registry,
        )
        self._unread = Gauge(
            "sentinel_history_unread_seconds",
            "Since when the oldest record that is not stored is in Kafka; 0 if all are.",
            registry=registry,
        )
        for reason in NotStored:
            self._not_stored.labels(reason)
        for limit in HistoryLimit:
            self._limits.labels(limit)
        for task in HistoryTask:
            self._failures.labels(task)

    def stored(self, topic: str, records: int) -> None:
        """Count stored records; ``topic`` is its name."""
        self._stored.labels(topic).inc(records)

    def not_stored(self, reason: NotStored, records: int = 1) -> None:
        """Count records that are not stored."""
        self._not_stored.labels(reason).inc(records)

    def pruned(self, table: str, rows: int) -> None:
        """Count deleted rows."""
        self._pruned.labels(table).inc(rows)

    def limited(self, limit: HistoryLimit) -> None:
        """Count that a bound was reached."""
        self._limits.labels(limit).inc()

    def task_failed(self, task: HistoryTask) -> None:
        """Count a failure."""
        self._failures.labels(task).inc()

    def unread(self, seconds: float) -> None:
        """Set since when records are not stored."""
        self._unread.set(seconds)
