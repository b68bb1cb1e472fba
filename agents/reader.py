"""The Faust app of a service that stores what it reads: one agent for each topic."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import faust
from faust.types import TP
from mode import Service

from sentinel.kafka.records import Fetched
from sentinel.kafka.security import broker_credentials
from sentinel.kafka.transport import ChunkSchema, chunk_transport
from sentinel.kafka.unread import Spans
from sentinel.metrics.web import Web
from sentinel.settings import Settings


class Reader(Protocol):
    """A service that stores what its agents read."""

    async def accept(self, fetched: Fetched, earliest: Callable[[], Awaitable[int]]) -> None:
        """Store what a fetch brought; ``earliest`` asks for the partition's first offset."""

    def assign(self) -> None:
        """Note that the group has assigned partitions."""

    def start(self, spans: Callable[[], Awaitable[Spans]]) -> None:
        """Start the tasks beside; ``spans`` returns how far the assigned partitions are read."""

    async def stop(self) -> None:
        """Stop the tasks."""


async def _first_offset(app: faust.App, partition: TP) -> int:
    """The first offset of a partition that Kafka still has."""
    return int((await app.consumer.earliest_offsets(partition))[partition])


def _always(_topic: str, _partition: int) -> bool:
    return True


def create_app(
    settings: Settings, name: str, topics: frozenset[str], reader: Reader, web: Web, data_dir: str
) -> faust.App:
    """An app that feeds ``reader``, in the group ``<app_id>-<name>``; ``data_dir`` is scratch."""
    app = faust.App(
        f"{settings.app_id}-{name}",
        broker=[f"kafka://{broker.strip()}" for broker in settings.brokers.split(",")],
        broker_credentials=broker_credentials(settings),
        broker_check_crcs=settings.check_crcs,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        datadir=data_dir,
        loghandlers=[],
    )
    app.transport = chunk_transport(
        app, topics, topics, _always, repeats_fetches=settings.built_in_cluster
    )

    async def read(stream: Any) -> None:
        async for event in stream.noack().events():
            fetched = event.value
            first = partial(_first_offset, app, TP(fetched.topic, fetched.partition))
            await reader.accept(fetched, first)
            event.ack()

    for topic in sorted(topics):
        app.agent(app.topic(topic, schema=ChunkSchema()), name=f"{name}-{topic}")(read)

    async def spans() -> Spans:
        assigned = {each for each in app.consumer.assignment() if each.topic in topics}
        ends = await app.consumer.highwaters(*assigned) if assigned else {}
        reached = app.consumer.progress.reached
        return {
            f"{each.topic}-{each.partition}": (end, reached(each.topic, each.partition))
            for each, end in ends.items()
        }

    @app.on_partitions_assigned.connect
    async def assigned(*_: Any, **__: Any) -> None:
        reader.assign()

    @app.service
    class Beside(Service):
        """The service's tasks, and the web pages."""

        async def on_start(self) -> None:
            reader.start(spans)
            await web.start()

        async def on_stop(self) -> None:
            await reader.stop()
            await web.stop()

    return app
