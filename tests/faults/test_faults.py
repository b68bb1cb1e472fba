"""The part of the fault suite that every run of the tests plays, on one broker."""

from collections.abc import Iterator

import pytest
from tests.faults.rows import ROWS
from tests.faults.scene import Lab

pytestmark = [pytest.mark.process, pytest.mark.kafka]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A broker and workers for all rows."""
    with Lab() as lab:
        yield lab


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.brief])
def test_nothing_is_lost_doubled_or_made_up(lab: Lab, name: str) -> None:
    """After each fault every input is applied once, and the outputs are the pure engine's."""
    result = ROWS[name].run(lab, seed=1, full=False)
    assert result.passed, f"{result.verdict}; {result.complaint}; logs in {lab.folder}"
