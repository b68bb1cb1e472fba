"""Simulated events to Kafka, none before its time."""

from collections.abc import Callable, Iterable, Mapping
from threading import Event as Flag
from typing import Any

import msgspec
from confluent_kafka import Message, Producer

from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.simulate.simulation import Item, time_ms

_POLL_EVERY = 500  # sends; librdkafka's delivery reports wait until polled
NAP_S = 0.02
"""The shortest wait for an event's time: the events of one such wait are sent together."""
_FLUSH_S = 30.0


class UndeliveredError(Exception):
    """The broker refused a record, or did not confirm all in time."""


class Feed:
    """A producer of the input streams, keyed by customer as Java's partitioner does it.

    ``client`` is what librdkafka needs to connect, ``topics`` names each stream's topic,
    ``sent`` counts the records given to it.
    """

    def __init__(self, client: Mapping[str, Any], topics: Mapping[Stream | Control, str]) -> None:
        self.sent = 0
        self._topics = topics
        self._refused: str | None = None
        self._producer = Producer(
            {
                **client,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,  # otherwise a batch sent again may overtake others
                "linger.ms": 5,
            }
        )

    def send(self, stream: Stream | Control, key: str, value: bytes) -> None:
        """Hand one record to the producer; waits while its queue is full."""
        while True:
            try:
                self._producer.produce(
                    self._topics[stream], value, key, on_delivery=self._on_delivery
                )
                break
            except BufferError:
                self._producer.poll(0.1)
        self.sent += 1
        if self.sent % _POLL_EVERY == 0:
            self._producer.poll(0)

    def play(
        self,
        blocks: Iterable[Iterable[Item]],
        clock_ms: Callable[[], int],
        stop: Flag,
        before_block: Callable[[], None] = lambda: None,
        nap_s: float = NAP_S,
    ) -> None:
        """Send the items in order, each at its event time or, if that is past, at once.

        Returns when they end or ``stop`` is set.  ``before_block`` may wait, to hold the
        feed back.  ``nap_s`` is the shortest wait for an event's time: a longer one makes fewer,
        larger batches.  Raises :class:`UndeliveredError` when the broker refuses a record.
        """
        now = clock_ms()
        for block in blocks:
            before_block()
            for stream, event, _ in block:
                time = time_ms(event)
                while time > now:
                    self._producer.poll(0)
                    if stop.wait(max((time - now) / 1000, nap_s)):
                        return
                    now = clock_ms()
                self.send(stream, event.customer_id, msgspec.json.encode(event))
            if stop.is_set():
                return
            if self._refused:
                raise UndeliveredError(self._refused)

    def flush(self) -> None:
        """Wait until the broker has all records; raises :class:`UndeliveredError`."""
        left = self._producer.flush(_FLUSH_S)
        if left or self._refused:
            raise UndeliveredError(self._refused or f"{left} records were not delivered")

    def _on_delivery(self, error: object, _: Message) -> None:
        if error is not None and self._refused is None:
            self._refused = str(error)
