"""Calibration: p-values that mean what they say."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from sentinel.detect.calibration import Calibration

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
STREAMS: dict[str, tuple[float, Draw]] = {
    "bounded, most near the top": (1.0, lambda r, n: 1 - r.beta(1, 30, n)),
    "bounded, most in the middle": (1.0, lambda r, n: 1 - r.beta(4, 6, n)),
    "unbounded around 0": (0.0, lambda r, n: r.normal(0, 1, n)),
    "unbounded, heavy-tailed": (0.0, lambda r, n: r.lognormal(0, 2, n)),
    "unbounded, far from 0": (0.0, lambda r, n: r.normal(-20, 5, n)),
}
WARM_UP = 500


@pytest.mark.parametrize("name", STREAMS)
def test_p_values_of_a_stationary_stream_are_uniform(name: str) -> None:
    """The Kolmogorov-Smirnov distance is small, and small p are as rare as they say."""
    top, draw = STREAMS[name]
    scores = draw(np.random.default_rng(11), 60_000)
    p = np.sort(Calibration(top, 20_000, WARM_UP).p_values(scores)[WARM_UP:])
    assert np.abs(p - np.arange(1, len(p) + 1) / len(p)).max() < 0.02
    for share in (0.001, 0.01, 0.1):
        slack = 4 * math.sqrt(share / len(p))
        assert float((p <= share).mean()) == pytest.approx(share, abs=0.15 * share + slack)


def naive(scores: list[float], half_life: int, warm_up: int) -> list[float]:
    """The definition, score by score."""
    out: list[float] = []
    for i, score in enumerate(scores):
        weights = [0.5 ** ((i - j) / half_life) for j in range(i + 1)]
        tail = sum(w for w, s in zip(weights, scores, strict=False) if s >= score)
        out.append(tail / sum(weights) if i >= warm_up else math.nan)
    return out


def test_p_is_the_decayed_share_of_scores_as_high() -> None:
    """On scores that bins tell apart, the p-values are those of the definition."""
    scores = np.random.default_rng(2).choice(np.linspace(-3, 3, 25), 600)
    seen = Calibration(0.0, 70, 10).p_values(scores)
    np.testing.assert_allclose(seen, naive(scores.tolist(), 70, 10), rtol=1e-9)


def test_weights_that_outgrow_their_scale_change_nothing() -> None:
    """With a half-life of one event, weights are rescaled many times over."""
    scores = np.random.default_rng(3).choice(np.linspace(0.1, 0.9, 9), 500)
    seen = Calibration(1.0, 1, 5).p_values(scores)
    np.testing.assert_allclose(seen, naive(scores.tolist(), 1, 5), rtol=1e-9)


def test_p_is_missing_until_warm() -> None:
    """Exactly ``warm_up`` scores are learnt before the first p; missing ones do not count."""
    scores = np.tile([0.5, np.nan], 40)
    p = Calibration(1.0, 100, 30).p_values(scores)
    assert np.isnan(p[:60]).all()
    assert np.isfinite(p[60::2]).all()
    assert np.isnan(p[61::2]).all()


def test_a_new_record_has_the_least_p() -> None:
    """A score above all others gets 1 / (n + 1), and near the top fine steps count."""
    calibration = Calibration(1.0, 10**9, 10)
    calibration.p_values(np.full(999, 0.5))
    assert calibration.p_values(np.array([0.99]))[0] == pytest.approx(1 / 1_000)
    assert calibration.p_values(np.array([0.9901]))[0] == pytest.approx(1 / 1_001)


def test_the_memory_moves_with_the_stream() -> None:
    """Some half-lives after a shift, the new normal is normal."""
    random = np.random.default_rng(4)
    calibration = Calibration(0.0, 500, 100)
    calibration.p_values(random.normal(0, 1, 5_000))
    at_first = calibration.p_values(random.normal(4, 1, 50))
    calibration.p_values(random.normal(4, 1, 5_000))
    later = calibration.p_values(random.normal(4, 1, 2_000))
    assert np.median(at_first) < 0.05
    assert np.median(later) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("extreme", [0.0, 1e300, -1e300, math.inf, -math.inf, 5e-324])
def test_any_number_has_a_bin(extreme: float) -> None:
    """Huge, tiny and infinite scores fall in the end bins instead of off the table."""
    scores: NDArray[np.float64] = np.array([0.5, extreme, -0.5, extreme])
    p = Calibration(0.0, 10, 1).p_values(scores)
    assert ((p[1:] > 0) & (p[1:] <= 1)).all()


def test_the_least_distances_keep_their_sign() -> None:
    """A score just below 0 is not as high as one just above."""
    calibration = Calibration(0.0, 10**9, 1)
    calibration.p_values(np.full(9, -1e-9))
    assert calibration.p_values(np.array([1e-9]))[0] == pytest.approx(0.1)
