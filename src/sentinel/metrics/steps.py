"""Steps: how many events they have, how long they take and why they fail."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Histogram

from sentinel.engine import Outcome
from sentinel.metrics.declare import SECONDS, counter

_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)


class StepFailure(StrEnum):
    """Why a transaction failed."""

    ABORTED = "aborted"  # and processed again after recovery
    SNAPSHOT = "snapshot"  # of a snapshot; the one before it still serves
    FATAL = "fatal"  # the process ends


class StepMetrics:
    """Steps and their transactions."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._steps = Counter("sentinel_steps_total", "Steps committed.", registry=registry)
        self._events = Histogram(
            "sentinel_step_events", "Events of a step.", buckets=_EVENTS, registry=registry
        )
        self._seconds = Histogram(
            "sentinel_step_duration_seconds",
            "Engine time of a step.",
            buckets=SECONDS,
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "sentinel_commit_duration_seconds",
            "Transaction time of a step.",
            buckets=SECONDS,
            registry=registry,
        )
        self._failures = counter(
            registry,
            "sentinel_step_failures_total",
            "Steps whose transaction failed.",
            reason=StepFailure,
        )

    def observe(self, outcome: Outcome, seconds: float) -> None:
        """Count a step that took the engine ``seconds``."""
        self._steps.inc()
        self._events.observe(outcome.counts.events.total())
        self._seconds.observe(seconds)

    def observe_commit(self, seconds: float) -> None:
        """Note how long a transaction took."""
        self._commit_seconds.observe(seconds)

    def failed(self, failure: StepFailure) -> None:
        """Count a failed transaction."""
        self._failures.labels(failure).inc()
