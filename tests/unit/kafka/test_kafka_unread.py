"""Since when alerts wait to be read, by what Kafka says."""

import asyncio

import pytest
from tests.pages.clockwork import VirtualLoop, run

from sentinel.kafka.unread import Spans, Unread


class Topic:
    """Answers with ``spans``, while it ``reachable``."""

    def __init__(self) -> None:
        self.spans: Spans = {}
        self.asked = 0
        self.reachable = asyncio.Event()
        self.reachable.set()

    async def ask(self) -> Spans:
        """What is unread."""
        self.asked += 1
        await self.reachable.wait()
        return self.spans


def _looks(*steps: tuple[int, Spans]) -> list[float]:
    async def play(_: VirtualLoop) -> list[float]:
        topic = Topic()
        unread, found = Unread(topic.ask), []
        for now_ms, spans in steps:
            topic.spans = spans
            found.append(await unread.look(now_ms))
        return found

    return run(play)


def test_what_is_read_does_not_wait() -> None:
    """However much comes: each end that was seen has been reached at the next look."""
    assert _looks((0, {"a-0": (7, 7)}), (15_000, {"a-0": (9, 8)}), (30_000, {"a-0": (20, 19)})) == [
        0.0,
        0.0,
        0.0,
    ]


def test_an_end_that_is_not_reached_waits_since_it_was_seen() -> None:
    """Though some records are read meanwhile; the partition that waits longest decides."""
    assert _looks(
        (0, {"a-0": (5, 2), "a-1": (4, 4)}),
        (15_000, {"a-0": (8, 3), "a-1": (6, 4)}),
        (30_000, {"a-0": (9, 5), "a-1": (6, 4)}),
        (45_000, {"a-0": (9, 9), "a-1": (6, 4)}),
        (60_000, {"a-0": (9, 9)}),
    ) == [0.0, 15.0, 15.0, 30.0, 0.0]


def test_kafka_that_does_not_answer_is_told_and_asked_once() -> None:
    """Its answer counts when it comes."""

    async def play(loop: VirtualLoop) -> tuple[float, int, float]:
        topic = Topic()
        topic.reachable.clear()
        unread = Unread(topic.ask)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await unread.look(0)
        waited_s = loop.time()
        topic.reachable.set()
        return waited_s, topic.asked, await unread.look(0)

    assert run(play) == (30.0, 1, 0.0)
