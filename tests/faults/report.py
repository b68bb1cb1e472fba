"""The table that a run prints, on the terminal and in docs/reliability.md."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median

from rich.table import Table
from tests.faults.rows import ROWS
from tests.faults.scene import Result
from tests.kafka.jars import VERSION

_COLUMNS = (
    "row", "fault", "faults", "events", "alerts", "lost", "doubled", "phantom",
    "state digests", "dead letters", "recovery s, median / most", "played", "",
)  # fmt: skip
_PLACE = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end -->)", re.DOTALL)


def _cells(result: Result) -> list[str]:
    verdict, found = result.verdict, result.recoveries
    states = verdict.counts["states"]
    return [
        result.row,
        ROWS[result.row].what,
        str(result.faults),
        str(verdict.counts["events"]),
        str(verdict.counts["alerts"]),
        str(verdict.lost.total()),
        str(verdict.doubled.total()),
        str(verdict.phantom.total()),
        f"{states - verdict.phantom['state']} of {states} equal",
        str(verdict.counts["letters"]),
        f"{median(found):.1f} / {max(found):.1f}" if found else "–",
        ("" if result.passed else f"FAILED {result.complaint} ") + result.note,
    ]


def _lines(results: list[Result], seed: int, earlier: dict[str, list[str]]) -> list[list[str]]:
    """A line for each row, in their order: of this run, of an earlier one, or "not run"."""
    lines = dict(earlier)
    for number, result in enumerate(results):
        *cells, note = _cells(result)
        lines[result.row] = [*cells, f"{commit()}, seed {seed + number}", note]
    empty = [""] * (len(_COLUMNS) - 3)
    return [lines.get(name) or [name, row.what, "not run", *empty] for name, row in ROWS.items()]


@cache
def commit() -> str:
    """What was measured: the commit, and whether it has been changed since."""
    here = Path(__file__).parent
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    found = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "no commit"


def table(results: list[Result], seed: int) -> Table:
    """The results for a terminal; a row that was not run says so."""
    shown = Table(*_COLUMNS)
    for line in _lines(results, seed, {}):
        shown.add_row(*line)
    return shown


def write(into: Path, results: list[Result], seed: int) -> None:
    """Put the results into a Markdown file, between its marks; other rows stay as they are."""
    text = into.read_text("utf-8")
    found = _PLACE.search(text)
    if found is None:
        message = f"{into} has no place for the table"
        raise ValueError(message)
    kept = [[cell.strip() for cell in line.split("|")[1:-1]] for line in found[0].splitlines()]
    earlier = {line[0]: line for line in kept if len(line) == len(_COLUMNS) and line[0] in ROWS}
    head = ["|" + "|".join(f" {name} " for name in _COLUMNS) + "|", "|" + " --- |" * len(_COLUMNS)]
    lines = [
        "|" + "|".join(f" {cell} " for cell in line) + "|"
        for line in _lines(results, seed, earlier)
    ]
    where = (
        f"{datetime.now(UTC):%Y-%m-%d}, Apache Kafka {VERSION}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores shared with the broker.\n"
    )
    made = _PLACE.sub(lambda _: "\n".join(["", *head, *lines, "", where]), text)
    into.write_text(made, "utf-8")
