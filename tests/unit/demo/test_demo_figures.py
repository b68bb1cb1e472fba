"""The demo's figures: read from a worker's own metrics, and no coarser than they are."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from sentinel.demo.view import latency
from sentinel.demo.watch import Figures, Latency, read_figures
from sentinel.metrics import Metrics
from sentinel.model.alert import Tier
from sentinel.model.events import Stream
from sentinel.model.response import Control


def _figures(*observed: tuple[float, bool]) -> Figures:
    """The figures of a worker whose alerts took so many seconds, on shared entities or not."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for number, (seconds, shared) in enumerate(observed):
        tier = list(Tier)[number % len(Tier)]
        metrics.observe_latency(tier, seconds, f"{number:032x}", shared=shared)
    metrics.lag(Stream.LOGIN, 0, 5)
    metrics.lag(Control.ROLLUP, 1, 7)
    return read_figures(generate_latest(registry).decode())


def test_alerts_on_shared_entities_count_in_both() -> None:
    """The latency of all alerts includes those on shared entities, which also have their own."""
    figures = _figures(*[(0.04, False)] * 90, *[(0.25, True)] * 10)
    assert figures.latency == Latency(50, 300)
    assert figures.shared_latency == Latency(300, 300)


def test_no_alert_has_no_latency() -> None:
    """Before the first alert there is no figure, neither of all nor of shared entities."""
    figures = _figures((0.04, False))
    assert figures.shared_latency == Latency()
    assert latency(figures.shared_latency) == "no alert yet"
    assert _figures().latency == Latency()


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.9, 1.2, 3, 7, 12, 29, 61, 119])
def test_the_edge_is_near_the_truth(seconds: float) -> None:
    """A quantile is shown as the upper edge of its bucket: at most twice the true value."""
    found = _figures((seconds, True)).shared_latency.p99_ms
    assert found is not None
    assert seconds * 1_000 <= found <= 2 * seconds * 1_000


def test_beyond_the_last_bucket_there_is_no_edge() -> None:
    """A latency above the histogram is not shown as a number."""
    assert latency(_figures((1_000, False)).latency) == (
        "p50 beyond the histogram, p99 beyond the histogram"
    )


def test_lag_is_of_all_inputs() -> None:
    """Records not yet applied, rollups included."""
    assert _figures().lag == 12
