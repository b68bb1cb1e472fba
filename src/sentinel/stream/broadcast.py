"""A broadcast topic: every worker reads all of it, without a group, and keeps it.

Of each key the newest record is kept at least.  The topic has one partition and is compacted.
A shard asks for what is beyond the offset that it has applied, and its journal says how far that
was, so a replay sees the same.
"""

import threading

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from sentinel.model.response import Control
from sentinel.model.step import Chunk
from sentinel.settings import Settings
from sentinel.stream.records import from_librdkafka
from sentinel.stream.security import client_config

_log = structlog.get_logger(__name__)
_POLL_S = 0.2
_SPARE = 1_000  # superseded records kept before they are cleared away


class Broadcast:
    """Follows one broadcast topic in a thread of its own, from its beginning."""

    def __init__(self, settings: Settings, control: Control | None, topic: str) -> None:
        """``control`` says what its records are to the engine, if it takes them."""
        self.topic = topic
        self._settings, self._control = settings, control
        self._messages: list[Message] = []
        self._keys: set[bytes | None] = set()
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
                "isolation.level": "read_committed",
            }
        )
        consumer.assign([TopicPartition(self.topic, 0, OFFSET_BEGINNING)])
        try:
            while not self._stopping.is_set():
                message = consumer.poll(_POLL_S)
                if message is not None:
                    self._take(message)
        finally:
            consumer.close()

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is None:
            with self._lock:
                self._messages.append(message)
                self._keys.add(message.key())
                if len(self._messages) > 2 * len(self._keys) + _SPARE:
                    newest = {each.key(): each for each in self._messages}
                    self._messages = sorted(newest.values(), key=lambda each: each.offset())
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            self._caught_up.set()
        else:
            _log.warning("broadcast topic", topic=self.topic, error=error.str())
