"""The engine is as fast as it was, compared with peers in the same run."""

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.guard import COMMIT, failures

ROOT = Path(__file__).parents[3]
COMMITTED = {"engine_vs_river": 20.0, "one_event_steps_vs_numpy": 0.5}


@pytest.mark.process
def test_the_engine_is_as_fast_as_committed() -> None:
    """Both ratios reach 0.75 of those in guard.json, in a process where nothing else runs."""
    command = [sys.executable, "-m", "benchmarks.guard"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_ratio_below_three_quarters_fails_and_tells_how_to_commit() -> None:
    """0.74 of the committed ratio fails with the command, 0.76 passes, more always does."""
    assert failures({"engine_vs_river": 15.2, "one_event_steps_vs_numpy": 5.0}, COMMITTED) == []
    (line,) = failures({"engine_vs_river": 14.8, "one_event_steps_vs_numpy": 0.5}, COMMITTED)
    assert line.startswith("engine_vs_river is 14.8, less than 0.75 of the committed 20")
    assert COMMIT in line
