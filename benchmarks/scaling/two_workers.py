"""What a second worker adds: ``sentinel worker`` once and twice on the same events, in turn.

The workers are stopped (SIGSTOP) while the topics are filled, and go on together; the time is that
from there to the last step.  Two workers beside a broker on two cores cannot do twice as much
whatever they are, so the processor time of workers and broker is told too: what one worker
took over what two took is the share of the second that is not lost to sharing the work.
"""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from msgspec.structs import replace
from tests.integration.stage import Stage, WorkerProcess, wait_for
from tests.kafka.broker import Broker
from tests.ports import free_port

from benchmarks import feed
from benchmarks.events import events
from benchmarks.side_by_side import ratio, side_by_side
from sentinel.shard.journal import decode

_EVENTS, _CUSTOMERS, _PARTITIONS, _ROUNDS = 400_000, 50_000, 4, 3
_EVENTS_PER_DAY = 12  # all events are then 16 hours, less than the quiet period of alerts
_WHOLE_PERCENT = 100.0


@dataclass(frozen=True)
class _Ran:
    """One run: events a second, and processor seconds of all workers and of the broker."""

    rate: float
    workers_s: float
    broker_s: float


def measure(broker: Broker, end_ms: int) -> dict[str, float]:
    """The ratio of rates, that of processor time, and the broker's share of all of it."""
    ran: dict[int, list[_Ran]] = {1: [], 2: []}

    def rate(workers: int) -> float:
        ran[workers].append(_run(broker, workers, f"two-{workers}-{len(ran[workers])}", end_ms))
        return ran[workers][-1].rate

    rates = side_by_side({"two": partial(rate, 2), "one": partial(rate, 1)}, _ROUNDS)
    kept = [one.workers_s / two.workers_s for one, two in zip(ran[1], ran[2], strict=True)]
    broker_share = [each.broker_s / (each.broker_s + each.workers_s) for each in ran[2]]
    return {
        "second_worker_ratio": ratio(rates, "two", "one"),
        "second_worker_cpu_kept_percent": _WHOLE_PERCENT * median(kept),
        "broker_cpu_percent": _WHOLE_PERCENT * median(broker_share),
    }


def _run(broker: Broker, count: int, prefix: str, end_ms: int) -> _Ran:
    stage = Stage(broker.address, prefix, _PARTITIONS)
    workers = [_worker(stage) for _ in range(count)]
    for worker in workers:
        worker.wait_ready()
    pids = [worker.process.pid for worker in workers]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    records = events(_EVENTS, customers=_CUSTOMERS, end_ms=end_ms, per_day=_EVENTS_PER_DAY)
    feed.fill(broker.address, stage.topics.inputs, records)
    workers_before, broker_before = _processor_s(pids), _processor_s([broker.pid])
    started = time.time()
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    wait_for(stage.everything_applied, "all events applied")
    workers_s = _processor_s(pids) - workers_before
    broker_s = _processor_s([broker.pid]) - broker_before
    for worker in workers:
        worker.end(signal.SIGTERM)
    last_ms = max(
        message.timestamp()[1]
        for message in stage.read(stage.topics.journal)
        if decode(message.value()).ranges.keys() - {stage.topics.rollups, stage.topics.entity_risk}
    )
    return _Ran(_EVENTS / (last_ms / 1000 - started), workers_s, broker_s)


def _worker(stage: Stage) -> WorkerProcess:
    settings = replace(stage.settings, web_port=free_port())
    return WorkerProcess(settings, {"SENTINEL_SESSION_TIMEOUT": "30s"})


def _processor_s(pids: Iterable[int]) -> float:
    """Processor seconds, of user and system, that processes have taken so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
