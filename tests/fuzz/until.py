"""A pytest plugin for ``make fuzz``: no test starts after the time is up."""

import os
import time

import pytest

UNTIL = "SENTINEL_FUZZ_UNTIL"
"""Environment variable: the end in seconds of the machine's monotonic clock."""


def pytest_runtest_setup() -> None:
    """Skip what would start too late; what runs already runs to its end."""
    if time.monotonic() > float(os.environ[UNTIL]):
        pytest.skip("the time for fuzzing is up")
