"""The chunk transport against Faust's own: the same records, the same committed offsets."""

import asyncio
import tempfile
from typing import Any

import faust
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from tests.integration.stage import wait_for

from sentinel.kafka.records import Fetched
from sentinel.kafka.transport import ChunkSchema, chunk_transport

COUNT = 5_000
PARTITIONS = 3
Row = tuple[int, int, bytes | None]


def _fill(broker: str, topic: str) -> list[Row]:
    """Records of which every third transaction is aborted, so that offsets have gaps."""
    admin = AdminClient({"bootstrap.servers": broker})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(30)
    producer = Producer({"bootstrap.servers": broker, "transactional.id": f"{topic}-fill"})
    producer.init_transactions(30)
    for start in range(0, COUNT, 100):
        producer.begin_transaction()
        for number in range(start, start + 100):
            value = None if number % 97 == 0 else str(number).encode()
            producer.produce(topic, value, partition=number % PARTITIONS)
        if start // 100 % 3 == 2:
            producer.flush()
            producer.abort_transaction()
        else:
            producer.commit_transaction()
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": f"{topic}-all",
            "isolation.level": "read_committed",
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    expected = COUNT - COUNT // 100 // 3 * 100
    rows: list[Row] = []
    while len(rows) < expected:
        rows += [
            (message.partition(), message.offset(), message.value())
            for message in consumer.consume(1_000, 1.0)
            if message.error() is None
        ]
    consumer.close()
    return sorted(rows, key=lambda row: row[:2])


def _app(broker: str, name: str, data_dir: str) -> faust.App:
    return faust.App(
        name,
        broker=f"kafka://{broker}",
        datadir=data_dir,
        web_enabled=False,
        loghandlers=[],
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=0.2,
        broker_max_poll_records=500,
    )


def _committed(broker: str, group: str, topic: str) -> dict[int, int]:
    consumer = Consumer({"bootstrap.servers": broker, "group.id": group})
    wanted = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    offsets = {each.partition: each.offset for each in consumer.committed(wanted, 10)}
    consumer.close()
    return offsets


def _always(_: str, __: int) -> bool:
    return True


def _rows(fetched: Fetched) -> list[Row]:
    pairs = zip(fetched.offsets, fetched.values, strict=True)
    return [(fetched.partition, offset, value) for offset, value in pairs]


def _own_transport(app: faust.App) -> Any:
    """Faust's own delivery, with only the isolation level that ours has too."""
    return chunk_transport(app, frozenset(), frozenset(), _always)


async def _consume(app: faust.App, seen: list[Row], expected: int, done: Any) -> None:
    """Run an app until it has seen everything and ``done`` agrees."""
    async with app:
        for _ in range(1_200):
            if len(seen) >= expected and await asyncio.to_thread(done):
                return
            await asyncio.sleep(0.05)
    raise AssertionError(f"saw {len(seen)} of {expected}")


def test_the_same_records_and_offsets_as_fausts_own(kafka: str, prefix: str) -> None:
    """Record by record, offset by offset, aborted transactions and null values included."""
    topic = f"{prefix}.records"
    expected = _fill(kafka, topic)
    last = {number: max(o for p, o, _ in expected if p == number) for number in range(PARTITIONS)}
    with tempfile.TemporaryDirectory() as data_dir:
        chunked: list[Row] = []
        app = _app(kafka, f"{prefix}-chunks", f"{data_dir}/a")
        app.transport = chunk_transport(app, frozenset({topic}), frozenset({topic}), _always)

        @app.agent(app.topic(topic, schema=ChunkSchema()))
        async def chunks(stream: Any) -> None:
            async for event in stream.noack().events():
                chunked.extend(_rows(event.value))
                event.ack()

        def exact(group: str) -> bool:
            return all(
                _committed(kafka, group, topic)[number] == offset + 1
                for number, offset in last.items()
            )

        asyncio.run(_consume(app, chunked, len(expected), lambda: exact(f"{prefix}-chunks")))

        single: list[Row] = []
        plain = _app(kafka, f"{prefix}-plain", f"{data_dir}/b")
        plain.transport = _own_transport(plain)

        @plain.agent(plain.topic(topic, value_type=bytes, value_serializer="raw"))
        async def records(stream: Any) -> None:
            async for event in stream.events():
                message = event.message
                single.append((message.partition, message.offset, message.value))

        asyncio.run(_consume(plain, single, len(expected), lambda: exact(f"{prefix}-plain")))
    chunked.sort(key=lambda row: row[:2])
    single.sort(key=lambda row: row[:2])
    assert chunked == expected
    assert single == chunked
    wait_for(lambda: exact(f"{prefix}-chunks"), "committed offsets stay exact", 5)


def test_each_partition_stays_in_order(kafka: str, prefix: str) -> None:
    """Within a partition offsets only ascend, over chunk borders too."""
    topic = f"{prefix}.ordered"
    expected = _fill(kafka, topic)
    seen: list[Row] = []
    with tempfile.TemporaryDirectory() as data_dir:
        app = _app(kafka, f"{prefix}-order", data_dir)
        app.transport = chunk_transport(app, frozenset({topic}), frozenset({topic}), _always)

        @app.agent(app.topic(topic, schema=ChunkSchema()))
        async def chunks(stream: Any) -> None:
            async for event in stream.noack().events():
                seen.extend(_rows(event.value))
                event.ack()

        asyncio.run(_consume(app, seen, len(expected), lambda: True))
    for number in range(PARTITIONS):
        offsets = [offset for partition, offset, _ in seen if partition == number]
        assert offsets == sorted(set(offsets))
