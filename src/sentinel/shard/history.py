"""The history of one shard in Kafka: snapshots, the journal, and the inputs that it names."""

from collections.abc import Iterator, Mapping

from confluent_kafka import Message

from sentinel.engine import Configuration
from sentinel.kafka.closing import Closing
from sentinel.kafka.configurations import Configurations, NoConfigurationError
from sentinel.kafka.ends import Ends
from sentinel.kafka.partition import Partition
from sentinel.kafka.reader import NoAnswerError
from sentinel.kafka.records import from_librdkafka
from sentinel.kafka.registry import Registry
from sentinel.kafka.topics import Topics
from sentinel.model.events import Stream
from sentinel.model.reading import UNREADABLE
from sentinel.model.response import Control
from sentinel.model.step import Chunk, Step
from sentinel.settings import Settings
from sentinel.shard import snapshots
from sentinel.shard.journal import StepRecord, decode
from sentinel.shard.recovery import RecoveryError
from sentinel.shard.snapshot import Snapshot


class KafkaHistory(Closing):
    """The history of shard ``partition``; close it, or use it as a context."""

    def __init__(
        self,
        settings: Settings,
        partition: int,
        configurations: Configurations,
        registry: Registry | None,
    ) -> None:
        self._settings, self._partition, self._registry = settings, partition, registry
        self._configurations, self._topics = configurations, Topics(settings.topic_prefix)
        self._streams: dict[str, Stream | Control] = {
            topic: stream for stream, topic in self._topics.inputs.items()
        }
        self._streams |= {topic: control for control, topic in self._topics.broadcasts.items()}
        self._sources: dict[str, _Source] = {}
        self._ahead: dict[str, _Source] = {}

    def close(self) -> None:
        """Disconnect."""
        for source in (*self._sources.values(), *self._ahead.values()):
            source.close()

    def newest_snapshot(self) -> Snapshot | None:
        """The newest snapshot that is whole."""
        with Partition(self._settings, self._topics.snapshots, self._partition) as partition:
            return snapshots.newest(partition)

    def begins(self) -> dict[str, int]:
        """The first offset that each of the shard's inputs still has, or will have.

        Raises NoAnswerError.
        """
        partitions = [(topic, self._partition) for topic in self._topics.inputs.values()]
        found = Ends(self._settings).first(partitions)
        if len(found) < len(partitions):
            raise NoAnswerError("the broker does not tell where inputs begin")
        return {topic: first for (topic, _), first in found.items()}

    def steps(self, after: int) -> Iterator[tuple[int, int, StepRecord]]:
        """The journal beyond offset ``after``: offset, the journal's end, record."""
        with Partition(self._settings, self._topics.journal, self._partition) as journal:
            if journal.high > after + 1:
                for message in journal.read(after + 1):
                    yield message.offset(), journal.high, _record(journal.topic, message)

    def step(self, record: StepRecord) -> tuple[Step, list[str]]:
        """A step as it was processed, and the inputs of which something is missing."""
        chunks, missing = self._chunks(record.ranges, self._sources)
        ahead, missing_ahead = self._chunks(record.ahead, self._ahead)
        step = Step(record.stream_ms, chunks, record.wall_ms, ahead, record.ahead_ms)
        return step, missing + missing_ahead

    def _chunks(
        self, ranges: Mapping[str, tuple[int, int]], sources: "dict[str, _Source]"
    ) -> tuple[list[Chunk], list[str]]:
        chunks: list[Chunk] = []
        missing: list[str] = []
        for topic, stream in self._streams.items():
            if topic not in ranges:
                continue
            first, last = ranges[topic]
            if topic not in sources:
                number = 0 if topic in self._topics.broadcast() else self._partition
                sources[topic] = _Source(Partition(self._settings, topic, number), first)
            found = sources[topic].read(first, last)
            if not found or found[0].offset() != first or found[-1].offset() != last:
                missing.append(topic)
            if found:
                chunk = from_librdkafka(stream, found)
                chunks.append(chunk if self._registry is None else self._registry.to_json(chunk))
        return chunks, missing

    def configuration(self, version: str) -> Configuration:
        """The configuration of that version; raises RecoveryError."""
        try:
            return self._configurations.get(version)
        except NoConfigurationError as error:
            raise RecoveryError(str(error)) from None


class _Source:
    """One input partition, read forward once."""

    def __init__(self, partition: Partition, start: int) -> None:
        self._partition = partition
        self._messages = partition.read(start)
        self._ahead: Message | None = None

    def read(self, first: int, last: int) -> list[Message]:
        """The messages of offsets first to last that are still retained."""
        messages: list[Message] = []
        while True:
            message = self._ahead or next(self._messages, None)
            self._ahead = None
            if message is None:
                return messages
            if message.offset() > last:
                self._ahead = message
                return messages
            if message.offset() >= first:
                messages.append(message)
            if message.offset() == last:
                return messages

    def close(self) -> None:
        self._partition.close()


def _record(topic: str, message: Message) -> StepRecord:
    try:
        return decode(message.value() or b"")
    except UNREADABLE as error:
        position = f"{topic} {message.partition()} at offset {message.offset()}"
        raise RecoveryError(f"{position} is no step: {error or type(error).__name__}") from None
