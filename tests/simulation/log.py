"""A made-up Kafka of one shard: committed records, producers that can be fenced, snapshots."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from sentinel.alerting.cloudevent import encode as encode_alert
from sentinel.alerting.cloudevent import encode_action, encode_response_outcome
from sentinel.engine import Configuration, Emitted
from sentinel.entities import records
from sentinel.kafka.producer import ProducerFatalError, TransactionAbortedError
from sentinel.kafka.records import Fetched
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.rollup import EntityRiskProgress
from sentinel.model.step import Chunk, Step
from sentinel.shard import snapshot as form
from sentinel.shard.journal import StepRecord, decode, encode
from sentinel.shard.recovery import RecoveryError
from sentinel.shard.snapshot import Manifest, Snapshot, SnapshotError

TOPICS: dict[Stream | Control, str] = {
    Stream.TRANSACTION: "s.transactions",
    Stream.LOGIN: "s.logins",
    Control.RESPONSE: "s.responses",
    Control.ROLLUP: "s.rollups",
    Control.SILENCE: "s.silences",
    Control.ENTITY_RISK: "s.entity-risk",
}
BROADCAST = (Control.SILENCE, Control.ENTITY_RISK)
KEYED = [stream for stream in TOPICS if stream not in BROADCAST]


class CrashError(Exception):
    """The process is gone, here and now."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of an input; offsets have gaps, as markers of transactions make them."""

    offset: int
    recorded_ms: int
    value: bytes


@dataclass
class Log:
    """All that survives a crash."""

    inputs: dict[Stream | Control, list[Entry]] = field(
        default_factory=lambda: {stream: [] for stream in TOPICS}
    )
    journal: list[tuple[int, bytes]] = field(default_factory=list)
    alerts: list[bytes] = field(default_factory=list)
    actions: list[bytes] = field(default_factory=list)
    response_results: list[bytes] = field(default_factory=list)
    snapshots: list[tuple[Manifest, list[bytes]]] = field(default_factory=list)
    configurations: list[Configuration] = field(default_factory=list)
    positions: dict[Stream | Control, int] = field(default_factory=dict)
    """Of the consumer group: behind what was applied, never ahead."""
    owner: int = 0
    snapshot_owner: int = 0
    journal_end: int = 0

    def fetched(self, stream: Stream | Control, start: int, count: int) -> Fetched | None:
        """So many records from an offset on."""
        found = [entry for entry in self.inputs[stream] if entry.offset >= start][:count]
        if not found:
            return None
        return Fetched(
            TOPICS[stream],
            0,
            min(start, found[0].offset),
            found[-1].offset + 1,
            *_columns(found),
        )

    def chunk(self, stream: Stream | Control, first: int, last: int) -> Chunk | None:
        """The records of a range."""
        found = [entry for entry in self.inputs[stream] if first <= entry.offset <= last]
        return Chunk(stream, TOPICS[stream], 0, *_columns(found)) if found else None


def _columns(
    entries: list[Entry],
) -> tuple[list[int], list[int], list[bytes | None], list[bytes | None]]:
    return (
        [entry.offset for entry in entries],
        [entry.recorded_ms for entry in entries],
        [None] * len(entries),
        [entry.value for entry in entries],
    )


@dataclass
class LogSink:
    """A step's transaction; ``fault`` says what becomes of the next one."""

    log: Log
    epoch: int
    fault: str = ""

    def write(self, emitted: Emitted, record: StepRecord) -> int:
        """Commit all of it, or nothing."""
        fault, self.fault = self.fault, ""
        if self.epoch != self.log.owner:
            raise ProducerFatalError("fenced")
        if fault == "in_transaction":
            self.log.journal_end += 2  # what was not committed leaves its offsets behind
            raise CrashError
        if fault == "abort":
            self.log.journal_end += 2
            raise TransactionAbortedError("told to")
        offset = self.log.journal_end
        self.log.journal_end += 2  # the record and the marker
        self.log.journal.append((offset, encode(record)))
        self.log.alerts += [encode_alert(alert) for alert in emitted.alerts]
        for _, value in told_of(emitted):
            self._append(Control.ROLLUP, record.wall_ms, value)
        for entry in emitted.entity_risks:
            self._append(Control.ENTITY_RISK, record.wall_ms, msgspec.json.encode(entry))
        if emitted.entity_risk_until_ms is not None:
            progress = EntityRiskProgress(owner=0, owners=1, until=emitted.entity_risk_until_ms)
            self._append(Control.ENTITY_RISK, record.wall_ms, msgspec.json.encode(progress))
        self.log.actions += [encode_action(request) for request in emitted.action_requests]
        outcomes = emitted.response_outcomes
        self.log.response_results += [encode_response_outcome(each) for each in outcomes]
        if fault == "after_commit":
            raise CrashError
        return offset

    def _append(self, control: Control, now_ms: int | None, value: bytes) -> None:
        """A record for other shards, behind the marker of the one before."""
        assert now_ms is not None
        mine = self.log.inputs[control]
        mine.append(Entry(mine[-1].offset + 2 if mine else 0, now_ms, value))


def told_of(emitted: Emitted) -> list[tuple[int, bytes]]:
    """The records of a step's rollups, of the one shard that there is."""
    return records(emitted.rollups, 0, 1, emitted.progress, tells_all=emitted.tells_all)


@dataclass
class LogHistory:
    """What recovery reads of the log; it may be torn away from it after some steps."""

    log: Log
    crash_after: int | None = None

    def newest_snapshot(self) -> Snapshot | None:
        """The newest that is whole."""
        for manifest, chunks in reversed(self.log.snapshots):
            try:
                return form.assemble(manifest, chunks)
            except SnapshotError:
                continue
        return None

    def begins(self) -> dict[str, int]:
        """Nothing is ever dropped from the log."""
        return {TOPICS[stream]: 0 for stream in KEYED}

    def steps(self, after: int) -> Iterator[tuple[int, int, StepRecord]]:
        """The journal beyond an offset."""
        for offset, value in self.log.journal:
            if offset > after:
                if self.crash_after is not None:
                    if self.crash_after == 0:
                        raise CrashError
                    self.crash_after -= 1
                yield offset, self.log.journal_end, decode(value)

    def step(self, record: StepRecord) -> tuple[Step, list[str]]:
        """A step as it was processed."""
        chunks, ahead, missing = list[Chunk](), list[Chunk](), list[str]()
        for found, ranges in ((chunks, record.ranges), (ahead, record.ahead)):
            for stream, topic in TOPICS.items():
                if topic in ranges:
                    chunk = self.log.chunk(stream, *ranges[topic])
                    if chunk is None:
                        missing.append(topic)
                    else:
                        found.append(chunk)
        return Step(record.stream_ms, chunks, record.wall_ms, ahead, record.ahead_ms), missing

    def configuration(self, version: str) -> Configuration:
        """One that was published."""
        for each in self.log.configurations:
            if each.version == version:
                return each
        raise RecoveryError(version)


@dataclass
class LogBroadcast:
    """A broadcast topic, as every shard reads it."""

    log: Log
    control: Control

    @property
    def topic(self) -> str:
        """Its name."""
        return TOPICS[self.control]

    def after(self, applied: int) -> Chunk | None:
        """What is beyond an offset."""
        return self.log.chunk(self.control, applied + 1, 2**60)
