"""Responses: what core systems are asked to do about alerts, and what people answer."""

from prometheus_client import CollectorRegistry

from sentinel.engine import Outcome
from sentinel.metrics.declare import counter
from sentinel.model.alert import Suppression
from sentinel.model.response import ResponseKind, ResponseResult
from sentinel.model.signal import Action


class ResponseMetrics:
    """Requests for actions, and people's responses."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = counter(
            registry,
            "sentinel_action_requests_total",
            "Actions told to core systems.",
            action=Action,
        )
        self._withheld = counter(
            registry,
            "sentinel_withheld_actions_total",
            "Actions that core systems are not told of, or later.",
            action=Action,
            reason=Suppression,
        )
        self._responses = counter(
            registry,
            "sentinel_responses_total",
            "What people answered.",
            kind=ResponseKind,
            result=ResponseResult,
        )

    def observe(self, outcome: Outcome) -> None:
        """Count a step's requests and responses."""
        for request in outcome.emitted.action_requests:
            self._requests.labels(request.action).inc()
        for (action, withheld_by), count in outcome.counts.withheld_actions.items():
            self._withheld.labels(action, withheld_by).inc(count)
        for (kind, result), count in outcome.counts.responses.items():
            self._responses.labels(kind, result).inc(count)
