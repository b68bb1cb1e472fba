"""Measure everything side by side and say where the bars are; writes latest.json.

``python -m benchmarks --peers .venv-peers/bin/python [--only KEY ...]``.  With ``--only``
just the measurements that give these figures are made, and nothing is written.  latest.json
names the commit that was measured, and whether files differed from it.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from tests.jars import JarsError
from tests.kafka.broker import Broker
from tests.kafka.jars import VERSION

from benchmarks import (
    budget,
    configs,
    engine_contest,
    kafka_contest,
    latency,
    light_load,
    rollups,
    silences,
)
from benchmarks.figures import FIGURES, table
from benchmarks.flink import jars as flink
from benchmarks.machine import Commit, commit, machine
from benchmarks.readme import LATEST
from benchmarks.size import FULL, Size

GIVES = {
    "engine": {"engine_events_per_s", "engine_vs_river"},
    "rollups": {"rollups_cost", "engine_whole_events_per_s"},
    "steps": {"step_of_1_us", "step_of_100_us"},
    "silences": {"silences_cost"},
    "memory": {"bytes_per_customer", "growth_10k_to_1m"},
    "kafka": {
        "kafka_events_per_s",
        "kafka_events_per_cpu_s",
        "kafka_vs_plain_faust",
        "kafka_vs_quix",
        "one_rule_vs_hand_loop",
        "kafka_vs_flink",
        "kafka_vs_flink_sql",
        "kafka_per_cpu_s_vs_flink",
        "kafka_per_cpu_s_vs_flink_sql",
        "one_rule_per_cpu_s_vs_flink",
        "one_rule_per_cpu_s_vs_flink_sql",
    },
    "latency": {"latency_p50_ms", "latency_p99_ms"},
    "light_load": {
        "light_load_cores",
        "idle_cores",
        "light_load_p50_ms",
        "light_load_p99_ms",
        "entity_alert_p99_ms",
    },
}
"""The measurements, each with the figures that it gives, in the order in which they run."""


def main() -> None:
    """Run the measurements that the command line asks for."""
    keys = [figure.key for figure in FIGURES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--peers", type=Path, required=True, help="the Python of the peers")
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, metavar="KEY")
    arguments = parser.parse_args()
    wanted = {name for name, gives in GIVES.items() if gives & set(arguments.only)}
    measured = commit()
    if "kafka" in wanted:
        try:
            flink.fetch()
        except JarsError as error:
            sys.exit(f"nothing is measured, because Flink cannot run beside: {error}")
    with _broker(needed=not {"kafka", "latency", "light_load"}.isdisjoint(wanted)) as broker:
        found = measure(wanted, arguments.peers, broker)
    Console().print(table(found["figures"]))
    if wanted == set(GIVES):
        LATEST.write_text(json.dumps(report(found, measured), indent=2) + "\n", "utf-8")
        _say(f"written to {LATEST}; `python -m benchmarks.readme` copies it into the READMEs,")
        _say("`python -m benchmarks.scaling --print` computes the tables of docs/scaling.md")


def measure(wanted: Collection[str], peers: Path, broker: str, size: Size = FULL) -> dict[str, Any]:
    """Run the ``wanted`` measurements; returns ``figures`` by key, and ``details``.

    All events end at the moment of the call.
    """
    files, started, end_ms = configs.shipped(), time.monotonic(), time.time_ns() // 10**6
    figures: dict[str, float] = {}
    details: dict[str, Any] = {}
    for name in (each for each in GIVES if each in wanted):
        _say(f"{name}: {', '.join(sorted(GIVES[name]))}")
        match name:
            case "engine":
                found = engine_contest.measure(files, size, end_ms)
            case "rollups":
                found = rollups.measure(files, size, end_ms)
            case "steps":
                found = budget.whole(end_ms)
            case "silences":
                found = silences.measure(files, size, end_ms)
            case "memory":
                found = _memory(size, end_ms)
            case "kafka":
                found = kafka_contest.measure(broker, peers, files, size, end_ms)
            case "latency":
                found = latency.measure(broker, files, size)
            case _:
                found = light_load.measure(broker, files, size)
        details[name] = found.pop("details")
        figures |= found
        _say(f"{name}: done at {time.monotonic() - started:.0f} s")
    return {"figures": figures, "details": details}


def report(found: dict[str, Any], measured: Commit) -> dict[str, Any]:
    """What latest.json holds: every figure by its key, its bar, and where it is from."""
    return {
        **{figure.key: round(found["figures"][figure.key], 4) for figure in FIGURES},
        "missed": [
            figure.key for figure in FIGURES if not figure.passes(found["figures"][figure.key])
        ],
        "bars": {figure.key: figure.bar_text for figure in FIGURES if figure.bar is not None},
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **measured,
        "machine": machine(),
        "broker": f"Apache Kafka {VERSION}, one node on the same machine",
        "flink": f"Apache Flink {flink.VERSION}, one JVM at parallelism 1",
        "details": found["details"],
    }


@contextmanager
def _broker(*, needed: bool) -> Iterator[str]:
    """The address of a broker of our own, if one is needed."""
    if not needed:
        yield ""
        return
    broker = Broker()
    try:
        yield broker.address
    finally:
        broker.stop()


def _memory(size: Size, end_ms: int) -> dict[str, Any]:
    """In a process of its own, so that what it holds can be read off the process."""
    numbers = map(str, (size.many_customers, size.few_customers, size.rounds, end_ms))
    command = [sys.executable, "-m", "benchmarks.memory", *numbers]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
