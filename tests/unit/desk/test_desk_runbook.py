"""Runbooks on the page: every shipped one, its steps to tick, and nothing of it as markup."""

import re
from pathlib import Path

import pytest

from sentinel.desk.runbook import parse_runbook, read_runbook

NONE = "none.md"
RUNBOOKS = Path(__file__).parents[3] / "docs/runbooks"


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_every_runbook_is_shown_with_its_steps(path: Path) -> None:
    """Each list item is a step with a number of its own."""
    runbook = read_runbook(f"docs/runbooks/{path.name}")
    assert runbook is not None
    assert runbook.title
    steps = [int(each) for each in re.findall(r'data-step="(\d+)"', runbook.body)]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= 3


def test_what_a_text_holds_is_no_markup() -> None:
    """Neither tags nor links: their text remains."""
    runbook = parse_runbook("# A\n\n1. <script>x</script> [surge](javascript:x)\n")
    assert "<script>" not in runbook.body
    assert "&lt;script&gt;" in runbook.body
    assert "href" not in runbook.body
    assert "surge" in runbook.body


@pytest.mark.parametrize(
    "path", [f"docs/runbooks/{NONE}", "docs/runbooks/../desk.md", "/etc/passwd", "", "x.md"]
)
def test_other_files_are_not_read(path: str) -> None:
    """A rule names a runbook; anything else is none."""
    assert read_runbook(path) is None
