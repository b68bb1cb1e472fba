"""Topics on the broker and events in them."""

from collections.abc import Iterable, Mapping

from confluent_kafka import OFFSET_END, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.events import Record
from sentinel.kafka.letters import LETTER_BYTES
from sentinel.model.events import Stream
from sentinel.model.response import Control

PARTITIONS = 1
"""Of every topic: a process of a contender has one partition, as much as one core can do."""

_PATIENCE_S = 60


def create_topics(broker: str, names: Iterable[str], partitions: int = PARTITIONS) -> None:
    """Create topics; raises if one exists."""
    admin = AdminClient({"bootstrap.servers": broker})
    config = {"max.message.bytes": str(LETTER_BYTES)}  # workers refuse a smaller dead letter
    topics = [NewTopic(name, partitions, replication_factor=1, config=config) for name in names]
    for future in admin.create_topics(topics).values():
        future.result(_PATIENCE_S)


def producer(broker: str) -> Producer:
    """A producer as Sentinel's inputs should have it."""
    return Producer(
        {
            "bootstrap.servers": broker,
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            # A fresh partition refuses the first batches; sent again they would come out of order.
            "enable.idempotence": True,
            "queue.buffering.max.messages": 1_000_000,
        }
    )


def fill(broker: str, topics: Mapping[Stream | Control, str], records: Iterable[Record]) -> None:
    """Put every record into its stream's topic, with its event time as broker timestamp."""
    out = producer(broker)
    for number, record in enumerate(records):
        out.produce(topics[record.stream], record.value, record.key, timestamp=record.time_ms)
        if number % 10_000 == 0:
            out.poll(0)
    if out.flush(_PATIENCE_S):
        raise RuntimeError("the broker does not take the events")


def truncate(broker: str, topic: str) -> None:
    """Drop all records of a topic."""
    ends = [TopicPartition(topic, partition, OFFSET_END) for partition in range(PARTITIONS)]
    admin = AdminClient({"bootstrap.servers": broker})
    for future in admin.delete_records(ends).values():
        future.result(_PATIENCE_S)
