"""Committed records of a topic, read by offsets: outside of any group, up to an end."""

import time
from collections.abc import Callable, Iterator, Mapping

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from sentinel.kafka.closing import Closing
from sentinel.kafka.security import client_config
from sentinel.settings import Settings

_TIMEOUT_S = 30.0
_WAIT_S = 0.05
"""How long one poll waits for records, also at the end."""

Advance = Callable[[int, int], None]
"""Called with how many offsets of how many have been read."""


class NoAnswerError(Exception):
    """The broker does not answer with the records that it has."""


class Reader(Closing):
    """A connection to a topic; close it, or use it as a context.

    ``purpose`` is part of the group's name, for which access is granted.  ``settings``
    are librdkafka's beside those of the connection; ``fetch`` is how many messages are held at
    once at most, and a read gives up where nothing comes for ``silence_s``.
    """

    def __init__(
        self,
        connection: Settings,
        purpose: str,
        topic: str,
        settings: Mapping[str, str | int] | None = None,
        fetch: int = 5_000,
        silence_s: float = _TIMEOUT_S,
    ) -> None:
        self.topic, self._fetch, self._silence_s = topic, fetch, silence_s
        self._consumer = Consumer(
            {
                **client_config(connection),
                "group.id": f"{connection.app_id}-{purpose}",  # never joined
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                **(settings or {}),
            }
        )

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def bounds(self, number: int) -> tuple[int, int]:
        """The first offset that a partition still has, and its end; raises KafkaException."""
        partition = TopicPartition(self.topic, number)
        low, high = self._consumer.get_watermark_offsets(partition, _TIMEOUT_S)
        return low, high

    def partitions(self) -> list[int]:
        """The partitions that there are; raises KafkaException."""
        found = self._consumer.list_topics(self.topic, timeout=_TIMEOUT_S).topics[self.topic]
        if found.error is not None:
            raise KafkaException(found.error)
        return sorted(found.partitions)

    def since(self, numbers: list[int], since_ms: int | None) -> dict[int, int]:
        """The offsets of the first records since ``since_ms``; raises KafkaException.

        A partition without such a record gives librdkafka's "at the end".
        """
        if since_ms is None:
            return dict.fromkeys(numbers, OFFSET_BEGINNING)
        asked = [TopicPartition(self.topic, number, since_ms) for number in numbers]
        found = self._consumer.offsets_for_times(asked, _TIMEOUT_S)
        return {partition.partition: partition.offset for partition in found}

    def read(
        self,
        starts: Mapping[int, int],
        ends: Mapping[int, int] | None = None,
        *,
        waits: bool = False,
        advance: Advance | None = None,
    ) -> Iterator[Message]:
        """Messages of some partitions, each in order from its start to before its end.

        Without ``ends`` it reads all that there is.  If it ``waits``, it waits for the end of open
        transactions before the ends.

        Raises KafkaException, and NoAnswerError where nothing comes for long.
        """
        reached = {n: start for n, start in starts.items() if ends is None or start < ends[n]}
        left = set(reached)
        self._consumer.assign([TopicPartition(self.topic, *each) for each in reached.items()])
        until = time.monotonic() + self._silence_s
        while left:
            for message in self._consumer.consume(self._fetch, timeout=_WAIT_S):
                number, is_end = message.partition(), _is_end(message)
                if number not in left or (message.error() and not is_end):
                    continue
                is_within = ends is None or message.offset() < ends[number]
                if not is_end and is_within:
                    yield message
                after = message.offset() + (not is_end)  # at the end it is the next offset
                if after > reached[number] or not waits:
                    reached[number], until = after, time.monotonic() + self._silence_s
                if (is_end and not waits) or (ends is not None and after >= ends[number]):
                    left.discard(number)
                    self._consumer.incremental_unassign([TopicPartition(self.topic, number)])
            if advance is not None and ends is not None:
                advance(*_share(starts, reached, ends))
            if left and time.monotonic() > until:
                raise NoAnswerError(f"{self.topic}: no answer for {self._silence_s:.0f} s")


def _is_end(message: Message) -> bool:
    """Whether a message marks the end of a partition; raises KafkaException."""
    error = message.error()
    if error is None or error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
        return error is not None
    if not error.retriable():
        raise KafkaException(error)
    return False


def _share(
    starts: Mapping[int, int], reached: Mapping[int, int], ends: Mapping[int, int]
) -> tuple[int, int]:
    """How many offsets of how many have been read."""
    done = sum(min(reached[number], ends[number]) - starts[number] for number in reached)
    return done, sum(ends[number] - starts[number] for number in reached)
