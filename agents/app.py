"""The Faust app of a worker: membership, assignment and delivery are Faust's."""

import asyncio
from typing import Any

import faust
from mode import Service

from sentinel.agents import inputs
from sentinel.agents.reader import HEARTBEATS
from sentinel.kafka.security import broker_credentials
from sentinel.kafka.topics import Topics
from sentinel.kafka.transport import FETCH_BYTES, chunk_transport
from sentinel.metrics.web import Web
from sentinel.model.events import Stream
from sentinel.settings import Settings
from sentinel.shard.shards import Shards

# A broker that has just come back may not know its topics yet. A worker that asks it then assigns
# nothing to anybody, until it asks again.
_METADATA_AGE_MS = 10_000


def create_app(settings: Settings, shards: Shards, web: Web, data_dir: str) -> faust.App:
    """An app whose agents feed ``shards``; ``data_dir`` is scratch space of Faust's."""
    app = faust.App(
        settings.app_id,
        broker=[f"kafka://{broker.strip()}" for broker in settings.brokers.split(",")],
        broker_credentials=broker_credentials(settings),
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / HEARTBEATS,
        broker_max_poll_records=settings.max_poll_records,
        broker_check_crcs=settings.check_crcs,
        stream_buffer_maxsize=4,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_metadata_max_age_ms=_METADATA_AGE_MS,
        stream_wait_empty=False,  # the shards decide what is finished
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=1,  # the co-partitioned assignor: shard p gets every partition p
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        datadir=data_dir,
        loghandlers=[],
    )
    topics = Topics(settings.topic_prefix)
    app.transport = chunk_transport(
        app,
        frozenset(topics.inputs.values()),
        frozenset(topics.inputs[stream] for stream in Stream),
        shards.wants,
        repeats_fetches=settings.built_in_cluster,
    )
    inputs.register(app, topics, shards)

    @app.on_partitions_assigned.connect
    async def assigned(_: Any, assigned: Any, **__: Any) -> None:
        await shards.assign(assigned, app.consumer_generation_id, app.consumer.progress)

    @app.on_partitions_revoked.connect
    async def revoked(_: Any, revoked: Any, **__: Any) -> None:  # noqa: ARG001
        await shards.revoke()

    @app.on_before_shutdown.connect
    async def stopping(_: Any, **__: Any) -> None:
        await shards.revoke(save=True)

    @app.service
    class Health(Service):
        """The web pages, and lag once a second."""

        async def on_start(self) -> None:
            await web.start()

        async def on_stop(self) -> None:
            await web.stop()
            await asyncio.to_thread(shards.stop)

        @Service.timer(1.0)
        async def lag(self) -> None:
            shards.note_lag()

    return app
