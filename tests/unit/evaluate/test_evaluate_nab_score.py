"""NAB's scorer against cases worked by hand from Lavin and Ahmad (2015).

A file has 100 rows, so 15 of probation, and a window of rows 50 to 59.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.evaluate.nab_score import (
    NO_DETECTION,
    PROFILES,
    Best,
    Labelled,
    Profile,
    optimise,
    probation,
    score_at,
    sigmoid,
)

STANDARD, LOW_FP, LOW_FN = PROFILES
WINDOW = ((50, 59),)


def file(*detections: int, windows: tuple[tuple[int, int], ...] = WINDOW) -> Labelled:
    """A file whose score is 1 at the rows detected, otherwise 0."""
    scores = np.zeros(100)
    scores[list(detections)] = 1.0
    return Labelled(scores, windows)


def test_the_sigmoid_is_the_papers() -> None:
    """Near 1 at the window's start, 0 at its end, -0.8093 as in the paper's figure, -1 far off."""
    assert sigmoid(-1.0) == pytest.approx(0.98661, abs=1e-5)
    assert sigmoid(0.0) == 0.0
    assert sigmoid(0.45) == pytest.approx(-0.8093, abs=1e-4)
    assert sigmoid(3.01) == -1.0


@pytest.mark.parametrize(("rows", "expected"), [(100, 15), (4032, 604), (5000, 750), (22695, 750)])
def test_probation_is_a_share_up_to_a_limit(rows: int, expected: int) -> None:
    """15 % of the rows, rounded down, never more than that of 5,000."""
    assert probation(rows) == expected


@pytest.mark.parametrize(
    ("detections", "expected"),
    [
        ((), 0.0),
        ((50,), 100.0),
        ((50, 53, 59), 100.0),  # only the earliest of a window counts
        ((59,), 62.412),  # 2 / (1 + e^-0.5) - 1 = 0.24492, over 0.98661, plus 1, halved
        ((30,), -5.5),  # before any window: 0.11 / 2
        ((3,), 0.0),  # in probation
        ((68,), -5.4264),  # one window's width past its end: 0.11 * 0.98661 / 2
        ((95,), -5.5),  # more than three widths past it
        ((30, 50), 94.5),
    ],
)
def test_detections_score_as_worked_by_hand(detections: tuple[int, ...], expected: float) -> None:
    """Early hits earn most, later ones less; false ones cost 0.11, less just after a window."""
    assert score_at(1.0, [file(*detections)], STANDARD) == pytest.approx(expected, abs=1e-3)


def test_profiles_weigh_errors() -> None:
    """A false detection costs double with low FP; a miss of two costs double with low FN."""
    assert score_at(1.0, [file(30, 50)], LOW_FP) == pytest.approx(89.0)
    two = [file(50), file()]
    assert score_at(1.0, two, STANDARD) == pytest.approx(50.0)
    assert score_at(1.0, two, LOW_FN) == pytest.approx(50.0)
    assert score_at(1.0, [file(30, 50)], LOW_FN) == pytest.approx(100 * (1 - 0.11 + 2) / 3)


def test_a_detector_that_only_costs_is_best_silent() -> None:
    """Where every threshold loses, the best is to detect nothing, which scores 0."""
    best = optimise([file(20, 30, 95)], STANDARD)
    assert best == Best(NO_DETECTION, 0.0)


def test_without_windows_there_is_nothing_to_score() -> None:
    """Files without any window are refused, not divided by zero."""
    with pytest.raises(ValueError, match="no file has an anomaly window"):
        optimise([file(windows=())], STANDARD)


@given(
    seed=st.integers(0, 1_000),
    levels=st.integers(2, 12),
    profile=st.sampled_from(PROFILES),
)
def test_the_best_threshold_is_the_best_of_all(seed: int, levels: int, profile: Profile) -> None:
    """The sweep finds what trying every threshold finds, draws among scores included."""
    random = np.random.default_rng(seed)
    windows: tuple[tuple[tuple[int, int], ...], ...] = (((20, 27), (60, 75)), (), ((10, 18),))
    files = [Labelled(random.integers(0, levels, 100) / levels, each) for each in windows]
    tried = [score_at(each, files, profile) for each in np.arange(levels + 1) / levels]
    best = optimise(files, profile)
    assert best.score == pytest.approx(max(0.0, *tried))
    assert score_at(best.threshold, files, profile) == pytest.approx(best.score)
