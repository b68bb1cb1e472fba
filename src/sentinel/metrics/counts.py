"""What the engine counts: a Prometheus counter for each field of :class:`Counts`."""

from prometheus_client import CollectorRegistry, Counter

from sentinel.model.counts import EXPORTS, Counts


class CountMetrics:
    """The counters of the engine, declared in :mod:`sentinel.model.counts`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.counters: dict[str, Counter] = {}
        """By the names of their fields."""
        for field, export in EXPORTS.items():
            made = Counter(export.name, export.text, export.labels, registry=registry)
            for values in export.series:
                made.labels(*values)
            self.counters[field] = made

    def observe(self, counts: Counts) -> None:
        """Add what a step counted."""
        for field, made in self.counters.items():
            for labels, count in getattr(counts, field).items():
                made.labels(*(labels if isinstance(labels, tuple) else (labels,))).inc(count)
