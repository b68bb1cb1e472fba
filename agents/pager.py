"""The pager's Faust app: reads the alerts topic in a group of its own."""

from functools import partial
from typing import Any

import faust
from faust.types import TP
from mode import Service

from sentinel.delivery.pager import Pager
from sentinel.kafka.security import broker_credentials
from sentinel.kafka.topics import Topics
from sentinel.kafka.transport import ChunkSchema, chunk_transport
from sentinel.kafka.unread import Spans
from sentinel.metrics.web import Web
from sentinel.settings import Settings


async def _first_offset(app: faust.App, partition: TP) -> int:
    """The first offset of a partition that Kafka still has."""
    return int((await app.consumer.earliest_offsets(partition))[partition])


def _always(_topic: str, _partition: int) -> bool:
    return True


def create_app(settings: Settings, pager: Pager, web: Web, data_dir: str) -> faust.App:
    """An app whose agent feeds ``pager``; ``data_dir`` is scratch space of Faust's."""
    app = faust.App(
        f"{settings.app_id}-pager",
        broker=[f"kafka://{broker.strip()}" for broker in settings.brokers.split(",")],
        broker_credentials=broker_credentials(settings),
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        datadir=data_dir,
        loghandlers=[],
    )
    topics = Topics(settings.topic_prefix)
    app.transport = chunk_transport(
        app, frozenset({topics.alerts}), frozenset({topics.alerts}), _always
    )
    alerts = app.topic(topics.alerts, schema=ChunkSchema())

    @app.agent(alerts, name="pager")
    async def page(stream: Any) -> None:
        async for event in stream.noack().events():
            chunk = event.value
            partition = f"{chunk.topic}-{chunk.partition}"
            records = list(zip(chunk.offsets, chunk.values, strict=True))
            first = partial(_first_offset, app, TP(chunk.topic, chunk.partition))
            await pager.accept(partition, (chunk.start, chunk.end), records, first)
            event.ack()

    async def spans() -> Spans:
        assigned = {each for each in app.consumer.assignment() if each.topic == topics.alerts}
        ends = await app.consumer.highwaters(*assigned) if assigned else {}
        reached = app.consumer.progress.reached
        return {
            f"{each.topic}-{each.partition}": (end, reached(each.topic, each.partition))
            for each, end in ends.items()
        }

    @app.on_partitions_assigned.connect
    async def assigned(*_: Any, **__: Any) -> None:
        pager.assign()

    @app.service
    class Sending(Service):
        """The dispatcher and the web pages."""

        async def on_start(self) -> None:
            pager.start(spans)
            await web.start()

        async def on_stop(self) -> None:
            await pager.stop()
            await web.stop()

    return app
