"""Kafka to committed alerts: Sentinel's worker beside the peers, on one broker, in turn.

All read the same topic of transactions from its start, each in a process of its own; for
Sentinel the topics of logins and complaints are there too, empty.  ``contender`` says
what is timed; beside it the details have the processor's seconds of whole processes, with start,
end and Flink's warm-up.  All who run the one rule must alert the same customers.

The events end shortly before the run and span less than the quiet period of alerts: the
worker drops older signals, the peers do not.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import configs, feed
from benchmarks.contender import Result, Task
from benchmarks.events import events
from benchmarks.flink import jars as flink
from benchmarks.one_rule import CONFIGURATION
from benchmarks.side_by_side import Rates, ratio, side_by_side
from benchmarks.size import Size
from sentinel.kafka.topics import Topics
from sentinel.model.events import Stream

_PREFIX = "bench"
_EVENTS_PER_DAY = 12  # 500,000 events of 50,000 customers are then 20 hours
_PEERS = ("plain_faust", "quix", "hand_loop")
_FLINK = {"flink": "data_stream", "flink_sql": "sql"}
"""The two programs of ``benchmarks.flink``."""

_SINGLE = (*_PEERS, *_FLINK, "sentinel_one_rule")
"""The contenders that run the one rule."""

_LONGEST_S = 180


def measure(
    broker: str, peers: Path, files: Mapping[str, str], size: Size, end_ms: int
) -> dict[str, Any]:
    """The figures of throughput on Kafka, with each round's rates.

    Raises JarsError if Flink cannot be fetched.
    """
    flink.fetch()
    contest = _Contest(broker, peers, size, end_ms)
    with tempfile.TemporaryDirectory() as folder:
        whole = configs.write(files, Path(folder, "whole"))
        bounds = {name: text for name, text in files.items() if not name.startswith("rules/")}
        single = configs.write({**bounds, **CONFIGURATION}, Path(folder, "one_rule"))
        rates = side_by_side(
            {
                "sentinel": partial(contest.sentinel, "sentinel", whole),
                **{peer: partial(contest.peer, peer) for peer in _PEERS},
                **{name: partial(contest.flink, name) for name in _FLINK},
                "sentinel_one_rule": partial(contest.sentinel, "sentinel_one_rule", single),
            },
            size.kafka_rounds,
        )
    alerted = {name: len(customers) for name, customers in contest.customers.items()}
    one_rule = {contest.customers[name] for name in _SINGLE}
    assert len(one_rule) == 1, f"not the same customers alerted: {alerted}"
    assert all(one_rule), "no customer alerted"
    per_cpu_s = contest.per_cpu_s
    return {
        "kafka_events_per_s": median(rates["sentinel"]),
        "kafka_events_per_cpu_s": median(per_cpu_s["sentinel"]),
        "kafka_vs_plain_faust": ratio(rates, "sentinel", "plain_faust"),
        "kafka_vs_quix": ratio(rates, "sentinel", "quix"),
        "one_rule_vs_hand_loop": ratio(rates, "sentinel_one_rule", "hand_loop"),
        **{f"kafka_vs_{name}": ratio(rates, "sentinel", name) for name in _FLINK},
        **{f"kafka_per_cpu_s_vs_{name}": ratio(per_cpu_s, "sentinel", name) for name in _FLINK},
        **{
            f"one_rule_per_cpu_s_vs_{name}": ratio(per_cpu_s, "sentinel_one_rule", name)
            for name in _FLINK
        },
        "details": {
            "events_per_s": rates,
            "events_per_cpu_s": per_cpu_s,
            "process_cpu_s": contest.process_cpu_s,
            "customers_alerted": alerted,
        },
    }


class _Contest:
    """The filled topics, and the contenders as functions of no arguments: one run each."""

    def __init__(self, broker: str, peers: Path, size: Size, end_ms: int) -> None:
        self.customers: dict[str, frozenset[str]] = {}
        self.per_cpu_s: Rates = defaultdict(list)
        self.process_cpu_s: Rates = defaultdict(list)
        self._events = size.kafka_events
        self._broker, self._peers, self._runs = broker, peers, count(1)
        self._topics = Topics(_PREFIX)
        feed.create_topics(broker, [*self._topics.all(), *map(_alerts, (*_PEERS, *_FLINK))])
        records = events(
            self._events,
            customers=size.customers,
            end_ms=end_ms,
            per_day=_EVENTS_PER_DAY,
            only=Stream.TRANSACTION,
        )
        feed.fill(broker, self._topics.inputs, records)

    def peer(self, module: str) -> float:
        """Events a second of a peer."""
        return self._run(module, [str(self._peers), "-m", f"benchmarks.{module}"], {})

    def flink(self, name: str) -> float:
        """Events a second of a program of Flink's."""
        return self._run(name, [sys.executable, "-m", "benchmarks.flink", _FLINK[name]], {})

    def sentinel(self, name: str, folder: Path) -> float:
        """Events a second of a fresh worker with the configuration in ``folder``."""
        for topic in self._topics.inside():  # it would go on where one ended
            feed.truncate(self._broker, topic)
        environment = {"SENTINEL_CONFIGS": str(folder), "SENTINEL_WEB_PORT": "0"}
        return self._run(name, [sys.executable, "-m", "benchmarks.worker"], environment)

    def _run(self, name: str, command: list[str], environment: Mapping[str, str]) -> float:
        task = Task(
            broker=self._broker,
            topic=self._topics.inputs[Stream.TRANSACTION],
            alerts=_alerts(name),
            group=f"{_PREFIX}-{next(self._runs)}",
            events=self._events,
        )
        before = _cpu_s_of_children()
        ran = subprocess.run(
            [*command, task.text()],
            env={
                **os.environ,
                "SENTINEL_BROKERS": task.broker,
                "SENTINEL_APP_ID": task.group,
                "SENTINEL_TOPIC_PREFIX": _PREFIX,
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
        if ran.returncode:
            raise RuntimeError(f"{name} failed: {ran.stderr[-2_000:]}")
        result = Result.read(ran.stdout)
        self.customers[name] = frozenset(result.customers)
        self.process_cpu_s[name].append(_cpu_s_of_children() - before)
        self.per_cpu_s[name].append(self._events / result.cpu_s)
        rate, per_cpu_s = self._events / result.wall_s, self.per_cpu_s[name][-1]
        told = f"{rate:>10,.0f} events/s {per_cpu_s:>10,.0f} events/CPU-s"
        print(f"  {name:<18}{told}", file=sys.stderr)
        return rate


def _alerts(contender: str) -> str:
    return f"{_PREFIX}.alerts.of.{contender}"


def _cpu_s_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
