"""``python -m tests.faults``: play the rows, print the table; exit code 1 where one failed."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from tests.faults.report import table, write
from tests.faults.rows import ROWS
from tests.faults.scene import Lab, Result


def main(
    rows: Annotated[str, typer.Option(help="Names, comma-separated; all if not given.")] = "",
    seed: Annotated[int, typer.Option(help="Of what is fed and when it fails.")] = 1,
    *,
    full: Annotated[bool, typer.Option(help="All repeats of every row.")] = False,
    into: Annotated[Path | None, typer.Option(help="A Markdown file for the table.")] = None,
) -> None:
    """Play faults on a real Kafka and count what is lost, doubled or phantom."""
    chosen = rows.split(",") if rows else [name for name in ROWS if full or ROWS[name].brief]
    console = Console(width=160, stderr=True)
    results: list[Result] = []
    with Lab() as lab:
        console.print(f"logs in {lab.folder}")
        for number, name in enumerate(chosen):
            started = time.monotonic()
            result = ROWS[name].run(lab, seed + number, full=full)
            took = time.monotonic() - started
            console.print(
                f"{name}: {result.verdict} {result.complaint} {result.note} ({took:.0f} s)"
            )
            results.append(result)
            if into is not None:
                write(into, results, seed)
    Console(width=160).print(table(results, seed))
    if not all(result.passed for result in results):
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
