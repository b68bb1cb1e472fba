"""The metrics of a worker: every subject in one registry."""

from prometheus_client import REGISTRY, CollectorRegistry

from sentinel.engine import Gauges, Outcome
from sentinel.metrics.alerts import AlertMetrics
from sentinel.metrics.complaints import ComplaintMetrics
from sentinel.metrics.counts import CountMetrics
from sentinel.metrics.events import EventMetrics
from sentinel.metrics.lag import LagMetrics
from sentinel.metrics.recovery import RecoveryMetrics
from sentinel.metrics.responses import ResponseMetrics
from sentinel.metrics.rules import RuleMetrics
from sentinel.metrics.state import StateMetrics
from sentinel.metrics.steps import StepMetrics


class Metrics:
    """All metrics of one worker, in one registry; a subject's own methods are bound here."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self._counts = CountMetrics(registry)
        self._steps = StepMetrics(registry)
        self._events = EventMetrics(registry)
        self._rules = RuleMetrics(registry, self._counts.counters["signals"])
        self._alerts = AlertMetrics(registry)
        self._responses = ResponseMetrics(registry)
        self._complaints = ComplaintMetrics(registry)
        self._state = StateMetrics(registry)
        lag, recovery = LagMetrics(registry), RecoveryMetrics(registry)

        self.observe_commit = self._steps.observe_commit
        self.failed = self._steps.failed
        self.built = self._rules.built
        self.refused = self._rules.refused
        self.observe_latency = self._alerts.observe_latency
        self.lag = lag.lag
        self.behind = lag.behind
        self.released = lag.released
        self.gave_up = lag.gave_up
        self.recovering = recovery.recovering
        self.replayed = recovery.replayed
        self.copied = recovery.copied
        self.saved = recovery.saved

    def observe_step(self, outcome: Outcome, seconds: float) -> None:
        """Count what a step did; ``seconds`` is the engine's time."""
        self._counts.observe(outcome.counts)
        self._steps.observe(outcome, seconds)
        self._events.observe(outcome)
        self._alerts.observe(outcome)
        self._responses.observe(outcome)
        self._state.observe(outcome)

    def show(self, shard: int, gauges: Gauges) -> None:
        """Show how things stand in a shard."""
        self._events.show(shard, gauges)
        self._rules.show(shard, gauges)
        self._alerts.show(shard, gauges)
        self._complaints.show(shard, gauges)
        self._state.show(shard, gauges)
