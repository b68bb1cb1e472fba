"""The engine: one deterministic state machine, step in, outcome out.

No clock, no I/O, no randomness without a seed.  The same steps give the same outcomes,
byte for byte, live, after a crash, in a replay and in a test; and a sequence of events
gives the same alerts wherever it is cut into steps.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from sentinel.engine.configuration import Configuration
from sentinel.engine.intake import Inputs, Intake, chunks_of
from sentinel.engine.outcome import Emitted, Gauges, Outcome
from sentinel.engine.timeline import Timeline
from sentinel.entities import Rollup, RollupRows
from sentinel.ingest import NEVER
from sentinel.model.columns import Batch
from sentinel.model.counts import Counts, move
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.rollup import BEHIND_MS, Progress
from sentinel.model.share import WHOLE, Share
from sentinel.model.signal import Signal
from sentinel.model.stage import Buffer, under
from sentinel.model.step import SignalDrop, Step

_KEY = "key"
_DIGEST_BYTES = 16


def digest_of(parts: Mapping[str, Buffer]) -> str:
    """The hash of a snapshot."""
    state = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for name, part in sorted(parts.items()):
        state.update(f"{name} {len(part)} ".encode())
        state.update(part)
    return state.hexdigest()


class Engine:
    """Processes the steps of one shard under one configuration.

    ``share`` is the shard's of what is configured for the desk as a whole.
    """

    def __init__(self, configuration: Configuration, share: Share = WHOLE) -> None:
        self._share = share
        self._install(configuration)

    def _install(self, configuration: Configuration) -> None:
        """Fresh stages of a configuration."""
        self.configuration, limits = configuration, configuration.bounds.ingest
        self._stages = configuration.build(self._share)
        self._stateful = self._stages.stateful()
        self._limits = [stage.limits for stage in self._stateful.values()]
        self._intake = Intake(self._stages, limits, configuration.people)

    def process(self, step: Step) -> Outcome:
        """Process a step's records; returns what is to be written, and what was counted."""
        stages, outcome = self._stages, Outcome()
        emitted, counts = outcome.emitted, outcome.counts
        wall_ms = None if step.wall_ms is None else self._never_back(step.wall_ms)

        inputs = self._intake.read(step, counts)
        batch = inputs.batch
        self._measure(batch)
        stages.entity_risk_cache.read(chunks_of(step, Control.ENTITY_RISK), wall_ms)
        stages.entity_risk_cache.add_to(batch)
        signals = stages.rules.evaluate(batch)

        # Of shared entities: what this shard saw goes to their owners, what came is applied.
        emitted.rollups = stages.collector.collect(batch)
        ahead = self._intake.read_ahead(step) if step.ahead else None
        if ahead is not None:
            emitted.rollups += stages.collector.collect(ahead)
        was_behind = _is_old(step, batch, ahead)
        arrived = stages.owner.read(chunks_of(step, Control.ROLLUP))
        outage_before_ms = stages.rollups.outage_ms
        shared = self._evaluate_shared(arrived, wall_ms, was_behind=was_behind)
        in_time = self._count_signals(batch, signals, shared, counts)

        # One order: responses, complaints, signals, deadlines.
        stages.label_buffer.begin(batch.rows.get(Stream.TRANSACTION))
        stages.alerting.begin(self.configuration.version)
        timeline = Timeline(stages, counts, step.wall_ms)
        timeline.silence(inputs.silences)
        emitted.response_outcomes = timeline.process(batch, in_time, inputs.responses)
        emitted.rollups += stages.collector.collect_labels(stages.label_buffer.finish())
        emitted.entity_risks = timeline.process_shared(shared)
        known_ms = max(step.stream_ms, step.ahead_ms or step.stream_ms)
        shared_ms = min(known_ms, stages.rollups.horizon_ms(wall_ms))
        timeline.advance(step.stream_ms, shared_ms)
        stages.entity_risk_cache.forget_before(step.stream_ms)

        # What other shards have to hear of this one.
        is_behind = step.wall_ms is not None and step.wall_ms - known_ms > BEHIND_MS
        outage_ms = stages.rollups.outage_ms
        begins = outage_before_ms is None and outage_ms is not None
        emitted.progress = Progress(known_ms, is_behind, was_behind)
        emitted.tells_all = is_behind or was_behind or begins
        if wall_ms is not None:
            stages.entity_risk_cache.note_outage(outage_ms, wall_ms)
        if was_behind or any(each.progress and each.progress.asks for each, _ in arrived):
            stages.entity_risk_sender.ask(wall_ms or 0)
        emitted.entity_risk_until_ms = stages.entity_risk_sender.tell(shared_ms)

        self._finish(inputs, emitted, counts)
        return outcome

    def _measure(self, batch: Batch) -> None:
        """Add features, scores and text columns to the rows of a batch."""
        self._stages.customers.update(batch)
        for rows in batch.rows.values():
            self._stages.detectors.score(rows)
        if Stream.COMPLAINT in batch.rows:
            complaints = batch.rows[Stream.COMPLAINT]
            self._stages.text.read(complaints, batch.event_time[complaints.index])

    def _evaluate_shared(
        self,
        arrived: Sequence[tuple[Rollup, list[RollupRows]]],
        wall_ms: int | None,
        *,
        was_behind: bool,
    ) -> list[Signal]:
        """The signals of the shared entities of which rollups came, or need not wait longer."""
        stages = self._stages
        rows = stages.owner.apply(stages.rollups.process(arrived, wall_ms, late=was_behind))
        return stages.entity_rules.evaluate(rows, self.configuration.bounds.ingest.lateness_ms)

    def _count_signals(
        self, batch: Batch, signals: Sequence[Signal], shared: Sequence[Signal], counts: Counts
    ) -> list[Signal]:
        """Count signals; returns those of events that were in time."""
        dropped = self._stages.entity_rules.dropped
        for (rule_id, mode, why), count in dropped.items():
            counts.signals[rule_id, mode.value] += count
            counts.dropped_signals[why] += count
        dropped.clear()
        if not signals and not shared:
            return []
        counts.signals.update((each.rule_id, each.mode.value) for each in (*signals, *shared))
        in_time = [signal for signal in signals if not batch.late[signal.index]]
        if len(in_time) < len(signals):
            counts.dropped_signals[SignalDrop.LATE_EVENT] += len(signals) - len(in_time)
        return in_time

    def _finish(self, inputs: Inputs, emitted: Emitted, counts: Counts) -> None:
        """Collect what alerting and complaints came to, and what every stage counted."""
        stages, batch = self._stages, inputs.batch
        output, complaints = stages.alerting.drain(), stages.complaints.counts
        emitted.alerts, emitted.action_requests = output.alerts, output.action_requests
        emitted.dead_letters = inputs.dead_letters
        for stream, rows in batch.rows.items():
            counts.events[stream] = len(rows)
        if batch.late.any():
            for stream, rows in batch.rows.items():
                counts.late[stream] = int(np.count_nonzero(batch.late[rows.index]))
        move(output.withheld, counts.withheld_actions)
        move(output.dropped, counts.dropped_signals)
        move(output.responses, counts.responses)
        move(stages.owner.dropped, counts.dropped_rollups)
        move(stages.entity_risk_cache.dropped, counts.dropped_rollups)
        for limits in self._limits:
            move(limits, counts.limits)
        move(complaints.problems, counts.complaint_problems)
        move(complaints.duties, counts.complaint_duties)

    def gauges(self) -> Gauges:
        """How things stand now; asked for when somebody wants to see it, not in every step."""
        stages = self._stages
        return Gauges(
            watermarks_ms=stages.position.watermarks.known(),
            slots_used=len(stages.customers),
            warm_share=stages.customers.warm_share,
            entities_used=len(stages.owner),
            open_alerts=stages.alerting.states(),
            open_complaints={
                (status.value, channel): count
                for (status, channel), count in stages.complaints.backlog.items()
            },
            verdicts=dict(stages.verdicts.tallies),
            topics=stages.text.topics,
        )

    def reconfigure(self, configuration: Configuration) -> None:
        """Go on under another configuration.

        What both have keeps its state: features of one meaning, detectors, sequences under way,
        all that is open.  What is new starts cold, what is gone is dropped.
        """
        old = self._stateful
        self._install(configuration)
        self._stages.alerting.begin(configuration.version)
        for name, stage in self._stateful.items():
            stage.carry(old[name])

    def _never_back(self, wall_ms: int) -> int:
        """Wall-clock time, or that of an earlier step if the clock was set back since."""
        return max(wall_ms, self._stages.alerting.wall_ms)

    def is_due(self, stream_ms: int, wall_ms: int) -> bool:
        """Whether a deadline would fire in a step without records at these times."""
        wall_ms = self._never_back(wall_ms)
        shared_ms = min(stream_ms, self._stages.rollups.horizon_ms(wall_ms))
        return (
            self._stages.alerting.is_due(stream_ms, wall_ms, shared_ms)
            or self._stages.rollups.is_due(wall_ms)
            or self._stages.entity_risk_sender.owes(shared_ms)
            or self._stages.complaints.next_due_ms() <= stream_ms
        )

    @property
    def has_shared_entities(self) -> bool:
        """Whether shared entities are measured at all."""
        return self._stages.owner.has_kinds

    @property
    def reads_ahead(self) -> bool:
        """Whether a shard that is behind has to read ahead: rules ask what is risky."""
        return self.has_shared_entities and self._stages.entity_risk_cache.is_asked

    def bound_ms(self, wall_ms: int) -> int:
        """The append time up to which every risk is known; far ahead if no shard is behind."""
        return self._stages.entity_risk_cache.horizon_ms(self._never_back(wall_ms))

    def collected(self, stream: Stream) -> int:
        """The offset of a stream's last record that was read ahead; -1 before the first."""
        return self._stages.position.ahead.offset(stream)

    @property
    def stream_ms(self) -> int:
        """Stream time after the last step (ms UTC); far back before the first."""
        return self._stages.alerting.stream_ms

    def appended(self, source: Stream | Control) -> int:
        """The append time of the last record of an input (ms UTC); far back before the first."""
        return self._stages.position.watermarks.appended(source)

    def snapshot(self) -> dict[str, Buffer]:
        """All state by the name of its part; equal state gives equal bytes."""
        parts = {
            f"{name}.{part}": data
            for name, stage in self._stateful.items()
            for part, data in stage.snapshot().items()
        }
        return {_KEY: self._key_print(), **parts}

    def restore(self, parts: Mapping[str, Buffer]) -> None:
        """Restore the state of the engine that :meth:`snapshot` saw, under one configuration.

        Raises ValueError if that was under another deployment's key.
        """
        if bytes(parts.get(_KEY, b"")) != self._key_print():
            raise ValueError("the state was made under another key, or before there were keys")
        for name, stage in self._stateful.items():
            stage.restore(under(name, parts))

    def _key_print(self) -> bytes:
        """An id of the key that reveals nothing about it."""
        return hashlib.blake2b(self.configuration.hasher.key, digest_size=_DIGEST_BYTES).digest()

    def digest(self) -> str:
        """A hash of all state: equal for engines that have seen the same steps."""
        return digest_of(self.snapshot())

    def spot_digest(self) -> str:
        """A hash of what changed last in every stage.

        It costs as much as the step was big, not as all customers are many.
        """
        return digest_of({name: stage.spot() for name, stage in self._stateful.items()})

    @property
    def bytes_per_customer(self) -> int:
        """Bytes of keyed state and bookkeeping for each customer that fits."""
        return self._stages.customers.bytes_each


def _is_old(step: Step, batch: Batch, ahead: Batch | None) -> bool:
    """Whether a step processes records of long ago: the shard was behind."""
    read = [each for each in (batch, ahead) if each is not None]
    oldest_ms = min((int(each.order[0]) for each in read if len(each)), default=NEVER)
    return step.wall_ms is not None and oldest_ms > 0 and step.wall_ms - oldest_ms > BEHIND_MS
