"""The set of shards: chunks of an earlier assignment never reach a shard of this one."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from sentinel.metrics import Metrics
from sentinel.model.events import Stream
from sentinel.settings import Settings
from sentinel.shard.shards import Shards


class FakeShard:
    """Keeps what it is offered."""

    def __init__(self) -> None:
        self.offered: list[Any] = []

    def offer(self, waiting: Any) -> None:
        """Take a chunk."""
        self.offered.append(waiting.records)


def _event(generation: int, value: str) -> Any:
    message = SimpleNamespace(partition=0, generation_id=generation)
    return SimpleNamespace(message=message, value=value, ack=lambda: None)


def test_a_chunk_of_an_earlier_generation_is_left_to_be_fetched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Taken, it would stand before chunks that the revoked shard dropped: events lost."""
    shards = Shards(Settings(), 1, None, None, None, Metrics(CollectorRegistry()))  # type: ignore[arg-type]
    shard = FakeShard()
    monkeypatch.setattr(
        shards, "_start", lambda number: shards._running.update({number: (shard, None)})
    )
    assigned = [
        SimpleNamespace(topic=f"sentinel.{name}", partition=0)
        for name in ("transactions", "logins", "complaints", "responses", "rollups")
    ]

    async def play() -> None:
        waiting = asyncio.create_task(shards.offer(Stream.LOGIN, _event(1, "old")))
        await shards.assign(assigned, 2, None)  # type: ignore[arg-type]
        await waiting
        await shards.offer(Stream.LOGIN, _event(2, "new"))

    asyncio.run(play())
    assert shard.offered == ["new"]
