"""The complaints agent: chunks of the topic go to their shards."""

from typing import Any

import faust

from sentinel.kafka.topics import Topics
from sentinel.kafka.transport import ChunkSchema
from sentinel.model.events import Stream
from sentinel.shard.shards import Shards


def register(app: faust.App, topics: Topics, shards: Shards) -> None:
    """Subscribe to the topic; a chunk is acked by its shard, after the step's commit."""
    topic = app.topic(topics.inputs[Stream.COMPLAINT], schema=ChunkSchema())

    @app.agent(topic, name="complaints")
    async def complaints(stream: Any) -> None:
        async for event in stream.noack().events():
            await shards.offer(Stream.COMPLAINT, event)
