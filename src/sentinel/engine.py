"""The engine: one deterministic state machine, step in, outcome out.

No clock, no I/O, no randomness without a seed.  The same steps give the same outcomes,
byte for byte, live, after a crash, in a replay and in a test; and a sequence of events
gives the same alerts wherever it is cut into steps.
"""

import hashlib
from collections import Counter

import msgspec
import numpy as np

from sentinel.configuration import Configuration
from sentinel.ingest import Watermarks, decode, merge
from sentinel.model.events import Stream
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
            for stream, chunks in _by_stream(step.chunks).items()
        }
        batch = merge(decoded, self._watermarks, self._limits.lateness_ms)

        slots, fresh, evictions = self._slots.assign(batch.customer, batch.event_time)
        lost = stages.features.update(batch, slots, fresh)
        for rows in batch.rows.values():
            stages.detectors.score(rows)
        signals = stages.rules.evaluate(batch)
        fused = stages.fusion.fuse(signals, self.configuration.version)

        outcome.alerts, outcome.action_requests = fused.alerts, fused.action_requests
        outcome.dead_letters = [letter for part in decoded.values() for letter in part.dead_letters]
        outcome.suppressed = fused.suppressed
        for stream, rows in batch.rows.items():
            outcome.events[stream] = len(rows)
            outcome.late[stream] = int(np.count_nonzero(batch.late[rows.place]))
        outcome.signals = Counter((signal.rule_id, signal.stage.value) for signal in signals)
        outcome.limits = fused.limits + stages.rules.take_limits()
        outcome.limits[Limit.SLOTS] += evictions.full
        outcome.limits[Limit.TTL] += evictions.expired
        outcome.limits[Limit.BUSY_SLOTS] += lost
        outcome.watermarks_ms = self._watermarks.known()
        outcome.slots_used = len(self._slots)
        return outcome

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
                stages.fusion.snapshot(),
            )
        )

    def restore(self, data: bytes) -> None:
        """Take the place of the engine that :meth:`snapshot` saw, under one configuration."""
        kind = tuple[bytes, tuple[bytes, bytes, bytes], bytes, bytes, bytes, bytes]
        watermarks, slots, features, detectors, rules, fusion = msgspec.msgpack.decode(
            data, type=kind
        )
        self._watermarks.restore(watermarks)
        self._slots.restore(slots)
        self._stages.features.restore(features)
        self._stages.detectors.restore(detectors)
        self._stages.rules.restore(rules)
        self._stages.fusion.restore(fusion)

    def digest(self) -> str:
        """A hash of all state: equal for engines that have seen the same steps."""
        return hashlib.blake2b(self.snapshot(), digest_size=16).hexdigest()

    @property
    def bytes_per_customer(self) -> int:
        """Bytes of keyed state and bookkeeping for each customer that fits."""
        slots = self._slots
        return self._stages.features.bytes_per_customer + slots.nbytes // slots.capacity


def _by_stream(chunks: list[Chunk]) -> dict[Stream, list[Chunk]]:
    """The chunks of each stream in the order given, streams in their fixed order."""
    return {
        stream: mine
        for stream in _STREAMS
        if (mine := [chunk for chunk in chunks if chunk.stream is stream])
    }


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
