"""What a worker tells Prometheus; names carry units, labels never carry ids."""

from collections.abc import Mapping
from enum import StrEnum
from typing import get_args

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

import sentinel
from sentinel.complaints import Duty, Kind, Problem
from sentinel.engine import Configuration, Outcome
from sentinel.model.alert import (
    Alert,
    AlertState,
    Change,
    Escalation,
    Resolution,
    Suppression,
    Tier,
)
from sentinel.model.columns import FIELDS, NAMES
from sentinel.model.entity import CUSTOMER
from sentinel.model.events import ComplaintChannel, ComplaintStatus, Stream
from sentinel.model.response import Control, ResponseKind, ResponseResult
from sentinel.model.signal import Action, Risk, Stage
from sentinel.model.step import DeadLetterReason, Limit, RollupDrop, SignalDrop
from sentinel.rules.declare import declare

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_LATENCY = (
    0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5,
    10, 15, 20, 30, 45, 60, 120, 300,
)  # fmt: skip
SHARED = "shared"
"""The label of alerts on entities that many customers share."""
_ENTITY = {False: CUSTOMER, True: SHARED}
_STEP_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)


class StepFailure(StrEnum):
    """Why a step's transaction was given up."""

    ABORTED = "aborted"  # and processed again after recovery
    SNAPSHOT = "snapshot"  # a snapshot was given up; the one before it still serves
    FATAL = "fatal"  # the process ends


