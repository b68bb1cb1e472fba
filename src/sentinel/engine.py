"""The engine: one deterministic state machine, step in, outcome out.

No clock, no I/O, no randomness without a seed.  The same steps give the same outcomes,
byte for byte, live, after a crash, in a replay and in a test; and a sequence of events
gives the same alerts wherever it is cut into steps.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter

import numpy as np

from sentinel.complaints import Notice
from sentinel.configuration import Configuration
from sentinel.entities import TICK_MS, records
from sentinel.ingest import (
    NEVER,
    Decoded,
    Said,
    Watermarks,
    decode,
    decode_responses,
    decode_silences,
    merge,
    places,
)
from sentinel.model.claim import Claim, Ending
from sentinel.model.columns import Batch
from sentinel.model.entity import EntityKind
from sentinel.model.events import Complaint, Event, EventKey, Stream
from sentinel.model.response import Control, Response, ResponseKind, ResponseResult
from sentinel.model.rollup import BEHIND_MS, HotEntry, Progress
from sentinel.model.share import WHOLE, Share
from sentinel.model.signal import Signal
from sentinel.model.stage import Buffer, under
from sentinel.model.step import Chunk, Outcome, SignalDrop, Step

_STREAMS = tuple(Stream)
_ENTITY_MOMENT = attrgetter("event_time", "entity_kind", "entity_id")
_KEY = "key"
_DIGEST_BYTES = 16


def _until_ms(step: Step, reached_ms: int) -> int | None:
    """A time by which a step's records were appended; None in a simulation."""
    return None if step.wall_ms is None else min(step.wall_ms, reached_ms)


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
        self.configuration, self._share = configuration, share
        self._limits = configuration.bounds.ingest
        self._stages = configuration.build(share)
        self._stateful = self._stages.stateful()
        self._notices: Counter[str] = Counter()
        self._labels: Counter[tuple[ResponseKind, ResponseResult]] = Counter()
        self._wall_ms: int | None = None

    def process(self, step: Step) -> Outcome:
        """Process a step's records; returns its alerts, dead letters and counts."""
        stages, outcome = self._stages, Outcome()
        position, watermarks = stages.position, stages.position.watermarks
        self._wall_ms = step.wall_ms

        until_ms = _until_ms(step, step.stream_ms)
        decoded = {
            stream: position.ahead.take(stream, chunks, watermarks.appended(stream), until_ms)
            or self._decode(stream, chunks, watermarks.appended(stream), until_ms)
            for stream in _STREAMS
            if (chunks := _of(step, stream))
        }
        for stream, part in decoded.items():
            outcome.missing += Counter({(stream, name): n for name, n in part.missing.items()})
        responses = decode_responses(
            _of(step, Control.RESPONSE),
            self._limits,
            self.configuration.people,
            watermarks,
            until_ms,
        )
        silences = decode_silences(
            _of(step, Control.SILENCE), self._limits, self.configuration.people
        )
        for stream, part in decoded.items():
            decoded[stream] = position.without_repeats(stream, part, self._limits.hasher, outcome)
        batch = merge(decoded, watermarks, self._limits.lateness_ms)

        stages.customers.update(batch)
        for rows in batch.rows.values():
            stages.detectors.score(rows)
        if Stream.COMPLAINT in batch.rows:
            complaints = batch.rows[Stream.COMPLAINT]
            stages.text.read(complaints, batch.event_time[complaints.place])
        wall_ms = None if step.wall_ms is None else self._never_back(step.wall_ms)
        stages.hot_list.take(_of(step, Control.HOT), wall_ms)
        stages.hot_list.add_to(batch)
        signals = stages.rules.evaluate(batch)
        outcome.rollups = stages.collector.collect(batch)
        read = [batch]
        if step.ahead:
            read.append(self._read_ahead(step))
            outcome.rollups += stages.collector.collect(read[-1])
        oldest_ms = min((int(each.order[0]) for each in read if len(each)), default=NEVER)
        was_behind = (
            step.wall_ms is not None and oldest_ms > 0 and step.wall_ms - oldest_ms > BEHIND_MS
        )
        before_ms = stages.rollups.outage_ms
        arrived = stages.owner.read(_of(step, Control.ROLLUP))
        rollups = stages.rollups.process(arrived, wall_ms, late=was_behind)
        outage_ms = stages.rollups.outage_ms
        shared = stages.entity_rules.evaluate(stages.owner.apply(rollups), self._limits.lateness_ms)
        outcome.signals = Counter(
            (signal.rule_id, signal.stage.value) for signal in signals + shared
        )
        in_time = [signal for signal in signals if not batch.late[signal.place]]
        outcome.dropped_signals[SignalDrop.LATE_EVENT] += len(signals) - len(in_time)
        for (rule_id, stage, why), count in stages.entity_rules.take_dropped().items():
            outcome.signals[rule_id, stage.value] += count
            outcome.dropped_signals[why] += count

        stages.held.begin(batch.rows.get(Stream.TRANSACTION))
        stages.alerting.begin(self.configuration.version)
        self._advance(NEVER)  # wall-clock time, to which the silences come
        for place, silence in enumerate(silences.messages):
            refusal = stages.alerting.silence(silence, silences.signers[place])
            if refusal is not None:
                silences.refuse(place, refusal)
        self._alert(batch, in_time, responses)
        outcome.rollups += stages.collector.collect_labels(stages.held.finish())
        outcome.hot = self._alert_of_shared(shared)
        known_ms = max(step.stream_ms, step.ahead_ms or step.stream_ms)
        shared_ms = min(known_ms, stages.rollups.horizon_ms(wall_ms))
        self._advance(step.stream_ms, shared_ms)
        stages.hot_list.forget_before(step.stream_ms)
        if wall_ms is not None:
            stages.hot_list.note_outage(outage_ms, wall_ms)
        said, counts = stages.alerting.finish(), stages.complaints.take_counts()

        outcome.alerts, outcome.action_requests = said.alerts, said.action_requests
        outcome.withheld_actions = said.withheld
        outcome.dead_letters = [letter for part in decoded.values() for letter in part.dead_letters]
        outcome.dead_letters += responses.dead_letters + silences.dead_letters
        outcome.dropped_signals += said.dropped
        outcome.responses = said.responses + self._labels
        outcome.verdicts, self._labels = dict(stages.verdicts.tallies), Counter()
        for stream, rows in batch.rows.items():
            outcome.events[stream] = len(rows)
            outcome.late[stream] = int(np.count_nonzero(batch.late[rows.place]))
        for each in self._stateful.values():
            outcome.limits += each.drain_limits()
        outcome.watermarks_ms = watermarks.known()
        outcome.slots_used = len(stages.customers)
        outcome.entities_used = len(stages.owner)
        outcome.dropped_rollups = stages.owner.drain_drops() + stages.hot_list.drain_drops()
        is_behind = step.wall_ms is not None and step.wall_ms - known_ms > BEHIND_MS
        outcome.progress = Progress(known_ms, is_behind, was_behind)
        outcome.tells_all = is_behind or was_behind or (before_ms is None and outage_ms is not None)
        if was_behind or any(each.progress and each.progress.asks for each, _ in arrived):
            stages.heat.ask(wall_ms or 0)
        outcome.hot_until_ms = stages.heat.tell(shared_ms)
        outcome.warm_share = stages.customers.warm_share
        outcome.open_alerts = stages.alerting.standings()
        outcome.notices, self._notices = self._notices, Counter()
        outcome.complaint_problems = Counter(
            {problem.value: count for problem, count in counts.problems.items()}
        )
        for result, duties in (("on_time", counts.on_time), ("late", counts.late)):
            for (duty, channel), count in duties.items():
                outcome.complaint_duties[duty.value, channel, result] += count
        outcome.open_complaints = {
            (status.value, channel): count
            for (status, channel), count in stages.complaints.backlog.items()
        }
        outcome.topics = stages.text.topics
        return outcome

    def _read_ahead(self, step: Step) -> Batch:
        """The events of a step's records ahead."""
        decoded = dict[Stream, Decoded]()
        position = self._stages.position
        until_ms = _until_ms(step, step.ahead_ms or step.stream_ms)
        for stream in _STREAMS:
            chunks = [chunk for chunk in step.ahead if chunk.stream is stream]
            if not chunks:
                continue
            previous_ms = max(
                position.ahead.reached_ms(stream), position.watermarks.appended(stream)
            )
            part = self._decode(stream, chunks, previous_ms, until_ms, with_offsets=True)
            ids = position.event_ids[stream]
            decoded[stream] = position.ahead.note(
                stream, chunks, part, ids, previous_ms, until_ms, self._limits.hasher
            )
        return merge(decoded, Watermarks(), self._limits.lateness_ms)

    def _decode(
        self,
        stream: Stream,
        chunks: Sequence[Chunk],
        previous_ms: int,
        until_ms: int | None,
        *,
        with_offsets: bool = False,
    ) -> Decoded:
        """The events of a stream's chunks, appended after ``previous_ms``, by ``until_ms``."""
        return decode(
            stream,
            chunks,
            self._limits,
            self._stages.field_demand[stream],
            self._stages.collector.spelled[stream],
            previous_ms,
            until_ms,
            with_offsets=with_offsets or self._stages.position.ahead.covers(stream, chunks),
        )

    def _alert(self, batch: Batch, signals: list[Signal], responses: Said[Response]) -> None:
        """Process responses, complaints and signals in one order, each at its append time."""
        stages = self._stages
        answers = zip(
            places(responses.appended_ms, batch),
            zip(responses.messages, responses.appended_ms, strict=True),
            strict=True,
        )
        rows = batch.rows.get(Stream.COMPLAINT)
        steps = ((place, rows.events[row]) for row, place in enumerate(rows.place)) if rows else ()
        by_event = groupby(signals, key=lambda signal: signal.place)
        happenings: Iterator[tuple[int, tuple[Response, int] | Event | list[Signal]]] = heapq.merge(
            answers, steps, ((place, list(each)) for place, each in by_event), key=itemgetter(0)
        )
        for place, happened in happenings:
            if isinstance(happened, tuple):
                response, appended_ms = happened
                self._advance(appended_ms)
                at_ms = int(response.event_time)  # type: ignore[arg-type]  # ms since decoded
                self._respond(response, at_ms, place)
                continue
            self._advance(int(batch.order[place]))
            if isinstance(happened, Complaint):
                self._take_complaint(happened, int(batch.event_time[place]), batch, place)
            elif isinstance(happened, list):
                stages.verdicts.note(happened)
                stages.alerting.take(happened)
        if len(batch):
            self._advance(int(batch.order[-1]))

    def _respond(self, response: Response, at_ms: int, place: int) -> None:
        """Do what was said of an alert or an event; the rules and entities behind it hear of it."""
        if response.kind is ResponseKind.LABEL:
            known = self._judge(response.events, response, at_ms, place)
            result = ResponseResult.APPLIED if known else ResponseResult.NOT_HELD
            self._labels[response.kind, result] += 1
            return
        events = self._stages.alerting.respond(response, at_ms)
        if response.kind is ResponseKind.DISPOSITION:
            self._judge(events, response, at_ms, place)

    def _judge(self, events: Sequence[EventKey], response: Response, at_ms: int, place: int) -> int:
        """Give events the response's verdict; returns how many are known."""
        stages, verdict = self._stages, response.verdict
        assert verdict is not None  # noqa: S101 - checked when it was decoded
        fired = stages.verdicts.judge(events, verdict)
        held = [event_id for stream, event_id in events if stream is Stream.TRANSACTION]
        return max(fired, stages.held.judge(held, verdict, at_ms, place))

    def _alert_of_shared(self, signals: list[Signal]) -> list[HotEntry]:
        """Process the signals of shared entities; returns those that are hot now."""
        stages, hot = self._stages, []
        for (at_ms, kind, entity_id), each in groupby(signals, key=_ENTITY_MOMENT):
            mine = list(each)
            stages.alerting.advance(NEVER, self._wall_ms, at_ms)
            stages.verdicts.note(mine)
            stages.alerting.take(mine)
            risk = max((stages.entity_rules.hot.get(one.rule_id, 0) for one in mine), default=0)
            if risk:
                appended_ms = max(one.recorded_ms for one in mine)
                from_ms = (appended_ms // TICK_MS + 2) * TICK_MS
                entry = HotEntry(kind=EntityKind(kind), id=entity_id, risk=risk, at=from_ms)
                if stages.heat.note(entry):
                    hot.append(entry)
        return hot

    def _take_complaint(self, event: Complaint, at_ms: int, batch: Batch, place: int) -> None:
        recorded_ms = batch.rows[Stream.COMPLAINT].recorded_ms[batch.row[place]]
        self._tell(
            self._stages.complaints.take(
                event.complaint_id,
                event.customer_id,
                event.status,
                event.channel,
                event.product,
                event.category,
                event.branch_id,
                event.event_id,
                at_ms,
                int(recorded_ms),
                event.extended_to,
                event.approved_by,
            )
        )

    def _advance(self, stream_ms: int, shared_ms: int = NEVER) -> None:
        """Do what is due by stream time, of complaints and alerts in one order.

        ``shared_ms`` is stream time of the shared entities: all shards have passed it.
        """
        complaints, alerting = self._stages.complaints, self._stages.alerting
        while (due_ms := complaints.next_due_ms()) <= stream_ms:
            alerting.advance(due_ms, self._wall_ms, NEVER)
            self._tell(complaints.advance(due_ms))
        alerting.advance(stream_ms, self._wall_ms, shared_ms)

    def _tell(self, notices: list[Notice]) -> None:
        """Notices of complaints become alerts, or end them."""
        for notice in notices:
            self._notices[notice.kind] += 1
            said = self._stages.alarms.take(notice)
            if isinstance(said, Claim):
                self._stages.alerting.claim(said)
            elif isinstance(said, Ending):
                self._stages.alerting.end(said)

    def reconfigure(self, configuration: Configuration) -> None:
        """Go on under another configuration.

        What both have keeps its state: features of one meaning, detectors, sequences under way,
        all that is open.  What is new starts cold, what is gone is dropped.
        """
        old = self._stateful
        self.configuration, self._limits = configuration, configuration.bounds.ingest
        self._stages = configuration.build(self._share)
        self._stateful = self._stages.stateful()
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
            or self._stages.heat.owes(shared_ms)
            or self._stages.complaints.next_due_ms() <= stream_ms
        )

    @property
    def has_shared_entities(self) -> bool:
        """Whether shared entities are measured at all."""
        return self._stages.owner.has_kinds

    @property
    def reads_ahead(self) -> bool:
        """Whether a shard that is behind has to read ahead: rules ask what is hot."""
        return self.has_shared_entities and self._stages.hot_list.is_asked

    def bound_ms(self, wall_ms: int) -> int:
        """The append time up to which all is known that was hot; far ahead if nobody is behind."""
        return self._stages.hot_list.horizon_ms(self._never_back(wall_ms))

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
        """Take the place of the engine that :meth:`snapshot` saw, under one configuration.

        Raises ValueError if that was under another deployment's key.
        """
        if bytes(parts.get(_KEY, b"")) != self._key_print():
            raise ValueError("the state was made under another key, or before there were keys")
        for name, stage in self._stateful.items():
            stage.restore(under(name, parts))

    def _key_print(self) -> bytes:
        """Tells keys apart, and nothing of the key."""
        return hashlib.blake2b(self.configuration.hasher.key, digest_size=_DIGEST_BYTES).digest()

    def digest(self) -> str:
        """A hash of all state: equal for engines that have seen the same steps."""
        return digest_of(self.snapshot())

    def spot_digest(self) -> str:
        """A hash of what the last step touched: its customers' rows, the detectors, the clocks.

        It costs as much as the step was big, not as all customers are many.
        """
        stages = self._stages
        state = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        state.update(stages.position.watermarks.snapshot())
        state.update(stages.customers.touched_rows())
        state.update(digest_of(stages.detectors.snapshot()).encode())
        return state.hexdigest()

    @property
    def bytes_per_customer(self) -> int:
        """Bytes of keyed state and bookkeeping for each customer that fits."""
        return self._stages.customers.bytes_each


