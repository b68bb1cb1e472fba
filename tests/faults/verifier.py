"""Reads every output offset and counts what is lost, doubled or phantom.

The journal says which steps were taken.  Its ranges must cover every input offset once; the pure
engine, given the very same steps, must say the very same alerts, actions, response results and
dead letters; and where alerts do not depend on how topics interleave, the engine must give the same
alert ids for the ledger as a whole.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from confluent_kafka import Message
from tests.faults.ledger import HOSTILE, Fed, Ledger
from tests.faults.undisturbed import told_by, told_in, undisturbed
from tests.integration.stage import Stage

from sentinel.alerting.cloudevent import encode, encode_action, encode_response_outcome
from sentinel.engine import Engine
from sentinel.kafka.records import from_librdkafka
from sentinel.model.alert import Tier
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.share import Share
from sentinel.model.step import Chunk, DeadLetter, RollupDrop, SignalDrop, Step
from sentinel.settings import read_configuration
from sentinel.shard.journal import StepRecord, decode, record_of

Partition = tuple[str, int]


@dataclass
class Verdict:
    """What was found, by what it was: ``events``, ``alerts``, ``letters`` and the like."""

    lost: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)
    phantom: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def exact(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.phantom)

    def compare(self, what: str, written: Iterable[bytes], expected: Iterable[bytes]) -> None:
        """Count how two bags of outputs differ."""
        found, wanted = Counter(written), Counter(expected)
        self.counts[what] = found.total()
        missing, extra = wanted - found, found - wanted
        self.lost += Counter({what: missing.total()})
        for value, count in extra.items():
            where = self.doubled if value in wanted else self.phantom
            where[what] += count

    def __str__(self) -> str:
        parts = (("lost", self.lost), ("doubled", self.doubled), ("phantom", self.phantom))
        return ", ".join(f"{name} {dict(found)}" for name, found in parts if found) or "exact"


class Verifier:
    """One reading of all of a stage's topics."""

    def __init__(self, stage: Stage, configs: Path | None = None) -> None:
        own = stage.keyed(read_configuration(configs))
        self._configuration = own
        self._configurations = {own.version: own} | stage.configurations()
        self._stage, self._topics = stage, stage.topics
        self._streams: dict[str, Stream | Control] = {
            topic: stream for stream, topic in stage.topics.inputs.items()
        }
        self._inputs: dict[Partition, list[Message]] = {}
        for topic in (*self._streams, *self._topics.broadcasts.values()):
            for message in stage.read(topic):
                self._inputs.setdefault((topic, message.partition()), []).append(message)
        self._streams |= {topic: each for each, topic in self._topics.broadcasts.items()}
        self._steps: dict[int, list[StepRecord]] = {}
        for message in stage.read(self._topics.journal):
            self._steps.setdefault(message.partition(), []).append(decode(message.value()))
        self.alerts = self._values(self._topics.alerts)

    def verdict(self, ledger: Ledger | None = None) -> Verdict:
        """Everything that is wrong, compared with the ledger too if one is given."""
        verdict = Verdict()
        verdict.counts["events"] = sum(
            len(found) for (topic, _), found in self._inputs.items() if self._keyed(topic)
        )
        verdict.counts["steps"] = sum(map(len, self._steps.values()))
        self._check_positions(verdict)
        self._check_outputs(verdict)
        if ledger is not None:
            self._check_ledger(verdict, ledger)
        return verdict

    def check_undisturbed(self, verdict: Verdict) -> None:
        """The alerts are those of a run in which every record was read when it was appended."""
        inputs = {
            (self._streams[topic], shard): from_librdkafka(self._streams[topic], told)
            for (topic, shard), found in self._inputs.items()
            if self._keyed(topic) and self._streams[topic] is not Control.ROLLUP
            if (told := [each for each in found if not _is_hostile(each)])
        }
        ends_ms = {
            shard: max(record.stream_ms for record in records)
            for shard, records in self._steps.items()
        }
        alerts = undisturbed(self._configuration, self._stage.partitions, inputs, ends_ms)
        verdict.compare("undisturbed", told_in(self.alerts), told_by(alerts))

    def _keyed(self, topic: str) -> bool:
        return topic not in self._topics.broadcasts.values()

    def _values(self, topic: str) -> list[bytes]:
        return [message.value() for message in self._stage.read(topic)]

    def _check_positions(self, verdict: Verdict) -> None:
        """Every input offset is in one range of one step, and the steps are counted through."""
        for records in self._steps.values():
            numbers = Counter(record.number for record in records)
            verdict.doubled += Counter({"steps": numbers.total() - len(numbers)})
            verdict.lost += Counter({"steps": max(numbers) + 1 - len(numbers)})
        for (topic, shard), messages in self._inputs.items():
            if not self._keyed(topic):
                continue
            ranges = [
                record.ranges[topic]
                for record in self._steps.get(shard, [])
                if topic in record.ranges
            ]
            ups = Counter(first for first, _ in ranges)
            downs = Counter(last + 1 for _, last in ranges)
            marks = sorted({*ups, *downs})
            depth = at = 0
            for message in messages:
                while at < len(marks) and marks[at] <= message.offset():
                    depth += ups[marks[at]] - downs[marks[at]]
                    at += 1
                verdict.lost += Counter({"events": int(depth == 0)})
                verdict.doubled += Counter({"events": max(0, depth - 1)})

    def _check_outputs(self, verdict: Verdict) -> None:
        alerts: list[bytes] = []
        actions: list[bytes] = []
        results: list[bytes] = []
        letters: list[bytes] = []
        for shard, records in self._steps.items():
            share = Share(shard, self._stage.partitions)
            engine = Engine(self._configurations[records[0].config_version], share)
            for record in records:
                if record.config_version != engine.configuration.version:
                    engine.reconfigure(self._configurations[record.config_version])
                step = self._step(shard, record)
                outcome = engine.process(step)
                again = record_of(record.number, step, outcome, engine)
                verdict.phantom += Counter(
                    {"output": int(again.output_digest != record.output_digest)}
                )
                verdict.phantom += Counter(
                    {"state": int(again.state_digest != record.state_digest)}
                )
                verdict.counts["states"] += record.state_digest is not None
                verdict.counts["stale signals"] += outcome.counts.dropped_signals[SignalDrop.STALE]
                verdict.counts["late rollups"] += outcome.counts.dropped_rollups[RollupDrop.LATE]
                alerts += map(encode, outcome.emitted.alerts)
                actions += map(encode_action, outcome.emitted.action_requests)
                results += map(encode_response_outcome, outcome.emitted.response_outcomes)
                letters += [
                    _letter(each)
                    for each in outcome.emitted.dead_letters
                    if self._keyed(each.topic) or shard == 0
                ]
        tiered = [value for tier in Tier for value in self._values(self._topics.tier(tier))]
        verdict.compare("alerts", self.alerts, alerts)
        verdict.compare("tiered", tiered, alerts)
        verdict.compare("actions", self._values(self._topics.actions), actions)
        written = self._values(self._topics.response_results)
        verdict.compare("response results", written, results)
        written = [_written_letter(each) for each in self._stage.read(self._topics.deadletter)]
        verdict.compare("letters", written, letters)
        ids = _ids(self.alerts)
        verdict.doubled += Counter({"alert ids": len(ids) - len(set(ids))})

    def _step(self, shard: int, record: StepRecord) -> Step:
        chunks, ahead = self._chunks(shard, record.ranges), self._chunks(shard, record.ahead)
        return Step(record.stream_ms, chunks, record.wall_ms, ahead, record.ahead_ms)

    def _chunks(self, shard: int, ranges: Mapping[str, tuple[int, int]]) -> list[Chunk]:
        chunks = []
        for topic, (first, last) in ranges.items():
            found = self._inputs[topic, shard if self._keyed(topic) else 0]
            start = bisect_left(found, first, key=Message.offset)
            messages = found[start : bisect_right(found, last, key=Message.offset)]
            if messages:
                chunks.append(from_librdkafka(self._streams[topic], messages))
        return chunks

    def _check_ledger(self, verdict: Verdict, ledger: Ledger) -> None:
        """What was fed is what stands in the inputs, and its alerts are those of the engine."""
        streams = self._streams
        fed: Counter[Fed] = Counter(ledger.records)
        found: Counter[Fed] = Counter(
            (streams[topic], message.key().decode(), message.value())
            for (topic, _), messages in self._inputs.items()
            for message in messages
            if self._keyed(topic) and streams[topic] is not Control.ROLLUP
            if not _is_hostile(message)
        )
        verdict.lost += Counter({"fed": (fed - found).total()})
        verdict.phantom += Counter({"fed": (found - fed).total()})
        if ledger.logins:
            return
        expected: list[str] = []
        for (topic, _), messages in self._inputs.items():
            if not isinstance(streams[topic], Stream):
                continue
            engine = Engine(self._configuration)
            once: dict[bytes, Message] = {}
            for message in messages:  # what is sent twice counts once
                once.setdefault(message.value(), message)
            chunk = from_librdkafka(streams[topic], list(once.values()))
            outcome = engine.process(Step(0, [chunk]))
            expected += _ids(map(encode, outcome.emitted.alerts))
        written = _ids(value for value in self.alerts if _of_customer(value))
        verdict.compare("ledger alert ids", map(str.encode, written), map(str.encode, expected))


def _of_customer(alert: bytes) -> bool:
    """Whether it is an alert that rollups have no part in."""
    return bool(msgspec.json.decode(alert)["data"]["entity"]["kind"] == "customer")


def _ids(alerts: Iterable[bytes]) -> list[str]:
    return [msgspec.json.decode(value)["id"] for value in alerts]


def _letter(letter: DeadLetter) -> bytes:
    letter_id = f"{letter.topic}-{letter.partition}-{letter.offset}"
    whole = (_sha256(letter.value or b""), _sha256(letter.key or b""))
    return msgspec.msgpack.encode((letter_id, *whole, letter.reason.encode()))


def _written_letter(message: Message) -> bytes:
    """A letter by its place, and by what it says of the whole value and key if it is cut."""
    headers = dict(message.headers() or [])
    whole = (
        headers.get("value_sha256", _sha256(message.value() or b"")),
        headers.get("key_sha256", _sha256(headers.get("key") or b"")),
    )
    return msgspec.msgpack.encode((message.key().decode(), *whole, headers["reason"]))


def _sha256(value: bytes) -> bytes:
    return hashlib.sha256(value).hexdigest().encode()


def _is_hostile(message: Message) -> bool:
    return (HOSTILE, b"") in (message.headers() or [])
