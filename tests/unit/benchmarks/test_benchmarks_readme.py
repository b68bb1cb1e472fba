"""The figures in the READMEs are those of latest.json."""

import json
from pathlib import Path

import pytest
from benchmarks.readme import LATEST, PAGES, chinese, english, replaced

STATED = json.loads(LATEST.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_figures_are_those_of_the_last_run(page: Path) -> None:
    """`python -m benchmarks.readme` has been run since latest.json was written."""
    text = page.read_text("utf-8")
    assert replaced(text, PAGES[page](STATED)) == text, "run python -m benchmarks.readme"


def test_latest_json_names_its_commit() -> None:
    """Figures without a commit are those of November 2026, when it was not recorded."""
    assert {"commit", "dirty"} <= STATED.keys()
    assert STATED["commit"] or STATED["measured_at"] == "2026-11-23T16:50:36Z"


def test_the_source_is_named_and_a_missing_figure_is_left_out() -> None:
    """The table has one line a figure that was measured, and its commit."""
    latest = {
        "latency_p99_ms": 65.4,
        "commit": "0123456789" * 4,
        "dirty": True,
        "measured_at": "2026-12-01T00:00:00Z",
        "machine": {"cores": 2, "processor": "Z80"},
    }
    for table in (english(latest), chinese(latest)):
        assert "| 65 | ≤ 40 |" in table
        assert table.count("\n|") == 2
        assert "`0123456`" in table
    assert "with uncommitted changes" in english(latest)


def test_a_page_without_a_place_is_refused() -> None:
    """A README that lost its comments is not silently left as it is."""
    with pytest.raises(ValueError, match="0 places"):
        replaced("# Sentinel\n", "a table")
