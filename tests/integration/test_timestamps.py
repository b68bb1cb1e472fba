"""Whose timestamps records have, on real Kafka: by the command line, and on a stage."""

import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from tests.integration.stage import Stage, wait_for
from tests.zygote import run

from sentinel.kafka.topics import Timestamps, Topics
from sentinel.model.events import Stream

pytestmark = pytest.mark.process
LONG_AGO_MS = 1_577_836_800_000  # 2020-01-01


def _timestamp_type(broker: str, topic: str) -> str:
    """``message.timestamp.type`` of a topic, empty while the broker does not know it."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": broker})
    if topic not in admin.list_topics(timeout=10).topics:
        return ""
    return str(
        admin.describe_configs([resource])[resource].result(10)["message.timestamp.type"].value
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], "LogAppendTime"), (["--timestamps", "create-time"], "CreateTime")],
)
def test_topics_create_sets_the_timestamp_type_of_the_inputs(
    kafka: str, prefix: str, options: list[str], expected: str
) -> None:
    """The broker dates records unless the operator asks for producers' timestamps."""
    settings = {"SENTINEL_BROKERS": kafka, "SENTINEL_TOPIC_PREFIX": prefix}
    assert run("topics", "create", *options, environment=settings).returncode == 0
    topics = Topics(prefix)
    for name in topics.from_outside():
        wait_for(lambda name=name: _timestamp_type(kafka, name) == expected, f"{name} is dated")  # type: ignore[misc]
    assert _timestamp_type(kafka, topics.journal) == "CreateTime"


@pytest.mark.parametrize("timestamps", ["LogAppendTime", "CreateTime"])
def test_a_stage_dates_records_as_asked(kafka: str, prefix: str, timestamps: Timestamps) -> None:
    """With CreateTime a record of 2020 stays one; by default it is of now."""
    stage = Stage(kafka, prefix, timestamps=timestamps)
    topic = stage.topics.inputs[Stream.LOGIN]
    before_ms = time.time_ns() // 1_000_000
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(topic, b"{}", "C1", timestamp=LONG_AGO_MS)
    assert producer.flush(30) == 0
    (message,) = stage.read(topic)
    kind, dated_ms = message.timestamp()
    if timestamps == "CreateTime":
        assert dated_ms == LONG_AGO_MS
    else:
        assert dated_ms >= before_ms - 1_000
    assert kind == (1 if timestamps == "CreateTime" else 2)
