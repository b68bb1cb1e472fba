"""State: the customers and shared entities that a shard holds, and the limits it reaches."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from sentinel.engine import Outcome
from sentinel.metrics.declare import counter
from sentinel.model.step import Limit, RollupDrop


class StateMetrics:
    """What a shard holds, and what it has no room for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._slots = Gauge("sentinel_slots_used", "Customers held.", ("shard",), registry=registry)
        self._warm = Gauge(
            "sentinel_features_warm_ratio",
            "Share of the features that have seen as much as they look back.",
            ("shard",),
            registry=registry,
        )
        self._limits = counter(
            registry, "sentinel_limits_total", "Bounds that were reached.", limit=Limit
        )
        self._entities = Gauge(
            "sentinel_entities_used", "Shared entities held.", ("shard",), registry=registry
        )
        self._entity_risks = Counter(
            "sentinel_entity_risks_total", "Risky entities that were told of.", registry=registry
        )
        self._dropped_rollups = counter(
            registry,
            "sentinel_dropped_rollups_total",
            "What of shared entities was not taken in.",
            reason=RollupDrop,
        )

    def observe(self, shard: int, outcome: Outcome) -> None:
        """Note what a shard holds after a step, and count the limits that the step reached."""
        self._slots.labels(shard).set(outcome.gauges.slots_used)
        self._warm.labels(shard).set(outcome.gauges.warm_share)
        for limit, count in outcome.counts.limits.items():
            self._limits.labels(limit).inc(count)
        self._entities.labels(shard).set(outcome.gauges.entities_used)
        self._entity_risks.inc(len(outcome.emitted.entity_risks))
        for reason, count in outcome.counts.dropped_rollups.items():
            self._dropped_rollups.labels(reason).inc(count)
