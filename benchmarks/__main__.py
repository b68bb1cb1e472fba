"""Measure everything side by side and say where the bars are; writes latest.json.

``python -m benchmarks --peers .venv-peers/bin/python [--only KEY ...]``.  With ``--only``
just the measurements that give these figures are made and nothing is written.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import configs
from benchmarks.figures import FIGURES

_LATEST = Path(__file__).with_name("latest.json")

Measurement = Callable[[], dict[str, Any]]


def main() -> None:
    """Run the measurements that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", type=Path, required=True, help="the Python of the peers")
    keys = [figure.key for figure in FIGURES]
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, metavar="KEY")
    arguments = parser.parse_args()
    wanted = set(arguments.only)
    files = configs.shipped()
    values: dict[str, float] = {}
    details: dict[str, Any] = {}
    report: dict[str, Any] = {"measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
