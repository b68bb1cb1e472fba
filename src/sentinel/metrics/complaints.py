"""Complaints: those that are open, and their topics."""

from typing import get_args

from prometheus_client import CollectorRegistry, Gauge

from sentinel.engine import Gauges
from sentinel.model.events import ComplaintChannel, ComplaintStatus


class ComplaintMetrics:
    """Open complaints and rising topics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge(
            "sentinel_open_complaints",
            "Complaints that are open.",
            ("shard", "status", "channel"),
            registry=registry,
        )
        self._topics = Gauge(
            "sentinel_rising_topics", "New topics of complaints.", ("shard",), registry=registry
        )

    def show(self, shard: int, gauges: Gauges) -> None:
        """Show what is open."""
        for status in get_args(ComplaintStatus):
            for channel in get_args(ComplaintChannel):
                count = gauges.open_complaints.get((status, channel), 0)
                self._open.labels(shard, status, channel).set(count)
        self._topics.labels(shard).set(len(gauges.topics))
