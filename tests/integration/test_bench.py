"""The whole of `make bench`, at a size at which it only runs: its figures mean nothing."""

from pathlib import Path

import pytest
from benchmarks.__main__ import GIVES, measure
from benchmarks.figures import FIGURES
from benchmarks.size import TINY

PEERS = Path(__file__).parents[2] / ".venv-peers" / "bin" / "python"
pytestmark = pytest.mark.process


def test_all_contenders_alert_the_same_customers(kafka: str) -> None:
    """Every measurement runs, and the workers' and all peers' alerts are of the same customers.

    ``measure`` compares the customers themselves; here it is checked that it had some.
    """
    assert PEERS.exists(), "the peers are not installed: run `make .venv-peers/.ready`"
    found = measure(set(GIVES), PEERS, kafka, TINY)
    assert found["figures"].keys() == {figure.key for figure in FIGURES}
    alerted = found["details"]["kafka"]["customers_alerted"]
    peers = ("plain_faust", "quix", "hand_loop", "flink", "flink_sql")
    assert {alerted[name] for name in peers} == {alerted["sentinel_one_rule"]}
    assert alerted["sentinel_one_rule"] >= 5
    assert found["details"]["engine"]["agreement"]["equal_values"] > 5_000
    assert found["details"]["latency"]["alerts"] > 0
