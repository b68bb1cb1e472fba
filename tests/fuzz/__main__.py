"""``python -m tests.fuzz --minutes 10``: random examples and hostile or messy records, in time."""

import argparse
import os
import subprocess
import sys
import time

import typer
from tests.fuzz.until import UNTIL

_PYTEST = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "hypothesis", "-n", "2"]
_ABUSE = [sys.executable, "-m", "tests.abuse", "--hostile", "5000", "--steps", "100"]
_MESSY = [sys.executable, "-m", "tests.messy", "--records", "20000"]
_FUZZ = ["--hypothesis-profile=fuzz", "-p", "tests.fuzz.until"]


def main() -> None:
    """Repeat the abuse suite, messy files and the property tests; exit 1 at the first failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("paths", nargs="*", help="the tests to run; all property tests if none")
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    environment = os.environ | {UNTIL: f"{end}"}
    passes = 0
    while time.monotonic() < end:
        if not given.paths and subprocess.run(_ABUSE, check=False).returncode:
            typer.echo("failed: the seed is in the table's title, python -m tests.abuse --seed N")
            sys.exit(1)
        if not given.paths and subprocess.run(_MESSY, check=False).returncode:
            typer.echo("failed: python -m tests.messy --seed N")
            sys.exit(1)
        done = subprocess.run([*_PYTEST, *_FUZZ, *given.paths], check=False, env=environment)
        if done.returncode:
            typer.echo("failed: put the falsifying example into the test as @example(...)")
            sys.exit(1)
        passes += 1
    typer.echo(f"{passes} passes of all of it, the last perhaps in part; none failed")


if __name__ == "__main__":
    main()
