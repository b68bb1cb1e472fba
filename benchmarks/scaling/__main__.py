"""Measure what things cost and print what a large bank needs: ``python -m benchmarks.scaling``.

``--print`` measures nothing and prints from the committed figures.
"""

import argparse
import json
import subprocess
import sys
import time

from tests.kafka.broker import Broker
from tests.kafka.jars import VERSION

from benchmarks.configs import shipped
from benchmarks.machine import machine
from benchmarks.scaling import engine_costs, recovery_costs, two_workers
from benchmarks.scaling.pages import MEASURED, costs_table, needs_table, read_costs


def main() -> None:
    """Measure unless told not to, and print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling")
    parser.add_argument("--print", action="store_true", help="measure nothing")
    if not parser.parse_args().print:
        costs = measure()
        MEASURED.write_text(json.dumps(costs, indent=2) + "\n", "utf-8")
    found = read_costs()
    print(costs_table(found), needs_table(found), sep="\n\n")


def measure() -> dict[str, object]:
    """All costs, where and when they were measured."""
    files, end_ms = shipped(), time.time_ns() // 10**6
    costs = engine_costs.measure(files, end_ms)
    command = [sys.executable, "-m", "benchmarks.scaling.state_costs", str(end_ms)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    costs |= json.loads(ran.stdout)
    broker = Broker()
    try:
        costs |= recovery_costs.measure(broker.address, files, end_ms)
        costs |= two_workers.measure(broker, end_ms)
    finally:
        broker.stop()
    return {
        "costs": {name: float(f"{value:.4g}") for name, value in costs.items()},
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine(),
        "broker": f"Apache Kafka {VERSION}, one node on the same machine",
    }


if __name__ == "__main__":
    main()
