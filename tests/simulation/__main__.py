"""``python -m tests.simulation --seeds 100000``: many histories of faults, on all cores."""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import typer
from tests.simulation.world import World

_BLOCK = 100


def _block(first: int) -> tuple[int, str | None, Counter[str]]:
    """Run a block of seeds; the first that fails, why, and what happened."""
    happened: Counter[str] = Counter()
    for seed in range(first, first + _BLOCK):
        world = World(seed)
        try:
            world.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed shows it again
            return seed, f"{type(error).__name__}: {error}", happened
        happened += world.happened
        happened["alerts"] += len(world.log.alerts)
    return first, None, happened


def main() -> None:
    """Run the seeds, say what happened in them; exit 1 at the first that fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    happened: Counter[str] = Counter()
    started, done = time.monotonic(), 0
    blocks = range(given.first, given.first + given.seeds, _BLOCK)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for first, failure, seen in pool.map(_block, blocks):
            if failure is not None:
                pool.shutdown(wait=False, cancel_futures=True)
                typer.echo(f"seed {first}: {failure}")
                sys.exit(1)
            happened += seen
            done += _BLOCK
            if done % 5_000 == 0:
                rate = done / (time.monotonic() - started) * 60
                typer.echo(f"{done} seeds, {rate:,.0f} a minute", err=True)
    typer.echo(f"{done} seeds, none failed; in them:")
    for name, count in happened.most_common():
        typer.echo(f"  {name:20}{count:>12,}")


if __name__ == "__main__":
    main()
