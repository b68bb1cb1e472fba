"""Topics: names, what a worker refuses to start on, and what ``create`` makes."""

import time

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    ResourceType,
)
from structlog.testing import capture_logs
from tests.integration.stage import wait_for

from sentinel.kafka.topics import StartupError, Timestamps, Topics, check, create, describe
from sentinel.model.alert import Tier
from sentinel.model.events import Stream
from sentinel.settings import Settings


def _ask_for(broker: str, names: list[str]) -> None:
    """Make topics on the built-in cluster: it makes those that a producer asks for."""
    producer = Producer({"bootstrap.servers": broker})
    for name in names:
        producer.list_topics(name, timeout=10)


def test_every_name_is_under_the_prefix() -> None:
    """Five inputs, alerts and their tiers, three other outputs, what is inside: each once."""
    topics = Topics("bank")
    names = topics.all()
    assert len(set(names)) == len(names) == 5 + 1 + len(Tier) + 3 + len(topics.inside())
    assert all(name.startswith("bank.") for name in names)
    assert topics.tier(Tier.RED) == "bank.alerts.red"


def test_only_what_exists_is_described(mock_kafka: str, prefix: str) -> None:
    """A topic that is not ours, or not there, is left out; asking makes none."""
    _ask_for(mock_kafka, [f"{prefix}.logins", f"{prefix}.others"])
    settings = Settings(brokers=mock_kafka, topic_prefix=prefix)
    assert describe(settings) == {f"{prefix}.logins": 4}
    assert describe(settings) == {f"{prefix}.logins": 4}


def test_missing_topics_are_named_with_the_command(mock_kafka: str, prefix: str) -> None:
    """The message lists every missing topic and says how to make them."""
    names = Topics(prefix).all()
    _ask_for(mock_kafka, names[2:])
    with pytest.raises(StartupError) as error:
        check(Settings(brokers=mock_kafka, topic_prefix=prefix))
    assert str(error.value) == (
        f"missing topics: {names[0]}, {names[1]}; run `sentinel topics create`"
    )


def test_a_whole_set_gives_its_partition_count(mock_kafka: str, prefix: str) -> None:
    """The count comes from the broker, not from the settings."""
    _ask_for(mock_kafka, Topics(prefix).all())
    assert check(Settings(brokers=mock_kafka, topic_prefix=prefix, partitions=9)) == 4


def test_an_unreachable_broker_is_said_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the address and the variables, after one question that may take 5 s."""
    asked: list[float] = []

    class Admin(AdminClient):  # type: ignore[misc]  # the library has no types
        def list_topics(self, *, timeout: float) -> object:
            """Note how long the caller is ready to wait."""
            asked.append(timeout)
            return super().list_topics(timeout=timeout)

    monkeypatch.setattr("sentinel.kafka.topics.AdminClient", Admin)
    with pytest.raises(StartupError) as error:
        check(Settings(brokers="127.0.0.1:1"))
    assert asked == [5.0]
    message = str(error.value)
    assert message.startswith("no Kafka broker answers at 127.0.0.1:1 (")
    assert message.endswith("); see SENTINEL_BROKERS and SENTINEL_SECURITY")
    assert "\n" not in message


def test_a_broker_that_does_not_create_is_an_error(
    mock_kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The built-in cluster never answers a wish to create: one line, not a bare timeout."""
    monkeypatch.setattr("sentinel.kafka.topics._CREATE_S", 0.5)
    with pytest.raises(StartupError, match=f"cannot create {prefix}.* did not answer"):
        create(Settings(brokers=mock_kafka, topic_prefix=prefix))


def test_create_makes_what_is_missing(kafka: str, prefix: str) -> None:
    """Once all, then nothing; what recovery replays outlives twice the horizon."""
    settings = Settings(brokers=kafka, topic_prefix=prefix, partitions=3, horizon="10d")
    topics = Topics(prefix)
    assert create(settings) == topics.all()
    whole = {**dict.fromkeys(topics.all(), 3), **dict.fromkeys(topics.broadcast(), 1)}
    wait_for(lambda: describe(settings) == whole, "the broker lists its new topics", 20)
    assert create(settings) == []
    assert check(settings) == 3
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in topics.all()]
    admin = AdminClient({"bootstrap.servers": kafka})  # kept until its futures are done
    for resource, future in admin.describe_configs(asked).items():
        config = future.result(10)
        compacted = resource.name in (topics.configs, topics.silences, topics.snapshots)
        assert config["cleanup.policy"].value == ("compact" if compacted else "delete")
        if resource.name in (*topics.inputs.values(), topics.journal, topics.entity_risk):
            assert config["retention.ms"].value == str(20 * 86_400_000)
        if resource.name in (topics.configs, topics.silences):
            assert config["min.compaction.lag.ms"].value == str(20 * 86_400_000)


