"""What the demo needs of librdkafka's built-in cluster: alerts on shared entities are in time.

Nothing here measures time.  Rollups of many small steps are read in one fetch, and every risk of
an entity reaches the shards; when either fails, alerts on shared entities are late or missing.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from typing import Any

import faust
import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from tests.integration.stage import wait_for

from sentinel.agents.app import create_app
from sentinel.demo.child import environment
from sentinel.demo.cluster import Cluster
from sentinel.engine import Emitted
from sentinel.kafka.broadcast import Broadcast
from sentinel.kafka.masking import read_masking
from sentinel.kafka.topics import Topics
from sentinel.kafka.transport import ChunkSchema, chunk_transport
from sentinel.model.entity import EntityKind
from sentinel.model.response import Control
from sentinel.model.rollup import EntityRisk
from sentinel.settings import Settings
from sentinel.shard.journal import StepRecord
from sentinel.shard.sink import Sink

_BATCHES = 60


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    """The demo's cluster."""
    return Cluster()


def _demo_settings(cluster: Cluster) -> Settings:
    """The settings of the demo's worker, as it reads them from its environment."""
    found: Mapping[str, str] = environment(Settings(brokers=cluster.address))
    return Settings.from_environment(
        {name: value for name, value in found.items() if name.startswith("SENTINEL_")}
    )


def _sizes_of_chunks(address: str, topic: str, *, repeats_fetches: bool) -> list[int]:
    """How many records each chunk holds that a worker's transport delivers."""
    sizes: list[int] = []

    async def consume(app: faust.App) -> None:
        async with app:
            for _ in range(1_200):
                if sum(sizes) >= _BATCHES:
                    return
                await asyncio.sleep(0.05)
        raise AssertionError(f"saw {sum(sizes)} of {_BATCHES}")

    with tempfile.TemporaryDirectory() as data_dir:
        app = faust.App(
            f"built-in-{repeats_fetches}".lower(),
            broker=f"kafka://{address}",
            datadir=data_dir,
            web_enabled=False,
            loghandlers=[],
            topic_allow_declare=False,
            topic_disable_leader=True,
            stream_wait_empty=False,
            consumer_auto_offset_reset="earliest",
        )
        app.transport = chunk_transport(
            app,
            frozenset({topic}),
            frozenset({topic}),
            lambda *_: True,
            repeats_fetches=repeats_fetches,
        )

        @app.agent(app.topic(topic, schema=ChunkSchema()))
        async def chunks(stream: Any) -> None:
            async for event in stream.noack().events():
                sizes.append(len(event.value.offsets))
                event.ack()

        asyncio.run(consume(app))
    return sizes


def test_rollups_of_many_steps_come_in_one_fetch(cluster: Cluster) -> None:
    """The cluster returns one batch a fetch; the worker's transport reads all of them at once."""
    topic = "rollups"
    cluster.create([topic])
    producer = Producer({"bootstrap.servers": cluster.address})
    for number in range(_BATCHES):
        producer.produce(topic, str(number).encode(), partition=0)
        assert producer.flush(10) == 0
    assert _sizes_of_chunks(cluster.address, topic, repeats_fetches=True) == [_BATCHES]
    assert _sizes_of_chunks(cluster.address, topic, repeats_fetches=False) == [1] * _BATCHES


def test_the_demos_worker_repeats_fetches(cluster: Cluster) -> None:
    """The demo sets it in the worker's environment, and the worker's app applies it."""

    class _Shards:
        """As much of the shards as an app asks for before it starts."""

        def wants(self, _topic: str, _partition: int) -> bool:
            return True

    for settings, repeats in ((_demo_settings(cluster), True), (Settings(), False)):
        with tempfile.TemporaryDirectory() as data_dir:
            app = create_app(settings, _Shards(), None, data_dir)  # type: ignore[arg-type]
            assert app.transport.Consumer.repeats_fetches is repeats


def test_what_has_been_processed_is_deleted(cluster: Cluster) -> None:
    """A fetch costs more the more batches are kept: those before the group's offset are deleted."""
    topic, group = "processed", "trimming"
    cluster.create([topic])
    producer = Producer({"bootstrap.servers": cluster.address})
    for number in range(10):
        producer.produce(topic, str(number).encode(), partition=1)
        assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": cluster.address, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 1, 7)], asynchronous=False)
    cluster.trim([topic], group)
    assert consumer.get_watermark_offsets(TopicPartition(topic, 1), 10) == (7, 10)
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), 10) == (0, 0)
    consumer.close()


def test_every_hot_entry_reaches_the_shards(cluster: Cluster) -> None:
    """The cluster creates four partitions of a broadcast topic; entries go to the one followed."""
    settings = _demo_settings(cluster)
    topics = Topics(settings.topic_prefix)
    cluster.create(topics.all())
    broadcast = Broadcast(settings, Control.ENTITY_RISK, topics.entity_risk)
    broadcast.start()
    assert broadcast.wait_caught_up(30)
    sink = Sink(settings, 0, read_masking(settings), None)
    sink.start()
    entries = [
        EntityRisk(kind=EntityKind.IP, id=f"203.0.113.{number}", risk=80, at=1_700_000_000_000)
        for number in range(20)
    ]
    sink.write(Emitted(entity_risks=entries), StepRecord(0, 1, 1, {}, "v"))
    wait_for(lambda: len(broadcast.messages_after(-1)) >= len(entries), "all entity risks")
    broadcast.stop()
    seen = [msgspec.json.decode(m.value(), type=EntityRisk) for m in broadcast.messages_after(-1)]
    assert seen == entries
