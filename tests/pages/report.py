"""The table that a run prints, on the terminal and in docs/pages.md."""

import platform
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.table import Table
from tests.faults.report import commit
from tests.pages.ledger import Verdict
from tests.pages.rows import ROWS

_COLUMNS = (
    "row", "fault", "runs", "pages owed", "lost", "late", "doubled", "wrong or quiet", "sent again",
    "nobody told in 37 s", "alarms due, missed", "red, healthy channel: p99 s", "played", "",
)  # fmt: skip
_PLACE = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end -->)", re.DOTALL)


@dataclass
class Total:
    """All runs of a row."""

    runs: int = 0
    owed: int = 0
    resent: int = 0
    alarms: int = 0
    unalarmed: list[str] = field(default_factory=list)
    wrongs: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    red_ms: list[float] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the pager did nothing wrong."""
        return not self.wrongs and not self.unalarmed

    def add(self, seed: int, verdict: Verdict) -> None:
        """One more run."""
        self.runs += 1
        self.owed += verdict.duties
        self.resent += verdict.resent
        self.alarms += verdict.alarm_ms is not None
        for what, count in verdict.wrongs.items():
            self.wrongs[what] = self.wrongs.get(what, 0) + count
        self.examples += [f"seed {seed}: {example}" for example in verdict.examples]
        self.red_ms += verdict.red_ms

    def cells(self) -> list[str]:
        """Its line in the table."""
        counts = [str(self.wrongs.get(what, 0)) for what in ("lost", "late", "doubled")]
        odd = sum(self.wrongs.get(what, 0) for what in ("wrong", "quiet", "leak", "left"))
        p99 = f"{np.quantile(self.red_ms, 0.99) / 1000:.2f}" if self.red_ms else "–"
        return [
            str(self.runs),
            str(self.owed),
            *counts,
            str(odd),
            str(self.resent),
            str(self.wrongs.get("nobody", 0)),
            f"{self.alarms}, {len(self.unalarmed)}",
            p99,
            "" if self.passed else "FAILED",
        ]


def _lines(totals: dict[str, Total], seeds: range, kept: dict[str, list[str]]) -> list[list[str]]:
    """A line for each row in their order: of this run, of an earlier one, or "not run"."""
    played = f"{commit()}, seeds {seeds.start} to {seeds.stop - 1}"
    lines = dict(kept)
    for name, total in totals.items():
        *cells, verdict = total.cells()
        lines[name] = [name, ROWS[name].what, *cells, played, verdict]
    empty = ["not run", *[""] * (len(_COLUMNS) - 3)]
    return [lines.get(name) or [name, row.what, *empty] for name, row in ROWS.items()]


def table(totals: dict[str, Total], seeds: range) -> Table:
    """The rows of this run for a terminal."""
    shown = Table(*_COLUMNS)
    for line in _lines(totals, seeds, {}):
        if line[0] in totals:
            shown.add_row(*line)
    return shown


def write(into: Path, totals: dict[str, Total], seeds: range) -> None:
    """Put the rows into a Markdown file, between its marks; others stay as they are.

    Raises ValueError for a file without the marks.
    """
    text = into.read_text("utf-8")
    found = _PLACE.search(text)
    if found is None:
        raise ValueError(f"{into} has no place for the table")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in found[0].splitlines()]
    kept = {line[0]: line for line in cells if len(line) == len(_COLUMNS) and line[0] in ROWS}
    head = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    lines = [f"| {' | '.join(line)} |" for line in _lines(totals, seeds, kept)]
    when = f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}.\n"
    made = "\n".join(["", *head, *lines, "", when])
    into.write_text(_PLACE.sub(lambda _: made, text), "utf-8")
