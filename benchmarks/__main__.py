"""Measure everything side by side and say where the bars are; writes latest.json.

``python -m benchmarks --peers .venv-peers/bin/python [--only KEY ...]``.  With ``--only``
just the measurements that give these figures are made, and nothing is written.
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
from tests.kafka.broker import VERSION, Broker

from benchmarks import configs, engine_contest, kafka_contest, latency, rollups
from benchmarks.figures import FIGURES, table
from benchmarks.machine import machine

_LATEST = Path(__file__).with_name("latest.json")
_GIVES = {
    "engine": {"engine_events_per_s", "engine_vs_river"},
    "rollups": {"rollups_cost"},
    "memory": {"bytes_per_customer", "growth_10k_to_1m"},
    "kafka": {
        "kafka_events_per_s",
        "kafka_vs_plain_faust",
        "kafka_vs_quix",
        "one_rule_vs_hand_loop",
    },
    "latency": {"latency_p50_ms", "latency_p99_ms"},
}
"""The measurements, each with the figures that it gives, in the order in which they run."""


def main() -> None:
    """Run the measurements that the command line asks for."""
    keys = [figure.key for figure in FIGURES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--peers", type=Path, required=True, help="the Python of the peers")
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, metavar="KEY")
    arguments = parser.parse_args()
    wanted = {name for name, gives in _GIVES.items() if gives & set(arguments.only)}
    found = measure(wanted, arguments.peers)
    Console().print(table(found["figures"]))
    if wanted == set(_GIVES):
        _LATEST.write_text(json.dumps(report(found), indent=2) + "\n", "utf-8")
        _say(f"written to {_LATEST}")


def measure(wanted: Collection[str], peers: Path) -> dict[str, Any]:
    """Run the ``wanted`` measurements; returns ``figures`` by key, and ``details``."""
    files, started = configs.shipped(), time.monotonic()
    figures: dict[str, float] = {}
    details: dict[str, Any] = {}
    with _broker(needed=not {"kafka", "latency"}.isdisjoint(wanted)) as broker:
        for name in (each for each in _GIVES if each in wanted):
            _say(f"{name}: {', '.join(sorted(_GIVES[name]))}")
            match name:
                case "engine":
                    found = engine_contest.measure(files)
                case "rollups":
                    found = rollups.measure(files)
                case "memory":
                    found = _memory()
                case "kafka":
                    found = kafka_contest.measure(broker, peers, files)
                case _:
                    found = latency.measure(broker, files)
            details[name] = found.pop("details")
            figures |= found
            _say(f"{name}: done at {time.monotonic() - started:.0f} s")
    return {"figures": figures, "details": details}


def report(found: dict[str, Any]) -> dict[str, Any]:
    """What latest.json holds: every figure by its key, its bar, and where it is from."""
    return {
        **{figure.key: round(found["figures"][figure.key], 4) for figure in FIGURES},
        "missed": [
            figure.key for figure in FIGURES if not figure.passes(found["figures"][figure.key])
        ],
        "bars": {figure.key: figure.bar_text for figure in FIGURES if figure.bar is not None},
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine(),
        "broker": f"Apache Kafka {VERSION}, one node on the same machine",
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


def _memory() -> dict[str, Any]:
    """In a process of its own, so that what it holds can be read off the process."""
    command = [sys.executable, "-m", "benchmarks.memory"]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
