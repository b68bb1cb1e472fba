"""A broadcast topic: every worker reads all of it, without a group, and keeps it.

At least the newest record of each key is kept, or all records of a limited time.  The topic has one
partition.  A shard reads the records beyond the offset that it has applied; its journal has
that offset, so a replay reads the same.
"""

import threading
import time

import structlog
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from sentinel.kafka.records import from_librdkafka
from sentinel.kafka.security import client_config
from sentinel.model.response import Control
from sentinel.model.step import Chunk
from sentinel.settings import Settings

_log = structlog.get_logger(__name__)
_POLL_S = 0.2
_ANSWER_S = 5.0
_FETCH_WAIT_MS = 500  # at most; a broker answers as soon as it has data
BUILT_IN_WAIT_MS = 50
"""The same for librdkafka's built-in cluster, which always waits so long when it has no data."""
_SPARE = 1_000  # records kept at least before some are cleared away
_ENTITY_RISK_KEPT_MS = 3_600_000  # those older than minutes are not read


class Broadcast:
    """Follows one broadcast topic in a thread of its own, from its beginning."""

    def __init__(self, settings: Settings, control: Control | None, topic: str) -> None:
        """``control`` is the kind of its records for the engine, or None."""
        self.topic = topic
        self._keep_ms = _ENTITY_RISK_KEPT_MS if control is Control.ENTITY_RISK else None
        self._settings, self._control = settings, control
        self._messages: list[Message] = []
        self._most = _SPARE
        self._lock = threading.Lock()
        self._caught_up, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follow-{topic}", daemon=True)

    def start(self) -> None:
        """Begin to read; once only."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def wait_caught_up(self, timeout_s: float) -> bool:
        """Wait until all that was there at the start has been read; False if not in time."""
        return self._caught_up.wait(timeout_s)

    def messages_after(self, applied: int) -> list[Message]:
        """The messages beyond the offset ``applied``."""
        with self._lock:
            if not self._messages or self._messages[-1].offset() <= applied:
                return []
            return [message for message in self._messages if message.offset() > applied]

    def after(self, applied: int) -> Chunk | None:
        """The records beyond the offset ``applied``; None where there are none."""
        news = self.messages_after(applied)
        return from_librdkafka(self._control, news) if news and self._control else None

    def _follow(self) -> None:
        consumer = Consumer(
            {
                **client_config(self._settings),
                "group.id": f"{self._settings.app_id}-broadcast",  # never joined
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": (
                    BUILT_IN_WAIT_MS if self._settings.built_in_cluster else _FETCH_WAIT_MS
                ),
                "isolation.level": "read_committed",
            }
        )
        consumer.assign([self._start(consumer)])
        try:
            while not self._stopping.is_set():
                message = consumer.poll(_POLL_S)
                if message is not None:
                    self._keep(message)
        finally:
            consumer.close()

    def _start(self, consumer: Consumer) -> TopicPartition:
        """Where to begin to read."""
        if self._keep_ms is None:
            return TopicPartition(self.topic, 0, OFFSET_BEGINNING)
        since_ms = time.time_ns() // 1_000_000 - self._keep_ms
        partition = TopicPartition(self.topic, 0, since_ms)
        while not self._stopping.is_set():
            try:
                _, end = consumer.get_watermark_offsets(partition, _ANSWER_S)
                (start,) = consumer.offsets_for_times([partition], _ANSWER_S)
            except KafkaException as error:
                _log.warning("broadcast topic", topic=self.topic, error=str(error))
            else:  # "none so young" must not skip what is written by the time reading begins
                return TopicPartition(self.topic, 0, start.offset if start.offset >= 0 else end)
        return TopicPartition(self.topic, 0, OFFSET_BEGINNING)

    def _keep(self, message: Message) -> None:
        error = message.error()
        if error is None:
            with self._lock:
                self._messages.append(message)
                if len(self._messages) > self._most:
                    self._clear_away(message.timestamp()[1])
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            self._caught_up.set()
        else:
            _log.warning("broadcast topic", topic=self.topic, error=error.str())

    def _clear_away(self, newest_ms: int) -> None:
        """Drop records that are superseded or too old."""
        if self._keep_ms is None:
            newest = {each.key(): each for each in self._messages}
            kept = sorted(newest.values(), key=lambda each: each.offset())
        else:
            oldest_ms = newest_ms - self._keep_ms
            kept = [each for each in self._messages if each.timestamp()[1] >= oldest_ms]
        self._messages, self._most = kept, 2 * len(kept) + _SPARE
