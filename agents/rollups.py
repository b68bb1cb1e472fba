"""The rollups agent: what shards saw of shared entities goes to their owners."""

from typing import Any

import faust

from sentinel.kafka.topics import Topics
from sentinel.kafka.transport import ChunkSchema
from sentinel.model.response import Control
from sentinel.shard.shards import Shards


def register(app: faust.App, topics: Topics, shards: Shards) -> None:
    """Subscribe to the topic; a chunk is acked by its shard, after the step's commit."""
    topic = app.topic(topics.inputs[Control.ROLLUP], schema=ChunkSchema())

    @app.agent(topic, name="rollups")
    async def rollups(stream: Any) -> None:
        async for event in stream.noack().events():
            await shards.offer(Control.ROLLUP, event)
