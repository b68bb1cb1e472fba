"""Where partitions end, on a real Kafka."""

import pytest
from confluent_kafka import Producer
from tests.integration.stage import Stage, wait_for

from sentinel.kafka.ends import Ends
from sentinel.settings import Settings

pytestmark = pytest.mark.process


def test_an_open_transaction_is_not_settled(kafka: str, prefix: str) -> None:
    """Records that are neither committed nor aborted unsettle their partition alone."""
    stage = Stage(kafka, prefix)
    ends, journal = Ends(stage.settings), stage.topics.journal
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": prefix})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(journal, b"a step", partition=0)
    assert producer.flush(30) == 0
    assert ends.stable([(journal, 0)]) == {(journal, 0): 0}
    assert not ends.settled((journal, 0))
    wait_for(lambda: ends.settled((journal, 1)), "an answer for the other partition")
    producer.abort_transaction(30)
    wait_for(lambda: ends.settled((journal, 0)), "the abort's marker")


def test_no_answer_is_not_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that cannot be asked has settled nothing."""
    monkeypatch.setattr("sentinel.kafka.ends._TIMEOUT_S", 0.2)
    assert not Ends(Settings(brokers="127.0.0.1:1")).settled(("journal", 0))
