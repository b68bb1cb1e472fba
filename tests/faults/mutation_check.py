"""The fault suite finds what it is there to find: a bug put back fails its row.

``make mutations`` runs all of them; one that nothing finds is a hole in the suite.
"""

import pytest
from tests.faults.mutations import MUTATIONS
from tests.faults.rows import ROWS
from tests.faults.scene import Lab

pytestmark = [pytest.mark.process, pytest.mark.kafka]
_DRAIN_S = 15.0


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_bug_put_back_fails_its_row(name: str) -> None:
    """The row that is named for the bug finds something lost, doubled or made up."""
    with Lab(mutation=name, drain_s=_DRAIN_S) as lab:
        result = ROWS[MUTATIONS[name].row].run(lab, seed=1, full=False)
    assert not result.verdict.exact, f"{name} was not found"
