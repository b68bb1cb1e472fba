"""State: the customers and shared entities that a shard holds."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from sentinel.engine import Gauges, Outcome


class StateMetrics:
    """What a shard holds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._slots = Gauge("sentinel_slots_used", "Customers held.", ("shard",), registry=registry)
        self._warm = Gauge(
            "sentinel_features_warm_ratio",
            "Share of the features that have seen as much as they look back.",
            ("shard",),
            registry=registry,
        )
        self._entities = Gauge(
            "sentinel_entities_used", "Shared entities held.", ("shard",), registry=registry
        )
        self._entity_risks = Counter(
            "sentinel_entity_risks_total", "Entity risks broadcast.", registry=registry
        )

    def observe(self, outcome: Outcome) -> None:
        """Count the risks that a step broadcasts."""
        self._entity_risks.inc(len(outcome.emitted.entity_risks))

    def show(self, shard: int, gauges: Gauges) -> None:
        """Show what a shard holds."""
        self._slots.labels(shard).set(gauges.slots_used)
        self._warm.labels(shard).set(gauges.warm_share)
        self._entities.labels(shard).set(gauges.entities_used)
