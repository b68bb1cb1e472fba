"""Kafka's records as the engine's chunks, from either client."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import Message

from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.step import Chunk


class Record(Protocol):
    """The common interface of aiokafka's records, bare or wrapped."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one fetch brought of a partition, column by column; never empty.

    The fetch was for offsets from ``start`` to before ``end``, whether there are records at all
    of them or not.  ``headers`` are there only where they were asked for.
    """

    topic: str
    partition: int
    start: int
    end: int
    offsets: list[int]
    recorded_ms: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]
    headers: list[Sequence[tuple[str, bytes]]] | None = None

    def __len__(self) -> int:
        return len(self.offsets)

    def after(self, stream: Stream | Control, applied: int) -> Chunk | None:
        """The records beyond offset ``applied``; None where there are none."""
        start = bisect_right(self.offsets, applied)
        if start == len(self):
            return None
        columns = (self.offsets, self.recorded_ms, self.keys, self.values)
        if start:
            columns = tuple(column[start:] for column in columns)  # type: ignore[assignment]
        return Chunk(stream, self.topic, self.partition, *columns)

    def part(self, first: int, end: int) -> "Fetched":
        """The records from index ``first`` to before index ``end``, at least one."""
        return Fetched(
            self.topic,
            self.partition,
            self.offsets[first - 1] + 1 if first else self.start,
            self.offsets[end - 1] + 1 if end < len(self) else self.end,
            self.offsets[first:end],
            self.recorded_ms[first:end],
            self.keys[first:end],
            self.values[first:end],
            None if self.headers is None else self.headers[first:end],
        )


def from_aiokafka(
    topic: str,
    partition: int,
    span: tuple[int, int],
    records: Sequence[Record],
    *,
    with_headers: bool = False,
) -> Fetched:
    """The records of one partition, at least one, of a fetch from ``span[0]`` to ``span[1]``."""
    return Fetched(
        topic,
        partition,
        start=min(span[0], records[0].offset),
        end=max(span[1], records[-1].offset + 1),
        offsets=[record.offset for record in records],
        recorded_ms=[record.timestamp for record in records],
        keys=[record.key for record in records],
        values=[record.value for record in records],
        headers=[record.headers for record in records] if with_headers else None,
    )


def from_librdkafka(stream: Stream | Control, messages: Sequence[Message]) -> Chunk:
    """The messages of one partition, at least one."""
    return Chunk(
        stream=stream,
        topic=messages[0].topic(),
        partition=messages[0].partition(),
        offsets=[message.offset() for message in messages],
        recorded_ms=[message.timestamp()[1] for message in messages],
        keys=[message.key() for message in messages],
        values=[message.value() for message in messages],
    )
