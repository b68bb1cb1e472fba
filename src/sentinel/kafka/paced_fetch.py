"""Fetches at a pace: under a steady load one brings a handful of events, not one.

A broker answers a fetch as soon as it has one record, so a consumer at 300 events a second fetches
300 times a second, and everything behind it, steps and transactions, is done as often.  Here a
fetch that follows one with records waits, for as long as :data:`EVENTS` take to come at the rate
of the last second, and at most :data:`MOST_S`.  An event that comes after a quiet moment finds a
fetch waiting at the broker, and is not delayed; under high load there is no wait at all.
"""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from aiokafka.protocol.fetch import FetchRequest

from sentinel.kafka.record_batches import count_of
from sentinel.kafka.repeated_fetch import Send

EVENTS = 16
MOST_S = 0.05
_LEAST_S = 0.002  # a shorter sleep is mostly the event loop's own
_SPAN_S = 1.0  # over which the rate is measured, fading


class Pace:
    """When to fetch next from one broker; times are those of any steady clock, in seconds."""

    def __init__(self) -> None:
        self._recent, self._at_s = 0.0, 0.0
        self._next_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """For how long the next fetch waits."""
        return max(0.0, self._next_s - now_s)

    def note(self, events: int, others: int, now_s: float) -> None:
        """Note a response with so many events and other records."""
        faded = self._recent * math.exp(-(now_s - self._at_s) / _SPAN_S)
        self._recent, self._at_s = faded + events, now_s
        pause_s = min(MOST_S, EVENTS * _SPAN_S / self._recent) if self._recent else MOST_S
        is_paced = (events or others) and pause_s >= _LEAST_S
        self._next_s = now_s + pause_s if is_paced else 0.0


def paced(send: Send, events: frozenset[str], clock: Callable[[], float] = time.monotonic) -> Send:
    """Wrap ``AIOKafkaClient.send`` so that fetches keep a pace set by the topics ``events``."""
    paces: defaultdict[int, Pace] = defaultdict(Pace)

    async def send_paced(node_id: int, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await send(node_id, request, **options)
        pace = paces[node_id]
        wait_s = pace.wait_s(clock())
        if wait_s:
            await asyncio.sleep(wait_s)
        response = await send(node_id, request, **options)
        counts = {True: 0, False: 0}
        for topic, partitions in response.topics:
            counts[topic in events] += sum(count_of(each[-1] or b"") for each in partitions)
        pace.note(counts[True], counts[False], clock())
        return response

    return send_paced
