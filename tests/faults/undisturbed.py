"""The alerts of a run that nothing disturbed: every shard reads every record as it is appended.

One engine a shard, in rounds of a second of append time.  What a round tells of shared entities
reaches their owners at its end, and what owners tell of risky ones reaches everybody in the next
round, as it does where workers run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

import msgspec
import numpy as np
from tests.faults.ledger import Fed

from sentinel.alerting.cloudevent import decode
from sentinel.engine import Configuration, Engine
from sentinel.entities import records
from sentinel.entities.raw_text import owners
from sentinel.model.alert import Alert, Change, Escalation
from sentinel.model.entity import CUSTOMER
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.share import Share
from sentinel.model.step import Chunk, Step

ROUND_MS = 1_000
Source = Stream | Control
Inputs = Mapping[tuple[Source, int], Chunk]
"""All records of an input's partition, by input and partition."""


def undisturbed(
    configuration: Configuration,
    partitions: int,
    inputs: Inputs,
    ends_ms: Mapping[int, int] | None = None,
) -> list[Alert]:
    """The alerts of all shards; ``inputs`` are the records of streams and responses.

    ``ends_ms`` is the stream time up to which each shard ran: complaints are due until then.
    """
    engines = [Engine(configuration, Share(n, partitions)) for n in range(partitions)]
    entity_risks: list[list[bytes]] = [[] for _ in engines]
    told = [_Feed(Control.ROLLUP) for _ in engines]
    heard = [_Feed(Control.ENTITY_RISK) for _ in engines]
    alerts: list[Alert] = []
    timed = sorted(
        (at_ms // ROUND_MS, shard, source, row)
        for (source, shard), chunk in inputs.items()
        for row, at_ms in enumerate(chunk.recorded_ms)
    )
    for number, of_round in groupby(timed, key=itemgetter(0)):
        end_ms = (number + 1) * ROUND_MS - 1
        rollups: list[list[bytes]] = [[] for _ in engines]
        for shard, of_shard in groupby(of_round, key=itemgetter(1)):
            chunks = [
                _rows(inputs[source, shard], [row for *_, row in same])
                for source, same in groupby(of_shard, key=itemgetter(2))
            ]
            chunks += heard[shard].chunks(entity_risks[shard])
            entity_risks[shard] = []
            emitted = engines[shard].process(Step(end_ms, chunks)).emitted
            alerts += emitted.alerts
            for target, value in records(emitted.rollups, shard, partitions, emitted.progress):
                rollups[target].append(value)
        for shard, values in enumerate(rollups):
            if values:
                emitted = engines[shard].process(Step(end_ms, told[shard].chunks(values))).emitted
                alerts += emitted.alerts
                entries = [msgspec.json.encode(entry) for entry in emitted.entity_risks]
                for pending in entity_risks:
                    pending.extend(entries)
    for shard, end_ms in (ends_ms or {}).items():
        alerts += engines[shard].process(Step(end_ms, [])).emitted.alerts
    return alerts


def by_shard(timed: Sequence[tuple[int, Fed]], partitions: int) -> Inputs:
    """Records in order of append time as they would be spread over partitions."""
    found: dict[tuple[Source, int], Chunk] = {}
    for at_ms, (source, key, value) in timed:
        text = np.frombuffer(key.encode(), np.uint8)
        shard = int(owners(CUSTOMER, text, np.array([len(text)]))[0] % partitions)
        empty = Chunk(source, f"t.{source}", shard, [], [], [], [])
        chunk = found.setdefault((source, shard), empty)
        chunk.offsets.append(len(chunk.offsets))
        chunk.recorded_ms.append(at_ms)
        chunk.keys.append(None)
        chunk.values.append(value)
    return found


def _rows(chunk: Chunk, rows: list[int]) -> Chunk:
    """Consecutive rows of a chunk."""
    part = slice(rows[0], rows[-1] + 1)
    return replace(
        chunk,
        offsets=chunk.offsets[part],
        recorded_ms=chunk.recorded_ms[part],
        keys=chunk.keys[part],
        values=chunk.values[part],
    )


class _Feed:
    """The records of an inner topic, as chunks without append times of their own."""

    def __init__(self, control: Control) -> None:
        self._control, self._end = control, 0

    def chunks(self, values: list[bytes]) -> list[Chunk]:
        first, self._end = self._end, self._end + len(values)
        offsets, n = list(range(first, self._end)), len(values)
        chunk = Chunk(self._control, self._control, 0, offsets, [0] * n, [None] * n, [*values])
        return [chunk] if values else []


def told_by(alerts: Iterable[Alert]) -> list[bytes]:
    """What alerts say that neither an outage nor a crash may change, one text an alert.

    The id, every rule that gave a reason, and the highest score: no escalation by age, which
    begins when an alert is written, and no suppression, which is about people's time.
    """
    rules: dict[str, set[str]] = {}
    scores: dict[str, float] = {}
    names: dict[str, str] = {}
    for alert in alerts:
        names[alert.alert_id] = f"{alert.entity.kind} {alert.risk}"
        rules.setdefault(alert.alert_id, set()).update(each.rule_id for each in alert.reasons)
        scores[alert.alert_id] = max(alert.score, scores.get(alert.alert_id, 0.0))
    return [
        f"{alert_id} {names[alert_id]} {scores[alert_id]} {sorted(rules[alert_id])}".encode()
        for alert_id in names
    ]


def early_escalations(values: Iterable[bytes]) -> int:
    """How often an alert was raised by age: none is as old as that since it was written."""
    alerts = map(decode, values)
    return sum(
        alert.change is Change.ESCALATED and Escalation.AGE in alert.escalations for alert in alerts
    )


def told_in(values: Iterable[bytes]) -> list[bytes]:
    """The same of encoded alerts."""
    return told_by(map(decode, values))
