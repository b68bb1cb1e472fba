"""``python -m tests.fuzz --minutes 10``: property tests on random examples until time is up."""

import argparse
import signal
import subprocess
import sys
import time

import typer

_PYTEST = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "hypothesis"]
_FUZZ = ["--hypothesis-profile=fuzz", "-n", "2", "--dist", "load"]
_STOP_S = 60.0


def _passes(seconds: float, paths: list[str]) -> bool:
    """Run the property tests once, for ``seconds`` at most; whether none failed."""
    with subprocess.Popen([*_PYTEST, *_FUZZ, *paths]) as process:
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            return process.wait(_STOP_S) in {0, 2}  # 2: interrupted, and nothing failed before


def main() -> None:
    """Repeat the property tests; exit 1 at the first failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("paths", nargs="*", help="the tests to run; all property tests if none")
    given = parser.parse_args()
    end, repeated = time.monotonic() + 60 * given.minutes, 0
    while (left_s := end - time.monotonic()) > 0:
        if not _passes(left_s, given.paths):
            typer.echo("failed: put the falsifying example into the test as @example(...)")
            sys.exit(1)
        repeated += 1
    typer.echo(f"{repeated} passes of the property tests, none failed")


if __name__ == "__main__":
    main()
