"""``sentinel ack`` looks for its alert no further back than it is asked to."""

import time

import pytest
from confluent_kafka import Producer
from tests.delivery.alerts import alert
from tests.integration.stage import Stage

from sentinel.alerting.cloudevent import encode
from sentinel.stream.answers import AnswerError, Answers

DAY_MS = 86_400_000


def test_an_alert_is_found_among_the_revisions_since_a_time(kafka: str, prefix: str) -> None:
    """Its newest revision; what is older is not read, and the error names the time."""
    stage = Stage(kafka, prefix)
    now_ms = time.time_ns() // 1_000_000
    producer = Producer({"bootstrap.servers": stage.broker})
    old, young = alert(alert_id="a-old"), alert(alert_id="a-young")
    for each, days in ((old, 9), (young, 8), (alert(alert_id="a-young", revision=2), 1)):
        at_ms = now_ms - days * DAY_MS
        producer.produce(stage.topics.alerts, encode(each), "k", partition=0, timestamp=at_ms)
    assert producer.flush(30) == 0
    with Answers(stage.settings) as answers:
        assert answers.alert("a-young", now_ms - 7 * DAY_MS).revision == 2
        assert answers.alert("a-old", now_ms - 30 * DAY_MS) == old
        with pytest.raises(AnswerError, match=r"has no alert a-old since 20.* UTC"):
            answers.alert("a-old", now_ms - 7 * DAY_MS)
        with pytest.raises(AnswerError, match="has no alert a-young since"):
            answers.alert("a-young", now_ms)
