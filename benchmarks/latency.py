"""Event to alert at 2,000 events a second: a running worker, whole shipped configuration.

A latency runs from the producer's timestamp of the event that caused an alert (so the
producer's own batching is in it) to the moment at which a consumer that reads only what is
committed has the alert.  One rule is added so that there are some thirty alerts a
second to measure.  The first seconds, when the worker's caches fill, don't count.  Events are
sent at their event times.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from confluent_kafka import Consumer, TopicPartition
from tests.ports import free_port

from benchmarks import configs, feed
from benchmarks.events import events, span_ms
from benchmarks.size import Size
from sentinel.alerting.cloudevent import decode
from sentinel.kafka.topics import Topics

_PREFIX = "latency"
_PER_SECOND = 2_000
_TICK_S = 0.005
_FEWEST_ALERTS_PER_SECOND = 20
_START_S, _END_S = 90.0, 60.0
_QUIET_S = 1.0
_DAY_S = 86_400
_RULE = """\
rules:
  - id: bench.large
    title: {en: Large amount, zh: 大额}
    risk: market
    severity: 20
    owner: benchmarks
    on: transaction
    when: amount > 2500
"""


def measure(broker: str, files: Mapping[str, str], size: Size) -> dict[str, Any]:
    """``latency_p50_ms`` and ``latency_p99_ms``."""
    topics = Topics(_PREFIX)
    feed.create_topics(broker, topics.all())
    with (
        tempfile.TemporaryDirectory() as folder,
        _worker(broker, configs.write({**files, "rules/bench.yaml": _RULE}, Path(folder))),
        _Listener(broker, topics.alerts) as listener,
    ):
        counted_from_ms = _produce(broker, topics, size)
        listener.wait_quiet()
    latencies = [
        seen_ms - recorded_ms
        for recorded_ms, seen_ms in listener.alerts
        if recorded_ms >= counted_from_ms
    ]
    fewest = _FEWEST_ALERTS_PER_SECOND * size.latency_s
    assert len(latencies) >= fewest, f"only {len(latencies)} alerts"
    p50, p90, p99 = np.percentile(latencies, [50, 90, 99]).tolist()
    return {
        "latency_p50_ms": p50,
        "latency_p99_ms": p99,
        "details": {"alerts": len(latencies), "p90_ms": p90, "max_ms": max(latencies)},
    }


def _produce(broker: str, topics: Topics, size: Size) -> float:
    """Send events at the rate; returns when counting began, epoch ms."""
    out = feed.producer(broker)
    total = _PER_SECOND * (size.latency_warm_up_s + size.latency_s)
    per_day = _PER_SECOND * _DAY_S // size.customers
    started = time.time()
    records = events(
        total,
        customers=size.customers,
        end_ms=int(started * 1000) + span_ms(total, size.customers, per_day),
        per_day=per_day,
    )
    for sent, record in enumerate(records):
        ahead = sent / _PER_SECOND - (time.time() - started)
        if ahead > _TICK_S:
            out.poll(0)
            time.sleep(ahead)
        out.produce(topics.inputs[record.stream], record.value, record.key)
    out.flush(10)
    return (started + size.latency_warm_up_s) * 1000


class _Listener:
    """Notes for each alert when its event was recorded and when it was seen, epoch ms."""

    def __init__(self, broker: str, topic: str) -> None:
        self.alerts: list[tuple[int, float]] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": broker,
                "group.id": f"{_PREFIX}-listener",
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
            }
        )
        self._consumer.assign([TopicPartition(topic, each) for each in range(feed.PARTITIONS)])
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="listener")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._consumer.close()

    def wait_quiet(self) -> None:
        """Wait until alerts on their way have arrived: no new one for a second."""
        deadline = time.monotonic() + _END_S
        seen = -1
        while seen != len(self.alerts):
            if time.monotonic() > deadline:
                raise RuntimeError(f"alerts still arrive {_END_S:.0f} s after the last event")
            seen = len(self.alerts)
            time.sleep(_QUIET_S)

    def _listen(self) -> None:
        while not self._over.is_set():
            message = self._consumer.poll(0.1)
            if message is not None and message.error() is None:
                seen_ms = time.time() * 1000
                self.alerts.append((decode(message.value()).trigger.recorded_ms, seen_ms))


@contextmanager
def _worker(broker: str, folder: Path) -> Iterator[None]:
    """A worker that is ready, until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "sentinel", "worker"],
        env={
            **os.environ,
            "SENTINEL_BROKERS": broker,
            "SENTINEL_APP_ID": _PREFIX,
            "SENTINEL_TOPIC_PREFIX": _PREFIX,
            "SENTINEL_CONFIGS": str(folder),
            "SENTINEL_WEB_PORT": str(port),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + _START_S
        while not _ready(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the worker does not become ready")
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
            return True
    except (urllib.error.URLError, TimeoutError):
        return False