def _timestamp_types(broker: str, prefix: str) -> dict[str, str]:
    """``message.timestamp.type`` of every topic."""
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in Topics(prefix).all()]
    admin = AdminClient({"bootstrap.servers": broker})  # kept until its futures are done
    return {
        resource.name: future.result(10)["message.timestamp.type"].value
        for resource, future in admin.describe_configs(asked).items()
    }


@pytest.mark.parametrize("timestamps", ["LogAppendTime", "CreateTime"])
def test_whose_timestamps_the_inputs_have(kafka: str, prefix: str, timestamps: Timestamps) -> None:
    """Of what others write, as asked; check names the topics of producers' timestamps once."""
    settings, topics = Settings(brokers=kafka, topic_prefix=prefix, partitions=1), Topics(prefix)
    create(settings, timestamps)
    whole = dict.fromkeys(topics.all(), 1)
    wait_for(lambda: describe(settings) == whole, "the broker lists its new topics", 20)
    inputs = [topics.inputs[stream] for stream in Stream]
    asked = {*inputs, topics.responses, topics.silences}
    types = _timestamp_types(kafka, prefix)
    assert {types[name] for name in asked} == {timestamps}
    assert {types[name] for name in topics.all() if name not in asked} == {"CreateTime"}
    with capture_logs() as logs:
        check(settings)
    told = [line["topics"] for line in logs if line["event"].startswith("producers set the time")]
    assert told == ([] if timestamps == "LogAppendTime" else [sorted(asked)])


def test_the_broker_dates_records_by_default(kafka: str, prefix: str) -> None:
    """A producer's own timestamp of 1970 is replaced by the time of the append."""
    settings = Settings(brokers=kafka, topic_prefix=prefix, partitions=1)
    create(settings)
    name = Topics(prefix).inputs[Stream.LOGIN]
    wait_for(lambda: name in describe(settings), "the topic is there", 20)
    producer = Producer({"bootstrap.servers": kafka})
    dated: list[int] = []
    before_ms = time.time_ns() // 1_000_000

    def delivered(_: object, message: Message) -> None:
        dated.append(message.timestamp()[1])

    producer.produce(name, b"{}", "C1", timestamp=1_000, on_delivery=delivered)
    assert producer.flush(30) == 0
    (appended_ms,) = dated
    assert before_ms - 1_000 <= appended_ms <= time.time_ns() // 1_000_000 + 1_000


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ({"retention.ms": "3600000"}, "keeps records for 3600 s, less than SENTINEL_HORIZON=24h"),
        ({"cleanup.policy": "compact"}, "is compacted: recovery needs every record"),
    ],
)
def test_topics_that_forget_too_soon_are_refused(
    kafka: str, prefix: str, harm: dict[str, str], message: str
) -> None:
    """What recovery may have to replay must still be there: said before anything is read."""
    settings = Settings(brokers=kafka, topic_prefix=prefix, partitions=1)
    create(settings)
    name = Topics(prefix).inputs[Stream.LOGIN]
    wait_for(lambda: name in describe(settings), "the topic is there", 20)
    resource = ConfigResource(ResourceType.TOPIC, name)
    for key, value in harm.items():
        resource.add_incremental_config(
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        )
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.incremental_alter_configs([resource])[resource].result(10)

    def refused() -> bool:
        try:
            check(settings)
        except StartupError as error:
            return str(error).startswith(f"{name} {message}")
        return False

    wait_for(refused, "the broker knows of the change", 20)


def test_unequal_partition_counts_are_refused(kafka: str, prefix: str) -> None:
    """Shard p must own partition p of everything; outputs may have as many as they like."""
    settings = Settings(brokers=kafka, topic_prefix=prefix, partitions=2)
    create(settings)
    admin, topics = AdminClient({"bootstrap.servers": kafka}), Topics(prefix)

    def grow(name: str, partitions: int) -> None:
        admin.create_partitions([NewPartitions(name, partitions)])[name].result(10)
        wait_for(lambda: describe(settings).get(name) == partitions, f"{name} has grown", 20)

    grow(topics.alerts, 4)
    assert check(settings) == 2
    grow(topics.journal, 3)
    with pytest.raises(StartupError) as error:
        check(settings)
    assert str(error.value) == (
        "inputs and journal need equal partition counts, but: "
        f"{prefix}.transactions 2, {prefix}.logins 2, {prefix}.complaints 2, "
        f"{prefix}.responses 2, {prefix}.rollups 2, {prefix}.journal 3, {prefix}.snapshots 2"
    )
