"""The tests' own broker: a real Apache Kafka, whose transactions hold."""

import pytest
from confluent_kafka import KafkaException, Producer
from tests.integration.stage import Stage

from sentinel.model.events import Stream


def _producer(broker: str, transactional_id: str) -> Producer:
    producer = Producer(
        {"bootstrap.servers": broker, "transactional.id": transactional_id, "log_level": 0}
    )
    producer.init_transactions(30)
    return producer


def test_it_answers_and_keeps_records(kafka: str, prefix: str) -> None:
    """What is produced is read back: the same bytes in the same order."""
    stage = Stage(kafka, prefix)
    values = [str(number).encode() for number in range(100)]
    stage.feed([(Stream.LOGIN, "one customer", value) for value in values])
    assert [each.value() for each in stage.read(stage.topics.inputs[Stream.LOGIN])] == values


def test_readers_of_committed_records_see_no_others(kafka: str, prefix: str) -> None:
    """An aborted transaction shows nothing, a committed one everything."""
    stage = Stage(kafka, prefix)
    producer = _producer(kafka, prefix)
    for value, kept in ((b"a", True), (b"b", False), (b"c", True)):
        producer.begin_transaction()
        producer.produce(stage.topics.alerts, value, partition=0)
        producer.flush(30)
        if kept:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
    assert [each.value() for each in stage.read(stage.topics.alerts)] == [b"a", b"c"]


def test_a_zombie_is_fenced(kafka: str, prefix: str) -> None:
    """A second producer of one transactional id ends the first one's transaction."""
    stage = Stage(kafka, prefix)
    zombie = _producer(kafka, prefix)
    zombie.begin_transaction()
    zombie.produce(stage.topics.alerts, b"from the zombie", partition=0)
    zombie.flush(30)
    successor = _producer(kafka, prefix)
    with pytest.raises(KafkaException) as error:
        zombie.commit_transaction(30)
    assert error.value.args[0].fatal()
    successor.begin_transaction()
    successor.produce(stage.topics.alerts, b"from the successor", partition=0)
    successor.commit_transaction(30)
    assert [each.value() for each in stage.read(stage.topics.alerts)] == [b"from the successor"]
