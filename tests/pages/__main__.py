"""``python -m tests.pages``: play the rows, print the table; exit code 1 where one failed."""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from tests.pages.report import Total, table, write
from tests.pages.rows import ROWS
from tests.pages.suite import lab, play_all


def _row(name: str, seeds: range) -> Total:
    with lab() as shared:
        return play_all(name, seeds, shared)


def main(
    rows: Annotated[str, typer.Option(help="Names, comma-separated; all if not given.")] = "",
    first: Annotated[int, typer.Option(help="The first seed.")] = 1,
    seeds: Annotated[int, typer.Option(help="So many of each row.")] = 1,
    into: Annotated[Path | None, typer.Option(help="A Markdown file for the table.")] = None,
) -> None:
    """Spoil what pages need, and count what is lost, late, doubled or wrongly quiet."""
    chosen = rows.split(",") if rows else list(ROWS)
    span = range(first, first + seeds)
    console = Console(width=200, stderr=True)
    with ProcessPoolExecutor(2) as pool:
        runs = [(name, pool.submit(_row, name, span)) for name in chosen]
        totals = {name: run.result() for name, run in track(runs, "rows", console=console)}
    for name, total in totals.items():
        for example in total.examples + total.unalarmed:
            console.print(f"{name}: {example}", markup=False)
    Console(width=200).print(table(totals, span))
    if into is not None:
        write(into, totals, span)
    if not all(total.passed for total in totals.values()):
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
