"""``python -m tests.abuse``: many hostile records on every topic; exit code 1 if any mattered."""

import secrets
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from tests.abuse.suite import Abuse

from sentinel.settings import read_configuration

_MOST_TIMES_MEDIAN = 5.0


def main(
    hostile: Annotated[int, typer.Option(help="Hostile records for each topic.")] = 100_000,
    steps: Annotated[int, typer.Option(help="Steps of 200 good events.")] = 500,
    seed: Annotated[int | None, typer.Option(help="At random if not given.")] = None,
) -> None:
    """Play a bank's life alone and among hostile records, and compare the alerts."""
    chosen = secrets.randbelow(1 << 30) if seed is None else seed
    abuse = Abuse(read_configuration(None), chosen, steps)
    alone, among = abuse.play(0), abuse.play(hostile)
    table = Table(title=f"seed {chosen}: {len(alone.alerts):,} revisions of alerts")
    for name in ("topic", "good", "hostile", "put aside"):
        table.add_column(name, justify="left" if name == "topic" else "right")
    for source, count in among.fed.items():
        good, aside = alone.fed[source], among.dead_lettered[source.value]
        table.add_row(source.value, f"{good:,}", f"{count - good:,}", f"{aside:,}")
    console = Console(width=100)
    console.print(table)
    same, quick = among.alerts == alone.alerts, among.slowest <= _MOST_TIMES_MEDIAN
    console.print(f"alerts {'the same bytes' if same else 'NOT THE SAME'}")
    console.print(f"slowest step {among.slowest:.1f} x the median, alone {alone.slowest:.1f} x")
    if not (same and quick):
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
