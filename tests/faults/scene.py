"""What a row of the suite plays on: the lab that all rows share, and one row's scene in it."""

import operator
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from tests.faults.ledger import HOSTILE, Fed, Ledger
from tests.faults.proxy import Link, Proxy
from tests.faults.verifier import Verdict, Verifier
from tests.faults.workers import Workers
from tests.integration.stage import Stage
from tests.kafka.broker import Broker

from sentinel.kafka.topics import Timestamps
from sentinel.model.events import Stream
from sentinel.model.response import Control

SESSION_S = 3
_POLL_S = 0.05
_FLUSH_S = 60.0
# So that a killed worker's partitions are given away soon; and steps small, so that there are many.
_ENVIRONMENT = {
    "SENTINEL_SESSION_TIMEOUT": f"{SESSION_S}s",
    "SENTINEL_MAX_POLL_RECORDS": "200",
}


@dataclass(frozen=True, slots=True)
class Appended:
    """A record with a timestamp (ms UTC) of its own."""

    timestamp_ms: int
    source: Stream | Control
    key: str
    value: bytes | None
    is_hostile: bool = False


@dataclass
class Result:
    """What a row found: the table's line."""

    row: str
    faults: int
    verdict: Verdict
    recoveries: list[float] = field(default_factory=list)
    note: str = ""
    complaint: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, doubled or made up, and the row went its way."""
        return self.verdict.exact and not self.complaint


class Lab:
    """A broker, and a proxy before its second listener."""

    def __init__(self, mutation: str | None = None, drain_s: float = 90.0) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sentinel-faults-"))
        self.mutation, self.drain_s = mutation, drain_s
        self.proxy = Proxy()
        self.broker = Broker(("PROXIED",), advertised={"PROXIED": self.proxy.address})
        self.proxy.open(self.broker.addresses["PROXIED"])
        self._scenes = 0

    def scene(self, row: str, seed: int, **options: object) -> "Scene":
        """A scene with topics of its own."""
        self._scenes += 1
        return Scene(self, row, seed, f"f{self._scenes}", **options)  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.proxy.stop()
        self.broker.stop()


class Scene:
    """One row's topics, ledger and workers.

    ``finish`` waits until everything is applied, ends the workers and reads it all again.
    """

    def __init__(
        self,
        lab: Lab,
        row: str,
        seed: int,
        prefix: str,
        *,
        workers: int = 1,
        partitions: int = 2,
        proxied: bool = False,
        logins: bool | None = None,
        customers: int = 40,
        ahead_ms: int | None = None,
        broker: Broker | None = None,
        configs: Path | None = None,
        environment: dict[str, str] | None = None,
        timestamps: Timestamps = "LogAppendTime",
    ) -> None:
        self.lab, self.row, self.broker = lab, row, broker or lab.broker
        self.stage = Stage(self.broker.address, prefix, partitions, timestamps)
        # Every other seed without logins: then the ledger alone says what the alert ids are.
        mixed = bool(seed % 2) if logins is None else logins
        ahead = {} if ahead_ms is None else {"ahead_ms": ahead_ms}
        self.ledger = Ledger(seed, logins=mixed, customers=customers, **ahead)
        self._configs = configs
        self.draw = self.ledger.draw
        self.log = lab.folder / f"{prefix}-{row}.log"
        self._refused: list[KafkaError] = []
        self._producer = Producer(
            {
                "bootstrap.servers": self.broker.address,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 5,
                "log_level": 0,
                "queue.buffering.max.messages": 2_000_000,
            }
        )
        addresses = lab.proxy.address if proxied else self.broker.address
        self.workers = Workers(
            _ENVIRONMENT
            | {
                "SENTINEL_BROKERS": addresses,
                "SENTINEL_APP_ID": prefix,
                "SENTINEL_TOPIC_PREFIX": prefix,
            }
            | ({"SENTINEL_CONFIGS": str(configs)} if configs else {})
            | (environment or {}),
            self.log,
            lab.mutation,
        )
        self._first_workers = workers

    def __enter__(self) -> Self:
        for _ in range(self._first_workers):
            self.workers.add()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None
    ) -> None:
        self.lab.proxy.set(Link.PASS)
        self.workers.stop()

    def feed(self, records: list[Fed]) -> None:
        """Produce records; the ledger has them already."""
        for stream, customer, value in records:
            self._producer.produce(
                self.stage.topics.inputs[stream], value, customer, on_delivery=self._delivered
            )
            self._producer.poll(0)

    def feed_at(self, records: Iterable[Appended]) -> None:
        """Produce records with timestamps of their own, and enter good events in the ledger."""
        topics = dict(self.stage.topics.inputs)
        topics.update(self.stage.topics.broadcasts.items())
        for record in records:
            if record.value and not record.is_hostile and record.source in self.stage.topics.inputs:
                self.ledger.add([(record.source, record.key, record.value)])
            self._producer.produce(
                topics[record.source],
                record.value,
                record.key,
                on_delivery=self._delivered,
                timestamp=record.timestamp_ms,
                headers=[(HOSTILE, b"")] if record.is_hostile else [],
            )
            self._producer.poll(0)
        self._producer.flush(_FLUSH_S)

    @staticmethod
    def now_ms() -> int:
        """Wall-clock time (ms UTC)."""
        return time.time_ns() // 1_000_000

    @contextmanager
    def flowing(self, per_batch: int = 60, every_s: float = 0.1) -> Iterator[None]:
        """Feed the ledger's next events all the while, from a thread of its own.

        Their times pass as fast as the clock's.
        """
        self.ledger.spacing_us = int(every_s * 1_000_000 / per_batch)
        stopping = threading.Event()

        def flow() -> None:
            while not stopping.wait(every_s):
                self.feed(self.ledger.more(per_batch))

        thread = threading.Thread(target=flow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()

    def wait(self, condition: Callable[[], bool], deadline_s: float | None = None) -> bool:
        """Poll a condition; False if it does not hold in time, and the row must then say so."""
        end = time.monotonic() + (deadline_s or self.lab.drain_s)
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(_POLL_S)
        return True

    def journal_ends(self) -> list[int]:
        """Where each partition of the journal ends, committed or not; 0 while none is told."""
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": "ends"})
        topic, partitions = self.stage.topics.journal, range(self.stage.partitions)
        assigned = [TopicPartition(topic, number) for number in partitions]
        try:
            return [consumer.get_watermark_offsets(each, 10)[1] for each in assigned]
        except KafkaException:  # it is new, and has no leader yet
            return [0] * len(assigned)
        finally:
            consumer.close()

    def beyond(self, journal_ends: list[int]) -> bool:
        """Whether every shard's journal has grown since."""
        return all(map(operator.gt, self.journal_ends(), journal_ends))

    def pause(self, least_s: float, most_s: float) -> None:
        """Let a seeded while pass: the moment of the fault is a part of it."""
        time.sleep(self.draw.uniform(least_s, most_s))

    def finish(
        self, faults: int, note: str = "", complaint: str = "", *, undisturbed: bool = False
    ) -> Result:
        """Drain, stop and verify; with ``undisturbed`` also against a run without the faults."""
        if self._producer.flush(_FLUSH_S) or self._refused:
            complaint += f" the broker refused {len(self._refused)} events to the feed"
        if not self.wait(self.stage.everything_applied):
            complaint += f" not applied in {self.lab.drain_s:.0f} s"
        codes = self.workers.stop()
        if set(codes) - {0, -signal.SIGTERM}:  # SIGTERM itself ends one that is just starting
            complaint += f" exit codes {codes}"
        verifier = Verifier(self.stage, self._configs)
        verdict = verifier.verdict(self.ledger)
        if undisturbed:
            verifier.check_undisturbed(verdict)
        if not verdict.counts["alerts"]:
            complaint += " no alerts: nothing is proved"
        return Result(self.row, faults, verdict, self.workers.recoveries, note, complaint.strip())

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._refused.append(error)
