"""The metrics of the desk."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class DeskTask(StrEnum):
    """What the desk does all the time."""

    SEND = "send"  # send responses that are due
    POLL = "poll"  # look whether history has changed
    PRUNE = "prune"  # delete old sessions and responses


class DeskLimit(StrEnum):
    """A limit of the desk itself that was hit."""

    STREAMS = "streams"  # pages that wait for changes


class DeskMetrics:
    """All metrics of one desk."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._pages = Histogram(
            "sentinel_desk_request_seconds",
            "How long the desk needs for a request, by its path's pattern.",
            ("path",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._responses = Counter(
            "sentinel_desk_outgoing_sent_total", "Outgoing sent to Kafka.", registry=registry
        )
        self._limited = Counter(
            "sentinel_desk_refused_total",
            "Logins that were refused, and limits that were hit.",
            ("reason",),
            registry=registry,
        )
        self._failures = Counter(
            "sentinel_desk_task_failures_total",
            "Failures of the desk's tasks, which go on.",
            ("task",),
            registry=registry,
        )
        for task in DeskTask:
            self._failures.labels(task)

    def request(self, path: str, seconds: float) -> None:
        """Observe a request."""
        self._pages.labels(path).observe(seconds)

    def sent(self, responses: int) -> None:
        """Count responses that were sent."""
        self._responses.inc(responses)

    def limited(self, reason: StrEnum) -> None:
        """Count a refused login, or a limit that was hit."""
        self._limited.labels(reason.value).inc()

    def task_failed(self, task: DeskTask) -> None:
        """Count a failure."""
        self._failures.labels(task).inc()
