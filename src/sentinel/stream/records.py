"""Kafka's records as the engine's chunks, from either client."""

from collections.abc import Sequence

from aiokafka import ConsumerRecord
from confluent_kafka import Message

from sentinel.model.events import Stream
from sentinel.model.step import Chunk


def from_faust(stream: Stream, records: Sequence[ConsumerRecord], applied: int) -> Chunk | None:
    """The records beyond offset ``applied``; None where there are none."""
    if records[0].offset <= applied:
        records = [record for record in records if record.offset > applied]
        if not records:
            return None
    return Chunk(
        stream=stream,
        topic=records[0].topic,
        partition=records[0].partition,
        offsets=[record.offset for record in records],
        recorded_ms=[record.timestamp for record in records],
        keys=[record.key for record in records],
        values=[record.value for record in records],
    )


def from_librdkafka(stream: Stream, messages: Sequence[Message]) -> Chunk:
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
