"""One partition of a topic, read by offsets: committed records only, outside of any group."""

import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from sentinel.kafka.closing import Closing
from sentinel.kafka.security import client_config
from sentinel.settings import Settings

_TIMEOUT_S = 30.0
_FETCH = 5_000
_WAIT_S = 0.05
"""A read waits so long for more than there is: also at the end."""

_FETCH_BYTES = 16 << 20


class NoAnswerError(Exception):
    """The broker does not give what it has."""


class Partition(Closing):
    """A connection to a partition; close it, or use it as a context.

    ``low`` and ``high`` are where it begins and ends as it is opened.
    """

    def __init__(self, settings: Settings, topic: str, number: int) -> None:
        self.topic, self.number = topic, number
        self._consumer = Consumer(
            {
                **client_config(settings),
                "group.id": f"{settings.app_id}-recovery",  # never joined
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "fetch.message.max.bytes": _FETCH_BYTES,
            }
        )
        place = TopicPartition(topic, number)
        self.low, self.high = self._consumer.get_watermark_offsets(place, _TIMEOUT_S)

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def read(self, start: int, end: int | None = None) -> Iterator[Message]:
        """Messages from an offset on, up to before ``end`` or to all there is.

        Raises KafkaException, and NoAnswerError where nothing comes for long.
        """
        self._consumer.assign([TopicPartition(self.topic, self.number, max(start, self.low))])
        silent_since = time.monotonic()
        while True:
            ended = False
            for message in self._consumer.consume(_FETCH, timeout=_WAIT_S):
                error = message.error()
                if error is None:
                    if end is not None and message.offset() >= end:
                        return
                    silent_since = time.monotonic()
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                    ended = True
                elif not error.retriable():
                    raise KafkaException(error)
            if ended:
                return
            if time.monotonic() - silent_since > _TIMEOUT_S:
                raise NoAnswerError(f"{self.topic}-{self.number}: no answer for {_TIMEOUT_S:.0f} s")
