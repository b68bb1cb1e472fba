"""docker-compose.yml as processes: the whole of it comes up, answers and goes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.kafka
@pytest.mark.process
def test_the_stack_comes_up_answers_and_leaves_nothing() -> None:
    """Every service that can run here is healthy, every panel answered, no process is left."""
    command = [sys.executable, "-m", "tests.stack", "--seconds", "20"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
