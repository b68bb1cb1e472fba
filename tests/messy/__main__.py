"""``python -m tests.messy``: many messy records; exit code 1 if one was read wrong."""

import secrets
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from tests.messy.suite import run


def main(
    records: Annotated[int, typer.Option(help="Rows of all files together.")] = 100_000,
    seed: Annotated[int | None, typer.Option(help="At random if not given.")] = None,
) -> None:
    """Read messy files of every kind and compare each row with what was meant."""
    chosen = secrets.randbelow(1 << 30) if seed is None else seed
    with tempfile.TemporaryDirectory() as folder:
        found = run(records, chosen, Path(folder))
    counts = ", ".join(f"{count:,} {name}" for name, count in found.counts.items())
    typer.echo(f"seed {chosen}: {counts}; {len(found.wrong)} wrong")
    for each in found.wrong[:10]:
        typer.echo(each)
    if found.wrong:
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
