"""Paced fetches: a steady stream is fetched a handful of events at a time, a burst at once."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest
from tests.unit.kafka.test_kafka_repeated_fetch import _batch

from sentinel.kafka.paced_fetch import EVENTS, MOST_S, Pace, paced


@pytest.mark.parametrize(("rate", "expected_s"), [(1, MOST_S), (400, 0.04), (2_000, 0.008)])
def test_a_fetch_waits_for_a_handful_of_events(rate: int, expected_s: float) -> None:
    """As long as they take to come at the rate of the last second, never for long."""
    pace, now_s = Pace(), 100.0
    for _ in range(400):
        pace.note(max(1, rate // 100), 0, now_s)
        now_s += max(0.01, 1 / rate)
    pace.note(0, 1, now_s)
    assert pace.wait_s(now_s) == pytest.approx(expected_s, rel=0.05)
    assert pace.wait_s(now_s + expected_s / 2) == pytest.approx(expected_s / 2, rel=0.1)
    assert pace.wait_s(now_s + MOST_S) == 0


def test_a_high_rate_is_fetched_without_a_wait() -> None:
    """Where a handful comes within two milliseconds nothing is won by waiting."""
    pace = Pace()
    pace.note(100_000, 0, 5.0)
    assert pace.wait_s(5.0) == 0


def test_after_an_empty_response_the_next_fetch_waits_at_the_broker() -> None:
    """So the first event after a quiet moment is not delayed."""
    pace = Pace()
    pace.note(EVENTS, 0, 1.0)
    assert pace.wait_s(1.0) > 0
    pace.note(0, 0, 1.1)
    assert pace.wait_s(1.1) == 0


def test_the_topics_of_events_set_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other records are fetched at it; what is no fetch is sent at once, each broker for itself."""
    slept: list[float] = []
    now_s = [10.0]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now_s[0] += seconds

    async def send(_: int, request: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return "another answer"
        topics = [("events", [(0, 0, 9, _batch(0, 320))]), ("rollups", [(0, 0, 9, _batch(0, 900))])]
        return SimpleNamespace(topics=topics)

    monkeypatch.setattr("sentinel.kafka.paced_fetch.asyncio.sleep", sleep)
    send_paced = paced(send, frozenset({"events"}), lambda: now_s[0])
    fetch = FetchRequest(50, 1, 1 << 20, 1, [])

    async def fetches() -> None:
        for node in (1, 2, 1):
            await send_paced(node, fetch)
        assert await send_paced(1, "metadata") == "another answer"

    asyncio.run(fetches())
    assert slept == [pytest.approx(EVENTS / 320)]
