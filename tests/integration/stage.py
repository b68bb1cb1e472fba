"""What integration tests share: topics, a feed with a ledger, a worker process, readers."""

import random
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from confluent_kafka import (
    OFFSET_END,
    Consumer,
    KafkaError,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from tests.ports import free_port
from tests.zygote import zygote

from sentinel.engine import Configuration
from sentinel.kafka.configurations import Bundle, hasher_of
from sentinel.kafka.ends import Ends
from sentinel.kafka.topics import Timestamps, Topics, create
from sentinel.model.events import Event, Login, Stream, Transaction
from sentinel.settings import Settings

PARTITIONS = 2
DEADLINE_S = 90.0


class _Ranges(msgspec.Struct):
    """What :meth:`Stage.applied` reads of a journal record; the rest is skipped."""

    ranges: dict[str, tuple[int, int]]


_RANGES = msgspec.json.Decoder(_Ranges)


def wait_for(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Poll until a condition holds; fails with ``what`` when it does not in time."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"not in {deadline_s:.0f} s: {what}"
        time.sleep(0.05)


@dataclass
class Stage:
    """One test's corner of a broker."""

    broker: str
    prefix: str
    partitions: int = PARTITIONS
    timestamps: Timestamps = "LogAppendTime"  # CreateTime: the feed sets them
    settings: Settings = field(init=False)
    topics: Topics = field(init=False)

    def __post_init__(self) -> None:
        """Create the topics and wait until each of their partitions has a leader."""
        port = free_port()
        self.settings = Settings(
            brokers=self.broker,
            app_id=self.prefix,
            partitions=self.partitions,
            topic_prefix=self.prefix,
            web_port=port,
        )
        self.topics = Topics(self.prefix)
        create(self.settings, self.timestamps)
        ends = Ends(self.settings)
        wait_for(lambda: self._led(ends), "a leader of every partition")

    def _led(self, ends: Ends) -> bool:
        """Whether the broker serves every partition; metadata name leaders before that."""
        counts = dict.fromkeys(self.topics.all(), self.partitions)
        counts |= dict.fromkeys(self.topics.broadcast(), 1)
        partitions = {(topic, number) for topic, count in counts.items() for number in range(count)}
        return ends.stable(partitions).keys() == partitions

    def feed(self, records: list[tuple[Stream, str, bytes]]) -> None:
        """Produce (stream, customer, value) records in order and wait for the broker."""
        producer = Producer(
            {
                "bootstrap.servers": self.broker,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.max.bytes": 8_000_000,
            }
        )
        for stream, customer, value in records:
            producer.produce(self.topics.inputs[stream], value, customer)
            producer.poll(0)
        assert producer.flush(30) == 0

    def worker(self, **environment: str) -> "WorkerProcess":
        """Start a worker on this stage."""
        return WorkerProcess(self.settings, environment)

    def read(self, topic: str) -> list[Message]:
        """All committed messages of a topic, by partition and offset."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.broker,
                "group.id": f"{self.prefix}-reader",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,  # how long the broker waits before it tells of an end
            }
        )
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        messages, open_partitions = [], set(partitions)
        end = time.monotonic() + DEADLINE_S
        while open_partitions:
            assert time.monotonic() < end, f"cannot read {topic}"
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error() is None:
                messages.append(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                open_partitions.discard(message.partition())
        consumer.close()
        return sorted(messages, key=lambda each: (each.partition(), each.offset()))

    def configurations(self) -> dict[str, Configuration]:
        """What was published, by version, under the stage's key."""
        records = [(each.key(), each.value()) for each in self.read(self.topics.configs)]
        parsed = [
            Configuration.parse(msgspec.json.decode(value, type=Bundle).files)
            for key, value in records
            if not key.startswith(b"key/")
        ]
        return {each.version: self.keyed(each) for each in parsed}

    def keyed(self, configuration: Configuration) -> Configuration:
        """The configuration under the stage's key."""
        records = ((each.key(), each.value()) for each in self.read(self.topics.configs))
        hasher = hasher_of(records)
        assert hasher is not None
        return configuration.keyed(hasher)

    def configure(self, topic: str, name: str, value: str) -> None:
        """Set an option of a topic."""
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        admin = AdminClient({"bootstrap.servers": self.broker})
        for future in admin.incremental_alter_configs([resource]).values():
            future.result(30)

    def truncate(self, topics: Iterable[str]) -> None:
        """Drop all records of topics."""
        partitions = [
            TopicPartition(topic, number, OFFSET_END)
            for topic in topics
            for number in range(self.partitions)
        ]
        admin = AdminClient({"bootstrap.servers": self.broker})
        for future in admin.delete_records(partitions).values():
            future.result(30)

    def applied(self) -> dict[tuple[str, int], int]:
        """The last journalled offset of each input partition."""
        last: dict[tuple[str, int], int] = {}
        for message in self.read(self.topics.journal):
            for topic, (_, end) in _RANGES.decode(message.value()).ranges.items():
                last[topic, message.partition()] = end
        return last

    def everything_applied(self) -> bool:
        """Whether the journal has reached the end of every input partition."""
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": f"{self.prefix}-ends"})
        applied = self.applied()
        ends = {
            (topic, number): consumer.get_watermark_offsets(TopicPartition(topic, number), 10)[1]
            for topic in self.topics.inputs.values()
            for number in range(self.partitions)
        }
        consumer.close()
        rollups = self.topics.rollups  # it ends in a transaction's marker, which nobody applies
        ends |= {(rollups, number): 0 for number in range(self.partitions)}
        ends |= {(rollups, each.partition()): each.offset() + 1 for each in self.read(rollups)}
        return all(applied.get(partition, -1) + 1 >= end for partition, end in ends.items())


GIVEN_UP_SOON = {"SENTINEL_SESSION_TIMEOUT": "3s"}
"""For a worker that the test kills; a busy machine may keep others silent for longer."""


class WorkerProcess:
    """``sentinel worker`` (or ``pager``) as a process."""

    def __init__(
        self, settings: Settings, environment: dict[str, str], verb: str = "worker"
    ) -> None:
        given = {
            f"SENTINEL_{name.upper()}": str(getattr(settings, name))
            for name in ("brokers", "app_id", "topic_prefix", "web_port")
        }
        self._url = f"http://127.0.0.1:{settings.web_port}"
        self._folder = tempfile.TemporaryDirectory(prefix="sentinel-worker-")
        out, errors = Path(self._folder.name, "out"), Path(self._folder.name, "errors")
        self._errors = errors
        self.process = zygote().fork([verb], given | environment, out, errors)

    @property
    def log(self) -> str:
        """What it has written to stderr."""
        return self._errors.read_text()

    def get(self, path: str) -> str:
        """A page of the worker's, empty while it does not answer."""
        try:
            with urllib.request.urlopen(self._url + path, timeout=2) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def wait_ready(self) -> None:
        """Wait until all shards have recovered."""
        try:
            wait_for(lambda: self.get("/readyz").startswith("ready"), "worker ready")
        except AssertionError as error:
            raise AssertionError(f"{error}; it said:\n{self.log}") from None

    def counted(self, sample: str) -> float:
        """The value of one sample of /metrics, 0 where it is missing."""
        lines = [line for line in self.get("/metrics").splitlines() if line.startswith(sample)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send(number)
        code = self.process.wait(60)
        if code > 0:
            sys.stderr.write(self.log)  # for whoever asks why
        return code


def lively(count: int, seed: int, customers: int = 40) -> list[tuple[Stream, str, bytes]]:
    """Transactions and logins in event-time order that raise a good many alerts."""
    draw = random.Random(seed)
    start_ms = int(time.time() * 1000) - count * 2_000
    records = []
    for number in range(count):
        customer = f"C{draw.randrange(customers)}"
        moment = start_ms + number * 2_000
        event: Event
        if draw.random() < 0.3:
            event = Login(
                event_id=f"l{number}",
                event_time=moment,
                customer_id=customer,
                kind=draw.choice(["login", "login", "password_change", "mfa_change"]),
                success=draw.random() < 0.5,
                device_id=f"d{draw.randrange(3)}",
                ip=f"10.0.0.{draw.randrange(20)}",
            )
            stream = Stream.LOGIN
        else:
            event = Transaction(
                event_id=f"t{number}",
                event_time=moment,
                customer_id=customer,
                kind=draw.choice(["card", "transfer", "cash"]),
                direction=draw.choice(["debit", "credit"]),
                amount=round(draw.lognormvariate(4, 2.5), 2),
                status=draw.choice(["approved", "approved", "declined"]),
                counterparty_id=f"p{draw.randrange(30)}",
                merchant_id=f"m{draw.randrange(30)}",
            )
            stream = Stream.TRANSACTION
        records.append((stream, customer, msgspec.json.encode(event)))
    return records
