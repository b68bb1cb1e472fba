"""The sink on a real Kafka: what a broker refuses is said by name."""

import random

import pytest
from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin import ResourceType as Resource
from tests.integration.stage import PARTITIONS, Stage, wait_for

from sentinel.engine import Emitted
from sentinel.kafka.masking import read_masking
from sentinel.kafka.producer import ProducerFatalError, TransactionAbortedError
from sentinel.model.step import DeadLetter, DeadLetterReason
from sentinel.shard.journal import StepRecord
from sentinel.shard.sink import Sink


def _refused(kafka: str, topic: str, value: bytes) -> bool:
    """Whether every partition refuses the value: a limit reaches one after another."""
    errors: list[KafkaError | None] = []
    producer = Producer({"bootstrap.servers": kafka})
    for partition in range(PARTITIONS):
        producer.produce(
            topic, value, partition=partition, on_delivery=lambda error, _: errors.append(error)
        )
    producer.flush(10)
    return len(errors) == PARTITIONS and all(error is not None for error in errors)


def test_what_the_broker_refuses_first_is_the_reason(kafka: str, prefix: str) -> None:
    """A record too large for its topic: topic and reason, not the state of the transaction."""
    stage = Stage(kafka, prefix)
    resource = ConfigResource(Resource.TOPIC, stage.topics.deadletter)
    resource.add_incremental_config(
        ConfigEntry("max.message.bytes", "500", incremental_operation=AlterConfigOpType.SET)
    )
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.incremental_alter_configs([resource])[resource].result(10)
    noise = random.Random(1).randbytes(2_000)  # does not compress
    wait_for(lambda: _refused(kafka, stage.topics.deadletter, noise), "the limit in force")
    sink = Sink(stage.settings, 0, read_masking(stage.settings), None)
    sink.start()
    letter = DeadLetter("t", 0, 1, None, noise, DeadLetterReason.MALFORMED, "d")
    with pytest.raises((TransactionAbortedError, ProducerFatalError)) as error:
        sink.write(Emitted(dead_letters=[letter]), StepRecord(0, 1, 1, {}, "v"))
    assert str(error.value) == f"{stage.topics.deadletter}: Broker: Message size too large"
    assert stage.read(stage.topics.journal) == []
