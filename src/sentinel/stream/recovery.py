"""Rebuild a shard: replay the journalled steps through a fresh engine, output off.

Steps are replayed exactly as they were taken, the same offsets together with the same
``now``, so the state ends equal to that of a shard which never stopped, as far back as
the horizon reaches.
"""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from sentinel.configuration import Configuration
from sentinel.engine import Engine
from sentinel.metrics import Metrics
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.step import Chunk, Step
from sentinel.settings import Settings
from sentinel.stream.failpoint import Failpoint, reach
from sentinel.stream.journal import StepRecord, decode
from sentinel.stream.records import from_librdkafka
from sentinel.stream.registry import Registry
from sentinel.stream.security import client_config
from sentinel.stream.topics import Topics

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 30.0
_REPORT_EVERY_S = 5.0
_FETCH = 5_000


@dataclass(slots=True)
class Recovered:
    """A shard's state: its engine, the last applied offset by topic, the next step's number."""

    engine: Engine
    applied: dict[str, int] = field(default_factory=dict)
    next_number: int = 0


class RecoveryError(Exception):
    """The broker did not give what recovery needs."""


def recover(
    settings: Settings,
    configuration: Configuration,
    partition: int,
    now_ms: int,
    registry: Registry | None,
    metrics: Metrics,
) -> Recovered:
    """The state of shard ``partition`` from its journal; raises RecoveryError."""
    recovered = Recovered(Engine(configuration))
    topics = Topics(settings.topic_prefix)
    try:
        records = _journal(settings, topics.journal, partition, now_ms - settings.horizon_ms)
        for record in records:
            recovered.next_number = record.number + 1
            for topic, (_, last) in record.ranges.items():
                recovered.applied[topic] = max(last, recovered.applied.get(topic, -1))
            recovered.applied.update(record.seen)
        in_horizon = [each for each in records if each.now_ms >= now_ms - settings.horizon_ms]
        _replay(settings, topics, partition, in_horizon, recovered, registry, metrics)
    except KafkaException as error:
        raise RecoveryError(f"shard {partition}: {error.args[0].str()}") from None
    return recovered


def _consumer(settings: Settings) -> Consumer:
    return Consumer(
        {
            **client_config(settings),
            "group.id": f"{settings.app_id}-recovery",  # never joined: partitions are assigned
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
        }
    )


def _read(consumer: Consumer, start: TopicPartition) -> Iterator[list[Message]]:
    """Messages of a partition from an offset to its end, in batches."""
    consumer.assign([start])
    silent_since = time.monotonic()
    while True:
        found = consumer.consume(_FETCH, timeout=1.0)
        good = [message for message in found if message.error() is None]
        if good:
            silent_since = time.monotonic()
            yield good
        for message in found:
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                return
            if error is not None and not error.retriable():
                raise KafkaException(error)
        if time.monotonic() - silent_since > _TIMEOUT_S:
            raise RecoveryError(
                f"{start.topic}-{start.partition}: no answer for {_TIMEOUT_S:.0f} s"
            )


def _journal(settings: Settings, topic: str, partition: int, from_ms: int) -> list[StepRecord]:
    """The journal's records of the horizon, or all that is kept if none is so young."""
    consumer = _consumer(settings)
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), _TIMEOUT_S)
        if low == high:
            return []
        (young,) = consumer.offsets_for_times(
            [TopicPartition(topic, partition, from_ms)], _TIMEOUT_S
        )
        starts = [young.offset, low] if young.offset > low else [low]
        for start in starts:
            batches = _read(consumer, TopicPartition(topic, partition, start))
            records = [decode(message.value()) for batch in batches for message in batch]
            if records:
                return records
        return []
    finally:
        consumer.close()


def _replay(
    settings: Settings,
    topics: Topics,
    partition: int,
    records: list[StepRecord],
    recovered: Recovered,
    registry: Registry | None,
    metrics: Metrics,
) -> None:
    if not records:
        return
    sources = {
        topic: _Source(
            settings, stream, topic, 0 if stream is Control.HOT else partition, starts[0]
        )
        for stream, topic in {**topics.inputs, Control.HOT: topics.hot}.items()
        if (starts := [each.ranges[topic][0] for each in records if topic in each.ranges])
    }
    silences = sources[topics.silences] = _Source(
        settings, Control.SILENCE, topics.silences, 0, OFFSET_BEGINNING
    )
    reported = time.monotonic()
    try:
        before = records[0].seen.get(topics.silences, -1)
        if topics.silences in records[0].ranges:
            before = records[0].ranges[topics.silences][0] - 1
        if before >= 0:  # silences that were there before the horizon
            recovered.engine.process(Step(0, silences.take(0, before)))
        for done, record in enumerate(records, 1):
            chunks = [
                chunk
                for topic, source in sources.items()
                if topic in record.ranges
                for chunk in source.take(*record.ranges[topic])
            ]
            if registry is not None:
                chunks = [registry.to_json(chunk) for chunk in chunks]
            recovered.engine.process(Step(record.now_ms, chunks))
            metrics.replayed(1)
            reach(Failpoint.IN_RECOVERY)
            if time.monotonic() - reported > _REPORT_EVERY_S:
                reported = time.monotonic()
                _log.info("recovering", shard=partition, steps=done, of=len(records))
    finally:
        for source in sources.values():
            source.close()


class _Source:
    """One input partition, read forward once."""

    def __init__(
        self,
        settings: Settings,
        stream: Stream | Control,
        topic: str,
        partition: int,
        start: int,
    ) -> None:
        self._stream, self._name = stream, f"{topic}-{partition}"
        self._consumer = _consumer(settings)
        self._batches = _read(self._consumer, TopicPartition(topic, partition, start))
        self._waiting: deque[Message] = deque()

    def take(self, first: int, last: int) -> list[Chunk]:
        """The chunk of offsets first to last, if any of them is still retained."""
        while not self._waiting or self._waiting[-1].offset() < last:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._waiting.extend(batch)
        messages: list[Message] = []
        while self._waiting and self._waiting[0].offset() <= last:
            message = self._waiting.popleft()
            if message.offset() >= first:
                messages.append(message)
        if self._stream is not Control.SILENCE and (
            not messages or messages[0].offset() != first
        ):  # a compacted topic keeps only the newest of each key
            _log.warning("input no longer retained", source=self._name, first=first, last=last)
        return [from_librdkafka(self._stream, messages)] if messages else []

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()
