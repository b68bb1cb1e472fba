"""Actions: what core systems are asked to do about alerts."""

from prometheus_client import CollectorRegistry

from sentinel.engine import Outcome
from sentinel.metrics.declare import counter
from sentinel.model.signal import Action


class ResponseMetrics:
    """Requests for actions."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = counter(
            registry,
            "sentinel_action_requests_total",
            "Actions requested of core systems.",
            action=Action,
        )

    def observe(self, outcome: Outcome) -> None:
        """Count a step's requests."""
        for request in outcome.emitted.action_requests:
            self._requests.labels(request.action).inc()
