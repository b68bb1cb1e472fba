"""The Faust app of a service that stores what it reads: one agent for each topic."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import faust
from faust.types import TP
from mode import Service

from sentinel.kafka.security import broker_credentials
from sentinel.kafka.storing import Earliest, StoringService
from sentinel.kafka.transport import ChunkSchema, chunk_transport
from sentinel.kafka.unread import Spans
from sentinel.metrics.web import Web
from sentinel.settings import Settings

HEARTBEATS = 5
"""In a session timeout: some may be late."""


Accept = Callable[[Any, Earliest], Awaitable[None]]


async def _first_offset(app: faust.App, partition: TP) -> int:
    """The first offset of a partition that Kafka still has."""
    return int((await app.consumer.earliest_offsets(partition))[partition])


def create_app(
    settings: Settings, service: StoringService[Any, Any], web: Web, data_dir: str
) -> faust.App:
    """An app that feeds ``service``, in the group ``<app_id>-<name>``; ``data_dir`` is scratch.

    ``service.later`` reads topics of its own, and of those that both read what ``service`` has
    stored.  No more is fetched of a topic while its records are accepted, so that one that waits
    for its database or disk does not fill the memory.
    """
    name, topics, later = service.name, service.topics, service.later
    every = topics | (later.topics if later is not None else frozenset[str]())
    app = _app(settings, name, data_dir)
    accepting = set[str]()
    app.transport = chunk_transport(
        app,
        every,
        every,
        lambda topic, _: topic not in accepting,
        with_headers=service.with_headers,
        repeats_fetches=settings.built_in_cluster,
    )

    async def accept(event: Any, earliest: Earliest) -> None:
        fetched = event.value
        if fetched.topic in topics:
            await service.accept(fetched, earliest)
        if later is not None and fetched.topic in later.topics:
            await later.accept(fetched, earliest, event.ack)
        else:
            event.ack()

    for topic in sorted(every):
        _register(app, name, topic, accept, accepting)

    async def spans() -> Spans:
        assigned = {each for each in app.consumer.assignment() if each.topic in every}
        ends = await app.consumer.highwaters(*assigned) if assigned else {}
        reached = app.consumer.progress.reached
        return {
            f"{each.topic}-{each.partition}": (end, reached(each.topic, each.partition))
            for each, end in ends.items()
        }

    @app.on_partitions_assigned.connect
    async def assigned(*_: Any, **__: Any) -> None:
        service.assign()

    @app.on_partitions_revoked.connect
    async def revoked(*_: Any, **__: Any) -> None:
        if later is not None:
            await later.revoke()

    _run_beside(app, service, web, spans)
    return app


def _run_beside(
    app: faust.App,
    service: StoringService[Any, Any],
    web: Web,
    spans: Callable[[], Awaitable[Spans]],
) -> None:
    @app.service
    class Beside(Service):
        """The service's tasks, and the web pages."""

        async def on_start(self) -> None:
            service.start(spans)
            await web.start()

        async def on_stop(self) -> None:
            await service.stop()
            await web.stop()


def _app(settings: Settings, name: str, data_dir: str) -> faust.App:
    return faust.App(
        f"{settings.app_id}-{name}",
        broker=[f"kafka://{broker.strip()}" for broker in settings.brokers.split(",")],
        broker_credentials=broker_credentials(settings),
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / HEARTBEATS,
        broker_max_poll_records=settings.max_poll_records,
        broker_check_crcs=settings.check_crcs,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        datadir=data_dir,
        loghandlers=[],
    )


def _register(app: faust.App, name: str, topic: str, accept: Accept, accepting: set[str]) -> None:
    """Register a topic's agent; the topic is among ``accepting`` while it accepts records."""

    @app.agent(app.topic(topic, schema=ChunkSchema()), name=f"{name}-{topic}")
    async def read(stream: Any) -> None:
        async for event in stream.noack().events():
            partition = TP(topic, event.value.partition)
            accepting.add(topic)
            try:
                await accept(event, partial(_first_offset, app, partition))
            finally:
                accepting.discard(topic)
