"""Event to alert at 2,000 events a second: a running worker, whole shipped configuration.

A latency runs from the producer's timestamp of the event that caused an alert (so the
producer's own batching is in it) to the moment at which a consumer that reads only what is
committed has the alert.  One rule is added so that there are some thirty alerts a
second to measure.  The first seconds, when the worker's caches fill, don't count.  Events are
sent at their event times.
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import configs, feed
from benchmarks.running import Listener, produce, since, worker
from benchmarks.size import Size
from sentinel.kafka.topics import Topics

_PREFIX = "latency"
_PER_SECOND = 2_000
_FEWEST_ALERTS_PER_SECOND = 20
RULE = """\
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
        worker(
            broker, configs.write({**files, "rules/bench.yaml": RULE}, Path(folder)), _PREFIX
        ) as running,
        Listener(broker, topics.alerts, feed.PARTITIONS) as listener,
    ):
        counted_from_ms = (time.time() + size.latency_warm_up_s) * 1000
        seconds, before = size.latency_warm_up_s + size.latency_s, running.now()
        produce(broker, topics, per_second=_PER_SECOND, seconds=seconds, customers=size.customers)
        steps = since(before, running.now())
        listener.wait_quiet()
    latencies = [
        seen_ms - recorded_ms
        for _, recorded_ms, seen_ms in listener.alerts
        if recorded_ms >= counted_from_ms
    ]
    fewest = _FEWEST_ALERTS_PER_SECOND * size.latency_s
    assert len(latencies) >= fewest, f"only {len(latencies)} alerts"
    p50, p90, p99 = np.percentile(latencies, [50, 90, 99]).tolist()
    return {
        "latency_p50_ms": p50,
        "latency_p99_ms": p99,
        "details": {"alerts": len(latencies), "p90_ms": p90, "max_ms": max(latencies), **steps},
    }
