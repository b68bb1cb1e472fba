"""How fast a shard comes back: the worker's own recovery, on a real Kafka on the same machine."""

import time
from collections.abc import Mapping
from dataclasses import replace
from statistics import median

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.events import events, steps
from benchmarks.scaling.state_costs import chunks_lived
from sentinel.engine import Configuration, Engine, warm_up
from sentinel.kafka.configurations import Configurations
from sentinel.kafka.topics import Topics, create
from sentinel.metrics import Metrics
from sentinel.model.step import Step
from sentinel.settings import Settings
from sentinel.shard.history import KafkaHistory
from sentinel.shard.journal import encode, record_of
from sentinel.shard.recovery import recover

_FEW, _MANY, _STEP, _CUSTOMERS, _ROUNDS = 20_000, 220_000, 2_000, 50_000, 5
_SNAPSHOT_CHUNKS = 400


def measure(broker: str, files: Mapping[str, str], end_ms: int) -> dict[str, float]:
    """Events a second replayed and what comes once, bytes of records, seconds to read a GB."""
    configuration, metrics = Configuration.parse(files), Metrics()
    warm_up(configuration)
    sizes: dict[int, tuple[float, float]] = {}
    spent: dict[int, list[float]] = {_FEW: [], _MANY: []}
    for count in spent:
        settings = _settings(broker, count)
        create(settings)
        sizes[count] = _fill(settings, configuration, count, end_ms)
    for _ in range(_ROUNDS):
        for count, each in spent.items():
            started = time.perf_counter()
            _recover(_settings(broker, count), configuration, metrics)
            each.append(time.perf_counter() - started)
    few_s, many_s = median(spent[_FEW]), median(spent[_MANY])
    s_per_event = (many_s - few_s) / (_MANY - _FEW)
    return {
        "replay_events_per_s": 1 / s_per_event,
        "recovery_fixed_s": max(0.0, few_s - _FEW * s_per_event),
        "record_bytes": sizes[_MANY][0],
        "journal_bytes": sizes[_MANY][1],
        "read_s_per_gb": _read_s_per_gb(broker, configuration, end_ms),
    }


def _recover(settings: Settings, configuration: Configuration, metrics: Metrics) -> None:
    configurations = Configurations(settings, configuration, metrics)
    with KafkaHistory(settings, 0, configurations, None) as history:
        recover(history, configuration, lambda *_: None)


def _settings(broker: str, count: int) -> Settings:
    return Settings(brokers=broker, topic_prefix=f"scaling-{count}", partitions=1)


def _fill(
    settings: Settings, configuration: Configuration, count: int, end_ms: int
) -> tuple[float, float]:
    """Inputs and the journal of the steps that took them; mean bytes of a record of each."""
    engine = Engine(configuration)
    topics, producer = Topics(settings.topic_prefix), Producer(_client(settings.brokers))
    inputs: list[int] = []
    journal: list[int] = []
    records = events(count, customers=_CUSTOMERS, end_ms=end_ms)
    for number, step in enumerate(steps(records, _STEP)):
        chunks = [replace(each, topic=topics.inputs[each.stream]) for each in step.chunks]
        received = Step(step.stream_ms, chunks, step.stream_ms)
        for chunk in chunks:
            for key, value, time_ms in zip(
                chunk.keys, chunk.values, chunk.recorded_ms, strict=True
            ):
                producer.produce(chunk.topic, value, key, partition=0, timestamp=time_ms)
                inputs.append(len(key or b"") + len(value or b""))
        record = record_of(number, received, engine.process(received), engine)
        producer.produce(topics.journal, encode(record), partition=0)
        journal.append(len(encode(record)))
        producer.flush()
    return sum(inputs) / len(inputs), sum(journal) / len(journal)


def _read_s_per_gb(broker: str, configuration: Configuration, end_ms: int) -> float:
    """Seconds to read a GB (of what it unpacks to) of snapshot chunks."""
    admin = AdminClient({"bootstrap.servers": broker})
    for future in admin.create_topics([NewTopic("scaling-chunks", 1, 1)]).values():
        future.result(30)
    chunks = chunks_lived(configuration, end_ms)
    producer = Producer(_client(broker) | {"compression.type": "zstd"})
    size = 0
    for number in range(_SNAPSHOT_CHUNKS):
        chunk = chunks[number % len(chunks)]
        producer.produce("scaling-chunks", chunk, partition=0)
        size += len(chunk)
    producer.flush()
    spent = []
    for _ in range(_ROUNDS):
        consumer = Consumer({"bootstrap.servers": broker, "group.id": "scaling"})
        consumer.assign([TopicPartition("scaling-chunks", 0, 0)])
        left, started = _SNAPSHOT_CHUNKS, time.perf_counter()
        while left:
            left -= len(consumer.consume(left, timeout=5.0))
        spent.append(time.perf_counter() - started)
        consumer.close()
    return median(spent) / size * 1e9


def _client(broker: str) -> dict[str, str | int]:
    return {
        "bootstrap.servers": broker,
        "linger.ms": 50,
        "queue.buffering.max.messages": 1_000_000,
    }
