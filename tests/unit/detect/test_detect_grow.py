"""Growing trees: where splits may fall, and in which unit they are kept."""

import numpy as np
import pytest

from sentinel.detect.grow import PADDING, grow
from sentinel.detect.ranges import Range


def test_every_split_keeps_away_from_its_nodes_edges() -> None:
    """Walking the heap, each threshold lies in the middle 70 % of what is left there."""
    feature, threshold = grow([Range(0, 1), Range(-5, 15), Range(0, 100)], 4, 6, seed=3)
    ends = {0: (0.0, 1.0), 1: (-5.0, 15.0), 2: (0.0, 100.0)}
    for tree in range(4):
        pending = [(1, ends)]
        while pending:
            node, extent = pending.pop()
            on, at = int(feature[tree, node]), float(threshold[tree, node])
            low, high = extent[on]
            margin = PADDING * (high - low) - 1e-9
            assert low + margin <= at <= high - margin
            if 2 * node < 2**6:
                pending.append((2 * node, {**extent, on: (low, at)}))
                pending.append((2 * node + 1, {**extent, on: (at, high)}))


def test_features_are_drawn_evenly_whatever_their_unit() -> None:
    """At the root no feature is preferred for its range being wide."""
    feature, _ = grow([Range(0, 1), Range(0, 1e6), Range(0, 1e6, log=True)], 3_000, 1, seed=1)
    shares = np.bincount(feature[:, 1], minlength=3) / 3_000
    assert shares == pytest.approx([1 / 3] * 3, abs=0.03)


def test_logarithmic_thresholds_are_in_the_features_unit() -> None:
    """Half of the root splits of an amount up to a million lie below a thousand."""
    _, threshold = grow([Range(0, 1e6, log=True)], 2_000, 1, seed=1)
    assert float((threshold[:, 1] < 999).mean()) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("low", "high"), [(0, 1e6), (-1e3, 1e3), (5, 6)])
def test_share_and_value_are_inverse(low: float, high: float, log: bool) -> None:
    """A range maps its ends to 0 and 1, back again, and holds what lies beyond."""
    span = Range(low, high, log)
    for share in (0.0, 0.25, 0.5, 1.0):
        assert span.share(span.value(share)) == pytest.approx(share)
    assert (span.value(0), span.value(1)) == pytest.approx((low, high))
    assert (span.share(low - 1), span.share(np.inf)) == (0, 1)