class Metrics:
    """All metrics of one worker, in one registry."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(name, text, labels, buckets=buckets, registry=registry)

        self._events = counter("sentinel_events_total", "Events accepted.", "stream")
        self._late = counter(
            "sentinel_late_events_total", "Events older than the lateness bound.", "stream"
        )
        self._dead = counter("sentinel_dead_letters_total", "Records put aside.", "reason")
        self._alerts = counter("sentinel_alerts_total", "Alert revisions emitted.", "tier", "risk")
        self._actions = counter(
            "sentinel_action_requests_total", "Actions told to core systems.", "action"
        )
        self._withheld = counter(
            "sentinel_withheld_actions_total",
            "Actions that core systems are not told of, or later.",
            "action",
            "reason",
        )
        self._signals = counter("sentinel_signals_total", "Rules that fired.", "rule", "stage")
        self._dropped = counter(
            "sentinel_dropped_signals_total", "Signals that led to no revision.", "reason"
        )
        self._changes = counter(
            "sentinel_alert_changes_total", "Alert revisions by what changed.", "change"
        )
        self._suppressed = counter(
            "sentinel_suppressed_alerts_total", "Times an alert became suppressed.", "reason"
        )
        self._escalations = counter(
            "sentinel_escalations_total", "Alerts raised beyond their score.", "reason"
        )
        self._resolved = counter(
            "sentinel_resolved_alerts_total", "Alerts that ended.", "resolution"
        )
        self._responses = counter(
            "sentinel_responses_total", "What people answered.", "kind", "result"
        )
        self._verdicts = gauge(
            "sentinel_rule_verdicts",
            "Events on which a rule fired, by what people found them to be.",
            "shard",
            "rule",
            "stage",
            "verdict",
        )
        self._told_verdicts: dict[int, Mapping[tuple[str, str, str], int]] = {}
        self._open = gauge(
            "sentinel_open_alerts", "Alerts that are not over.", "shard", "tier", "state"
        )
        self._open_suppressed = gauge(
            "sentinel_open_suppressed_alerts", "Of them, those nobody is notified of.", "shard"
        )
        self._limits = counter("sentinel_limits_total", "Bounds that were reached.", "limit")
        self._rollup_drops = counter(
            "sentinel_dropped_rollups_total", "What of shared entities was not taken in.", "reason"
        )
        self._hot = counter("sentinel_hot_entries_total", "Hot entities that were told of.")
        self._entities = gauge("sentinel_entities_used", "Shared entities held.", "shard")
        self._topics = gauge("sentinel_rising_topics", "New topics of complaints.", "shard")
        self._stream_lag = gauge(
            "sentinel_stream_lag_seconds", "Wall-clock time less stream time.", "shard"
        )
        self._catching_up = gauge(
            "sentinel_catching_up", "1 while a shard is more than a minute behind.", "shard"
        )
        self._given_up = counter(
            "sentinel_alignment_waits_given_up_total",
            "Times that other inputs went on without one whose records did not arrive.",
            "stream",
        )
        self._steps = counter("sentinel_steps_total", "Steps committed.")
        self._failures = counter(
            "sentinel_step_failures_total", "Steps whose transaction failed.", "reason"
        )
        self._step_events = histogram("sentinel_step_events", "Events of a step.", _STEP_EVENTS)
        self._step_seconds = histogram(
            "sentinel_step_duration_seconds", "Engine time of a step.", _SECONDS
        )
        self._commit_seconds = histogram(
            "sentinel_commit_duration_seconds", "Transaction time of a step.", _SECONDS
        )
        self._conflicts = counter(
            "sentinel_conflicting_events_total",
            "Events that came under the id of another, and were processed.",
            "stream",
        )
        self._missing = counter(
            "sentinel_missing_values_total",
            "Values that name nothing: placeholders, and addresses that are none.",
            "stream",
            "field",
        )
        self._repeated = counter(
            "sentinel_repeated_events_total", "Events dropped: they had been seen.", "stream"
        )
        self._latency = histogram(
            "sentinel_event_to_alert_seconds",
            "From the record of the triggering event to the committed alert.",
            _LATENCY,
            "tier",
            "entity",
        )
        self._notices = counter(
            "sentinel_complaint_notices_total", "What was to tell of complaints.", "kind"
        )
        self._problems = counter(
            "sentinel_complaint_problems_total", "Complaints' steps that are wrong.", "problem"
        )
        self._duties = counter(
            "sentinel_complaint_duties_total", "Duties fulfilled.", "duty", "channel", "result"
        )
        self._complaints = gauge(
            "sentinel_open_complaints", "Complaints that are open.", "shard", "status", "channel"
        )
        self._lag = gauge("sentinel_lag_records", "Records not yet applied.", "stream", "partition")
        self._slots = gauge("sentinel_slots_used", "Customers held.", "shard")
        self._watermark = gauge(
            "sentinel_watermark_timestamp_seconds", "Highest event time seen.", "shard", "stream"
        )
        self._recovering = gauge(
            "sentinel_recovering", "1 while a shard rebuilds its state.", "shard"
        )
        self._replayed = counter(
            "sentinel_replayed_steps_total", "Journalled steps replayed by recovery."
        )
        self._replay_done = gauge(
            "sentinel_recovery_ratio", "How much of its journal a shard has replayed.", "shard"
        )
        self._copy_seconds = histogram(
            "sentinel_snapshot_pause_seconds", "How long a snapshot holds up its shard.", _SECONDS
        )
        self._snapshot_bytes = gauge(
            "sentinel_snapshot_bytes", "Size of the newest snapshot, uncompressed.", "shard"
        )
        self._snapshot_time = gauge(
            "sentinel_snapshot_timestamp_seconds", "When the newest snapshot was taken.", "shard"
        )
        self._refused = counter(
            "sentinel_configurations_refused_total", "Published configurations that are not valid."
        )
        self._warm = gauge(
            "sentinel_features_warm_ratio",
            "Share of the features that have seen as much as they look back.",
            "shard",
        )
        self._build = gauge(
            "sentinel_build_info", "Version and configuration.", "version", "config_version"
        )
        self._from_zero()

    def _from_zero(self) -> None:
        """Create the series of closed label sets, so that rates work from the first event."""
        for action in Action:
            for kept_by in Suppression:
                self._withheld.labels(action, kept_by)
        for stream in Stream:
            self._events.labels(stream)
            self._late.labels(stream)
            self._repeated.labels(stream)
            self._conflicts.labels(stream)
            for name in NAMES[stream]:
                if not FIELDS[stream][name].required:
                    self._missing.labels(stream, name)
        for source in (*Stream, Control.RESPONSE):
            self._given_up.labels(source)
        for reason in DeadLetterReason:
            self._dead.labels(reason)
        for action in Action:
            self._actions.labels(action)
        for drop in SignalDrop:
            self._dropped.labels(drop)
        for change in Change:
            self._changes.labels(change)
        for suppression in Suppression:
            self._suppressed.labels(suppression)
        for escalation in Escalation:
            self._escalations.labels(escalation)
        for notice in Kind:
            self._notices.labels(notice)
        for problem in Problem:
            self._problems.labels(problem)
        for duty in Duty:
            for channel in get_args(ComplaintChannel):
                for kept in ("on_time", "late"):
                    self._duties.labels(duty, channel, kept)
        for resolution in Resolution:
            self._resolved.labels(resolution)
        for kind in ResponseKind:
            for result in ResponseResult:
                self._responses.labels(kind, result)
        for limit in Limit:
            self._limits.labels(limit)
        for rollup_drop in RollupDrop:
            self._rollup_drops.labels(rollup_drop)
        for failure in StepFailure:
            self._failures.labels(failure)
        for tier in Tier:
            for shared in (False, True):
                self._latency.labels(tier, _ENTITY[shared])
            for risk in Risk:
                self._alerts.labels(tier, risk)

    def built(self, configuration: Configuration) -> None:
        """Say which version of the code and the configuration runs, with which rules."""
        self._build.clear()
        self._build.labels(sentinel.__version__, configuration.version).set(1)
        for rule, _, _ in declare(configuration.rule_documents):
            if rule.stage is not Stage.OFF:
                self._signals.labels(rule.id, rule.stage)

    def observe_step(self, shard: int, outcome: Outcome, seconds: float) -> None:
        """Count what a step did; ``seconds`` is the engine's time."""
        self._steps.inc()
        self._step_events.observe(outcome.counts.events.total())
        self._step_seconds.observe(seconds)
        for stream, count in outcome.counts.events.items():
            self._events.labels(stream).inc(count)
        for stream, count in outcome.counts.late.items():
            self._late.labels(stream).inc(count)
        for stream, count in outcome.counts.conflicts.items():
            self._conflicts.labels(stream).inc(count)
        for (stream, name), count in outcome.counts.missing.items():
            self._missing.labels(stream, name).inc(count)
        for stream, count in outcome.counts.repeated.items():
            self._repeated.labels(stream).inc(count)
        self._warm.labels(shard).set(outcome.gauges.warm_share)
        for letter in outcome.emitted.dead_letters:
            self._dead.labels(letter.reason).inc()
        for alert in outcome.emitted.alerts:
            self._observe_alert(alert)
        for request in outcome.emitted.action_requests:
            self._actions.labels(request.action).inc()
        for (action, kept_by), count in outcome.counts.withheld_actions.items():
            self._withheld.labels(action, kept_by).inc(count)
        for (rule, stage), count in outcome.counts.signals.items():
            self._signals.labels(rule, stage).inc(count)
        for drop, count in outcome.counts.dropped_signals.items():
            self._dropped.labels(drop).inc(count)
        for (kind, result), count in outcome.counts.responses.items():
            self._responses.labels(kind, result).inc(count)
        for limit, count in outcome.counts.limits.items():
            self._limits.labels(limit).inc(count)
        for stream, high_ms in outcome.gauges.watermarks_ms.items():
            self._watermark.labels(shard, stream).set(high_ms / 1000)
        for reason, count in outcome.counts.dropped_rollups.items():
            self._rollup_drops.labels(reason).inc(count)
        self._hot.inc(len(outcome.emitted.hot))
        self._entities.labels(shard).set(outcome.gauges.entities_used)
        self._slots.labels(shard).set(outcome.gauges.slots_used)
        self._topics.labels(shard).set(len(outcome.gauges.topics))
        self._observe_open(shard, outcome)
        if outcome.gauges.verdicts != self._told_verdicts.get(shard):
            self._told_verdicts[shard] = outcome.gauges.verdicts
            for labels, count in outcome.gauges.verdicts.items():
                self._verdicts.labels(shard, *labels).set(count)
        self._observe_complaints(shard, outcome)

    def _observe_alert(self, alert: Alert) -> None:
        self._alerts.labels(alert.tier, alert.risk).inc()
        self._changes.labels(alert.change).inc()
        if alert.change in (Change.OPENED, Change.SUPPRESSED):
            for suppressor in alert.suppressed:
                self._suppressed.labels(suppressor.reason).inc()
        if alert.change is Change.ESCALATED:
            self._escalations.labels(alert.escalations[-1]).inc()
        if alert.resolution is not None:
            self._resolved.labels(alert.resolution).inc()

    def _observe_open(self, shard: int, outcome: Outcome) -> None:
        suppressed = 0
        for tier in Tier:
            for state in (AlertState.FIRING, AlertState.ACKNOWLEDGED):
                told, untold = (
                    outcome.gauges.open_alerts.get((tier, state, s), 0) for s in (False, True)
                )
                self._open.labels(shard, tier, state).set(told + untold)
                suppressed += untold
        self._open_suppressed.labels(shard).set(suppressed)

    def _observe_complaints(self, shard: int, outcome: Outcome) -> None:
        for notice, count in outcome.counts.notices.items():
            self._notices.labels(notice).inc(count)
        for problem, count in outcome.counts.complaint_problems.items():
            self._problems.labels(problem).inc(count)
        for labels, count in outcome.counts.complaint_duties.items():
            self._duties.labels(*labels).inc(count)
        for status in get_args(ComplaintStatus):
            for channel in get_args(ComplaintChannel):
                count = outcome.gauges.open_complaints.get((status, channel), 0)
                self._complaints.labels(shard, status, channel).set(count)

    def observe_commit(self, seconds: float) -> None:
        """Note how long a transaction took."""
        self._commit_seconds.observe(seconds)

    def observe_latency(self, tier: Tier, seconds: float, alert_id: str, *, shared: bool) -> None:
        """Observe the time from an event's record to its committed alert, which is the exemplar.

        ``shared`` is whether the alert is on an entity that many customers share.
        """
        latency = self._latency.labels(tier, _ENTITY[shared])
        latency.observe(max(0.0, seconds), {"alert_id": alert_id})

    def failed(self, failure: StepFailure) -> None:
        """Count a failed transaction."""
        self._failures.labels(failure).inc()

    def lag(self, stream: Stream | Control, partition: int, records: int) -> None:
        """Note how many records of a partition are not yet applied."""
        self._lag.labels(stream, partition).set(max(0, records))

    def behind(self, shard: int, lag_ms: int, allowed_ms: int) -> None:
        """Note how far a shard's stream time lags behind wall-clock time."""
        self._stream_lag.labels(shard).set(lag_ms / 1000)
        self._catching_up.labels(shard).set(lag_ms > allowed_ms)

    def released(self, shard: int) -> None:
        """Remove the lag of a shard that another worker owns from now on: it would never fall."""
        self._stream_lag.remove(shard)
        self._catching_up.remove(shard)

    def gave_up(self, stream: Stream | Control, count: int) -> None:
        """Count waits for an input that did not arrive in time."""
        self._given_up.labels(stream).inc(count)

    def recovering(self, shard: int, *, under_way: bool) -> None:
        """Note that a shard starts or ends its recovery."""
        self._recovering.labels(shard).set(under_way)
        self._replay_done.labels(shard).set(0.0 if under_way else 1.0)

    def replayed(self, shard: int, done: int, of: int) -> None:
        """Count a journalled step replayed; so much of the journal is done."""
        self._replayed.inc()
        self._replay_done.labels(shard).set(done / of)

    def copied(self, seconds: float) -> None:
        """Note how long a shard stood still for its snapshot."""
        self._copy_seconds.observe(seconds)

    def saved(self, shard: int, size: int, now_ms: int) -> None:
        """Note a snapshot that is whole."""
        self._snapshot_bytes.labels(shard).set(size)
        self._snapshot_time.labels(shard).set(now_ms / 1000)

    def refused(self) -> None:
        """Count a published configuration that is not valid."""
        self._refused.inc()
