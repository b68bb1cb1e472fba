"""The table that a run prints, on the terminal and in docs/reliability.md."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from rich.table import Table
from tests.faults.rows import ROWS
from tests.faults.scene import Result
from tests.kafka.broker import VERSION

_COLUMNS = (
    "row", "fault", "faults", "events", "alerts", "lost", "doubled", "phantom",
    "state digests", "dead letters", "recovery s, median / most", "",
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


def _lines(results: list[Result]) -> list[list[str]]:
    played = {result.row for result in results}
    left_out = [
        [name, row.what, "not run", *[""] * (len(_COLUMNS) - 3)] for name, row in ROWS.items()
    ]
    return [_cells(each) for each in results] + [line for line in left_out if line[0] not in played]


def table(results: list[Result]) -> Table:
    """The results for a terminal; a row that was not run says so."""
    shown = Table(*_COLUMNS)
    for line in _lines(results):
        shown.add_row(*line)
    return shown


def write(into: Path, results: list[Result], seed: int) -> None:
    """Put the results into a Markdown file, between its marks."""
    head = ["|" + "|".join(f" {name} " for name in _COLUMNS) + "|", "|" + " --- |" * len(_COLUMNS)]
    lines = ["|" + "|".join(f" {cell} " for cell in line) + "|" for line in _lines(results)]
    where = (
        f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}, Apache Kafka {VERSION}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores shared with the broker.\n"
    )
    text = into.read_text("utf-8")
    made = _PLACE.sub(lambda _: "\n".join(["", *head, *lines, "", where]), text)
    into.write_text(made, "utf-8")
