"""The agents of the input topics: chunks of a topic go to their shards."""

from typing import Any

import faust

from sentinel.kafka.topics import Topics
from sentinel.kafka.transport import ChunkSchema
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.shard.shards import Shards


def register(app: faust.App, topics: Topics, shards: Shards) -> None:
    """Subscribe to every input; a chunk is acked by its shard, after the step's commit."""
    for source, topic in topics.inputs.items():
        _register(app, source, topic, shards)


def _register(app: faust.App, source: Stream | Control, topic: str, shards: Shards) -> None:
    @app.agent(app.topic(topic, schema=ChunkSchema()), name=f"{source}s")
    async def offer(stream: Any) -> None:
        async for event in stream.noack().events():
            await shards.offer(source, event)
