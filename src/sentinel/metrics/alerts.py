"""Alerts: their revisions and ends, those that are open, and how soon they come."""

from prometheus_client import CollectorRegistry, Gauge, Histogram

from sentinel.engine import Gauges, Outcome
from sentinel.metrics.declare import counter
from sentinel.model.alert import (
    Alert,
    AlertState,
    Change,
    Escalation,
    Resolution,
    Suppression,
    Tier,
)
from sentinel.model.entity import CUSTOMER
from sentinel.model.signal import Risk

SHARED = "shared"
"""The label of alerts on entities that many customers share."""
_LATENCY_SECONDS = (
    0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5,
    10, 15, 20, 30, 45, 60, 120, 300,
)  # fmt: skip


class AlertMetrics:
    """Revisions of alerts, and open alerts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._revisions = counter(
            registry, "sentinel_alerts_total", "Alert revisions emitted.", tier=Tier, risk=Risk
        )
        self._changes = counter(
            registry,
            "sentinel_alert_changes_total",
            "Alert revisions by what changed.",
            change=Change,
        )
        self._suppressed = counter(
            registry,
            "sentinel_suppressed_alerts_total",
            "Times an alert became suppressed.",
            reason=Suppression,
        )
        self._escalations = counter(
            registry,
            "sentinel_escalations_total",
            "Alerts raised beyond their score.",
            reason=Escalation,
        )
        self._resolved = counter(
            registry, "sentinel_resolved_alerts_total", "Alerts that ended.", resolution=Resolution
        )
        self._open = Gauge(
            "sentinel_open_alerts",
            "Alerts that are not over.",
            ("shard", "tier", "state"),
            registry=registry,
        )
        self._open_suppressed = Gauge(
            "sentinel_open_suppressed_alerts",
            "Of them, those nobody is notified of.",
            ("shard",),
            registry=registry,
        )
        self._latency = Histogram(
            "sentinel_event_to_alert_seconds",
            "From the record of the triggering event to the committed alert.",
            ("tier", "entity"),
            buckets=_LATENCY_SECONDS,
            registry=registry,
        )
        for tier in Tier:
            for entity in (CUSTOMER, SHARED):
                self._latency.labels(tier, entity)

    def observe(self, outcome: Outcome) -> None:
        """Count a step's revisions."""
        for alert in outcome.emitted.alerts:
            self._observe_revision(alert)

    def show(self, shard: int, gauges: Gauges) -> None:
        """Show what is open."""
        suppressed = 0
        for tier in Tier:
            for state in (AlertState.FIRING, AlertState.ACKNOWLEDGED):
                notified, hidden = (
                    gauges.open_alerts.get((tier, state, is_suppressed), 0)
                    for is_suppressed in (False, True)
                )
                self._open.labels(shard, tier, state).set(notified + hidden)
                suppressed += hidden
        self._open_suppressed.labels(shard).set(suppressed)

    def _observe_revision(self, alert: Alert) -> None:
        self._revisions.labels(alert.tier, alert.risk).inc()
        self._changes.labels(alert.change).inc()
        if alert.change in (Change.OPENED, Change.SUPPRESSED):
            for suppressor in alert.suppressed:
                self._suppressed.labels(suppressor.reason).inc()
        if alert.change is Change.ESCALATED:
            self._escalations.labels(alert.escalations[-1]).inc()
        if alert.resolution is not None:
            self._resolved.labels(alert.resolution).inc()

    def observe_latency(self, tier: Tier, seconds: float, alert_id: str, *, shared: bool) -> None:
        """Observe the time from an event's record to its committed alert, which is the exemplar.

        ``shared`` is whether the alert is on an entity that many customers share.
        """
        latency = self._latency.labels(tier, SHARED if shared else CUSTOMER)
        latency.observe(max(0.0, seconds), {"alert_id": alert_id})
