"""The engine: one deterministic state machine, step in, outcome out.

No clock, no I/O, no randomness without a seed.  The same steps give the same outcomes,
byte for byte, live, after a crash, in a replay and in a test; and a sequence of events
gives the same alerts wherever it is cut into steps.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import msgspec
import numpy as np

from sentinel.configuration import Configuration
from sentinel.ingest import (
    Watermarks,
    decode,
    decode_responses,
    decode_silences,
    merge,
    places,
)
from sentinel.model.columns import Batch
from sentinel.model.events import Stream
from sentinel.model.response import Control, Response
from sentinel.model.signal import Signal
from sentinel.model.step import Chunk, Limit, Outcome, Step
from sentinel.state import Slots

_STREAMS = tuple(Stream)


class Engine:
    """Processes the steps of one shard under one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        bounds = configuration.bounds
        self.configuration = configuration
        self._limits = bounds.ingest
        self._stages = configuration.build()
        self._slots = Slots(bounds.max_customers, bounds.customer_ttl_ms)
        self._watermarks = Watermarks()

    def process(self, step: Step) -> Outcome:
        """Take a step's records in and give its alerts, dead letters and counts."""
        stages, outcome = self._stages, Outcome()

        decoded = {
            stream: decode(stream, chunks, self._limits, stages.field_demand[stream])
            for stream in _STREAMS
            if (chunks := _of(step, stream))
        }
        responses = decode_responses(_of(step, Control.RESPONSE), self._limits)
        silences = decode_silences(_of(step, Control.SILENCE), self._limits)
        batch = merge(decoded, self._watermarks, self._limits.lateness_ms)

        slots, fresh, evictions = self._slots.assign(batch.customer, batch.event_time)
        lost = stages.features.update(batch, slots, fresh)
        for rows in batch.rows.values():
            stages.detectors.score(rows)
        signals = stages.rules.evaluate(batch)

        stages.alerting.begin(self.configuration.version)
        for silence in silences.messages:
            stages.alerting.silence(silence)
        self._alert(batch, signals, responses.messages)
        stages.alerting.advance(step.now_ms)
        said = stages.alerting.finish()

        outcome.alerts, outcome.action_requests = said.alerts, said.action_requests
        outcome.dead_letters = [letter for part in decoded.values() for letter in part.dead_letters]
        outcome.dead_letters += responses.dead_letters + silences.dead_letters
        outcome.dropped_signals, outcome.responses = said.dropped, said.responses
        for stream, rows in batch.rows.items():
            outcome.events[stream] = len(rows)
            outcome.late[stream] = int(np.count_nonzero(batch.late[rows.place]))
        outcome.signals = Counter((signal.rule_id, signal.stage.value) for signal in signals)
        outcome.limits = said.limits + stages.rules.take_limits()
        outcome.limits[Limit.SLOTS] += evictions.full
        outcome.limits[Limit.TTL] += evictions.expired
        outcome.limits[Limit.BUSY_SLOTS] += lost
        outcome.watermarks_ms = self._watermarks.known()
        outcome.slots_used = len(self._slots)
        outcome.open_alerts = stages.alerting.standings()
        return outcome

    def _alert(self, batch: Batch, signals: list[Signal], responses: list[Response]) -> None:
        """Take alerting through signals and responses in one order, by the clock of each."""
        alerting = self._stages.alerting
        clock_ms = np.maximum.accumulate(batch.event_time)
        by_event = groupby(signals, key=lambda signal: signal.place)
        answers = zip(places(responses, batch, self._watermarks), responses, strict=True)
        happenings: Iterator[tuple[int, Response | list[Signal]]] = heapq.merge(
            answers, ((place, list(each)) for place, each in by_event), key=itemgetter(0)
        )
        for place, happened in happenings:
            if isinstance(happened, Response):
                at_ms = int(happened.event_time)  # type: ignore[arg-type]  # ms since decoded
                alerting.advance(max(at_ms, int(clock_ms[place - 1]) if place else at_ms))
                alerting.respond(happened, at_ms)
            else:
                alerting.advance(int(clock_ms[place]))
                alerting.take(happened)
        if len(batch):
            alerting.advance(int(clock_ms[-1]))

    def next_due_ms(self) -> int:
        """When the next deadline fires (ms UTC); far ahead if none is set."""
        return self._stages.alerting.next_due_ms()

    def snapshot(self) -> bytes:
        """All state as bytes; equal state gives equal bytes."""
        stages = self._stages
        return msgspec.msgpack.encode(
            (
                self._watermarks.snapshot(),
                self._slots.snapshot(),
                stages.features.snapshot(self._slots.highest),
                stages.detectors.snapshot(),
                stages.rules.snapshot(),
                stages.alerting.snapshot(),
            )
        )

    def restore(self, data: bytes) -> None:
        """Take the place of the engine that :meth:`snapshot` saw, under one configuration."""
        kind = tuple[bytes, tuple[bytes, bytes, bytes], bytes, bytes, bytes, bytes]
        watermarks, slots, features, detectors, rules, alerting = msgspec.msgpack.decode(
            data, type=kind
        )
        self._watermarks.restore(watermarks)
        self._slots.restore(slots)
        self._stages.features.restore(features)
        self._stages.detectors.restore(detectors)
        self._stages.rules.restore(rules)
        self._stages.alerting.restore(alerting)

    def digest(self) -> str:
        """A hash of all state: equal for engines that have seen the same steps."""
        return hashlib.blake2b(self.snapshot(), digest_size=16).hexdigest()

    @property
    def bytes_per_customer(self) -> int:
        """Bytes of keyed state and bookkeeping for each customer that fits."""
        slots = self._slots
        return self._stages.features.bytes_per_customer + slots.nbytes // slots.capacity


def _of(step: Step, stream: Stream | Control) -> list[Chunk]:
    """The stream's chunks in the order given."""
    return [chunk for chunk in step.chunks if chunk.stream is stream]


def warm_up(configuration: Configuration) -> None:
    """Compile every kernel, so that the first real step does not wait for the compiler."""
    engine = Engine(configuration)
    values = {
        Stream.TRANSACTION: (
            b'{"event_id":"w","event_time":1,"customer_id":"w","kind":"fee",'
            b'"direction":"debit","amount":1}'
        ),
        Stream.LOGIN: (
            b'{"event_id":"w","event_time":1,"customer_id":"w","kind":"login","success":true}'
        ),
        Stream.COMPLAINT: (
            b'{"event_id":"w","event_time":1,"customer_id":"w","complaint_id":"w",'
            b'"status":"received","channel":"app"}'
        ),
    }
    chunks = [
        Chunk(stream, "warm-up", 0, [0], [1], [None], [value]) for stream, value in values.items()
    ]
    engine.process(Step(1, chunks))
