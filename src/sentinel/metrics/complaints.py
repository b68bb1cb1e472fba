"""Complaints: those that are open, their duties, notices and topics."""

from typing import get_args

from prometheus_client import CollectorRegistry, Gauge

from sentinel.complaints import Duty, Kind, Problem
from sentinel.engine import Outcome
from sentinel.metrics.declare import counter
from sentinel.model.events import ComplaintChannel, ComplaintStatus


class ComplaintMetrics:
    """Complaints and what is due for them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._notices = counter(
            registry,
            "sentinel_complaint_notices_total",
            "What was to tell of complaints.",
            kind=Kind,
        )
        self._problems = counter(
            registry,
            "sentinel_complaint_problems_total",
            "Complaints' steps that are wrong.",
            problem=Problem,
        )
        self._duties = counter(
            registry,
            "sentinel_complaint_duties_total",
            "Duties fulfilled.",
            duty=Duty,
            channel=get_args(ComplaintChannel),
            result=("on_time", "late"),
        )
        self._open = Gauge(
            "sentinel_open_complaints",
            "Complaints that are open.",
            ("shard", "status", "channel"),
            registry=registry,
        )
        self._topics = Gauge(
            "sentinel_rising_topics", "New topics of complaints.", ("shard",), registry=registry
        )

    def observe(self, shard: int, outcome: Outcome) -> None:
        """Count a step's notices, problems and duties, and note what is open after it."""
        for notice, count in outcome.counts.notices.items():
            self._notices.labels(notice).inc(count)
        for problem, count in outcome.counts.complaint_problems.items():
            self._problems.labels(problem).inc(count)
        for labels, count in outcome.counts.complaint_duties.items():
            self._duties.labels(*labels).inc(count)
        for status in get_args(ComplaintStatus):
            for channel in get_args(ComplaintChannel):
                count = outcome.gauges.open_complaints.get((status, channel), 0)
                self._open.labels(shard, status, channel).set(count)
        self._topics.labels(shard).set(len(outcome.gauges.topics))
