"""Messy data of every kind: no value is silently another, and rows add up."""

from pathlib import Path

import pytest
from tests.messy.suite import run


@pytest.mark.parametrize("seed", range(4))
def test_messy_records_are_read_right_or_refused(tmp_path: Path, seed: int) -> None:
    """Encodings, delimiters, decimal marks, times, addresses, ids, quotes, paths and types."""
    found = run(4_000, seed, tmp_path)
    assert found.wrong[:5] == []
    assert found.counts["events"] > 1_500
    assert found.counts["refused"] > 800
