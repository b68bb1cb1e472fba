"""What a worker costs while little happens: four shards, at 340 events a second and at none.

The rule of the latency measurement is there, and one by a shared entity, so that there are
alerts of both to time.  Processor time is the whole process's, of all its threads.
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import configs, feed, latency
from benchmarks.running import Listener, produce, since, worker
from benchmarks.size import Size
from sentinel.kafka.topics import Topics
from sentinel.model.entity import CUSTOMER

_PREFIX, _SHARDS = "light", 4
_PER_SECOND = 340
_SETTLE_S = 3.0
_RULE = """\
  - id: bench.merchant
    title: {en: A card is used, zh: 有卡交易}
    risk: market
    severity: 20
    owner: benchmarks
    by: merchant
    when: cards_10m > 0
"""


def measure(broker: str, files: Mapping[str, str], size: Size) -> dict[str, Any]:
    """The share of a core at both rates, and how soon alerts come at the higher one."""
    topics = Topics(_PREFIX)
    feed.create_topics(broker, topics.all(), _SHARDS)
    files = {**files, "rules/bench.yaml": latency.RULE + _RULE}
    with (
        tempfile.TemporaryDirectory() as folder,
        worker(broker, configs.write(files, Path(folder)), _PREFIX) as running,
        Listener(broker, topics.alerts, _SHARDS) as listener,
    ):
        time.sleep(_SETTLE_S)
        before = running.now()
        time.sleep(size.latency_s / 2)
        idle = since(before, running.now())

        def feed_for(seconds: float) -> None:
            produce(
                broker, topics, per_second=_PER_SECOND, seconds=seconds, customers=size.customers
            )

        feed_for(size.latency_warm_up_s)
        counted_from_ms = time.time() * 1000
        before = running.now()
        feed_for(size.latency_s)
        loaded = since(before, running.now())
        listener.wait_quiet()
    seen = [each for each in listener.alerts if each.recorded_ms >= counted_from_ms]
    own = [each.seen_ms - each.recorded_ms for each in seen if each.kind == CUSTOMER]
    shared = [each.seen_ms - each.recorded_ms for each in seen if each.kind != CUSTOMER]
    assert own, "no alert of a customer"
    assert shared, "no alert of a shared entity"
    p50, p99 = np.percentile(own, [50, 99]).tolist()
    return {
        "light_load_cores": loaded["cores"],
        "idle_cores": idle["cores"],
        "light_load_p50_ms": p50,
        "light_load_p99_ms": p99,
        "entity_alert_p99_ms": float(np.percentile(shared, 99)),
        "details": {"alerts": len(own), "entity_alerts": len(shared), **loaded},
    }
