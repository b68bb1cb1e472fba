"""Kafka to committed alerts: Sentinel's worker beside the peers, on one broker, in turn.

All read the same topic of transactions from its start, each in a process of its own; for
Sentinel the topics of logins and complaints are there too, empty.  ``contender`` says
what is timed.  That all who run the one rule do the same work is checked by the
customers that they alert on.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import configs, feed
from benchmarks.contender import Result, Task
from benchmarks.events import events
from benchmarks.one_rule import CONFIGURATION
from benchmarks.side_by_side import ratio, side_by_side
from sentinel.model.events import Stream
from sentinel.stream.topics import Topics

_PREFIX = "bench"
_EVENTS, _CUSTOMERS, _ROUNDS = 300_000, 50_000, 3
_PEERS = ("plain_faust", "quix", "hand_loop")
_LONGEST_S = 180


def measure(broker: str, peers: Path, files: Mapping[str, str]) -> dict[str, Any]:
    """The figures of throughput on Kafka, with each round's rates."""
    topics = Topics(_PREFIX)
    feed.create_topics(broker, [*topics.all(), *map(_alerts, _PEERS)])
    records = events(_EVENTS, customers=_CUSTOMERS, only=Stream.TRANSACTION)
    feed.fill(broker, topics.inputs, records)
    with tempfile.TemporaryDirectory() as folder:
        whole = configs.write(files, Path(folder, "whole"))
        engine = {name: files[name] for name in ("engine.yaml", "tiers.yaml")}
        single = configs.write({**engine, **CONFIGURATION}, Path(folder, "one"))
        contest = _Contest(broker, topics)
        rates = side_by_side(
            {
                "sentinel": partial(contest.sentinel, whole),
                **{peer: partial(contest.run, peers, peer) for peer in _PEERS},
                "sentinel_one_rule": partial(contest.sentinel, single),
            },
            _ROUNDS,
        )
    return {
        "kafka_events_per_s": median(rates["sentinel"]),
        "kafka_vs_plain_faust": ratio(rates, "sentinel", "plain_faust"),
        "kafka_vs_quix": ratio(rates, "sentinel", "quix"),
        "one_rule_vs_hand_loop": ratio(rates, "sentinel_one_rule", "hand_loop"),
        "details": {"events_per_s": rates, "customers_alerted": contest.customers},
    }


def _alerts(contender: str) -> str:
    return f"{_PREFIX}.alerts.{contender}"


class _Contest:
    """Runs a contender once, as a new group."""

    def __init__(self, broker: str, topics: Topics) -> None:
        self._broker, self._topics, self._runs = broker, topics, count(1)
        self.customers: int | None = None

    def sentinel(self, folder: Path) -> float:
        feed.truncate(self._broker, self._topics.journal)
        return self.run(Path(sys.executable), "worker", {"SENTINEL_CONFIGS": str(folder)})