def _of(step: Step, stream: Stream | Control) -> list[Chunk]:
    """The stream's chunks in the order given."""
    return [chunk for chunk in step.chunks if chunk.stream is stream]


def warm_up(configuration: Configuration) -> None:
    """Compile every kernel, so that the first real step does not wait for the compiler."""
    engine, at_ms = Engine(configuration), 1_600_000_000_000
    values = {
        Stream.TRANSACTION: (
            b'{"event_id":"w","event_time":1600000000000,"customer_id":"w","kind":"fee",'
            b'"direction":"debit","amount":1}'
        ),
        Stream.LOGIN: (
            b'{"event_id":"w","event_time":1600000000000,"customer_id":"w","kind":"login",'
            b'"success":true,"ip":"2001:db8::1"}'
        ),
        Stream.COMPLAINT: (
            b'{"event_id":"w","event_time":1600000000000,"customer_id":"w","complaint_id":"w",'
            b'"status":"received","channel":"app"}'
        ),
    }
    chunks = [
        Chunk(stream, "warm-up", 0, [0], [at_ms], [None], [value])
        for stream, value in values.items()
    ]
    outcome = engine.process(Step(at_ms, chunks))
    rollups = [value for _, value in records(outcome.rollups, 0, 1, outcome.progress)]
    if rollups:
        chunk = Chunk(Control.ROLLUP, "warm-up", 0, [0], [at_ms], [None], [*rollups])
        engine.process(Step(at_ms, [chunk]))
