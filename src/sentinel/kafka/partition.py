"""One partition of a topic, read by offsets: committed records only, outside of any group."""

from collections.abc import Iterator

from confluent_kafka import Message

from sentinel.kafka.closing import Closing
from sentinel.kafka.reader import Reader
from sentinel.settings import Settings

_FETCH_BYTES = 16 << 20


class Partition(Closing):
    """A connection to a partition; close it, or use it as a context.

    ``low`` and ``high`` are where it begins and ends as it is opened.
    """

    def __init__(self, settings: Settings, topic: str, number: int) -> None:
        self.topic, self.number = topic, number
        fetch = {"fetch.message.max.bytes": _FETCH_BYTES}
        self._reader = Reader(settings, "recovery", topic, fetch)
        self.low, self.high = self._reader.bounds(number)

    def close(self) -> None:
        """Disconnect."""
        self._reader.close()

    def read(self, start: int, end: int | None = None) -> Iterator[Message]:
        """Messages from an offset on, up to before ``end`` or to all there is.

        Raises KafkaException, and NoAnswerError where nothing comes for long.
        """
        ends = None if end is None else {self.number: end}
        return self._reader.read({self.number: max(start, self.low)}, ends)
