"""A running worker that is fed at a rate, and a listener to the alerts that it commits."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from confluent_kafka import Consumer, TopicPartition
from tests.ports import free_port

from benchmarks import feed
from benchmarks.events import events, span_ms
from sentinel.alerting.cloudevent import decode
from sentinel.kafka.topics import Topics

_TICK_S = 0.005
_START_S, _END_S = 90.0, 60.0
_QUIET_S = 1.0
_DAY_S = 86_400
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def produce(
    broker: str, topics: Topics, *, per_second: int, seconds: float, customers: int
) -> None:
    """Send events at the rate, at their event times."""
    out = feed.producer(broker)
    total = int(per_second * seconds)
    per_day = per_second * _DAY_S // customers
    started = time.time()
    records = events(
        total,
        customers=customers,
        end_ms=int(started * 1000) + span_ms(total, customers, per_day),
        per_day=per_day,
        first_id=int(started * 1000),
    )
    for sent, record in enumerate(records):
        ahead = sent / per_second - (time.time() - started)
        if ahead > _TICK_S:
            out.poll(0)
            time.sleep(ahead)
        out.produce(topics.inputs[record.stream], record.value, record.key)
    out.flush(10)


class Seen(NamedTuple):
    """An alert: the kind of its entity, when its event was recorded and it was seen (epoch ms)."""

    kind: str
    recorded_ms: int
    seen_ms: float


class Listener:
    """Notes each alert that is committed; use it as a context."""

    def __init__(self, broker: str, topic: str, partitions: int) -> None:
        self.alerts: list[Seen] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": broker,
                "group.id": f"{topic}-listener",
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
            }
        )
        self._consumer.assign([TopicPartition(topic, each) for each in range(partitions)])
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
                alert = decode(message.value())
                self.alerts.append(Seen(alert.entity.kind, alert.trigger.recorded_ms, seen_ms))


@dataclass(frozen=True, slots=True)
class Worker:
    """A running worker process and the port of its web pages."""

    pid: int
    port: int

    def now(self) -> dict[str, float]:
        """What it has done so far: steps, seconds of engine, transactions and processor."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as page:
            lines = [line.split() for line in page.read().decode().splitlines()]
        told = {line[0]: float(line[1]) for line in lines if len(line) == 2}
        return {
            "at_s": time.monotonic(),
            "steps": told["sentinel_steps_total"],
            "events": told["sentinel_step_events_sum"],
            "engine_s": told["sentinel_step_duration_seconds_sum"],
            "commit_s": told["sentinel_commit_duration_seconds_sum"],
            "cpu_s": _cpu_s(self.pid),
        }


def since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Steps a second, events and milliseconds a step, and cores in use between two moments."""
    gone = {name: after[name] - before[name] for name in after}
    steps = max(1.0, gone["steps"])
    return {
        "cores": gone["cpu_s"] / gone["at_s"],
        "steps_per_s": gone["steps"] / gone["at_s"],
        "events_per_step": gone["events"] / steps,
        "engine_ms_per_step": gone["engine_s"] / steps * 1000,
        "commit_ms_per_step": gone["commit_s"] / steps * 1000,
    }


@contextmanager
def worker(broker: str, folder: Path, prefix: str) -> Iterator[Worker]:
    """A worker that is ready, until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "sentinel", "worker"],
        env={
            **os.environ,
            "SENTINEL_BROKERS": broker,
            "SENTINEL_APP_ID": prefix,
            "SENTINEL_TOPIC_PREFIX": prefix,
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
        yield Worker(process.pid, port)
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


def _cpu_s(pid: int) -> float:
    """Processor time that a process has used so far, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS
