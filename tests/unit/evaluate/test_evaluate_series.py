"""The series detector: the detectors' contract for series, what it tells apart, calibration."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sentinel.evaluate.series import Scored, SeriesDetector, Strange, p_for

INTERVAL_MS = 300_000
DAY = 288
SERIES = 3


def daily(days: int, seed: int = 1) -> NDArray[np.float64]:
    """Counts of a day that swings between 100 and 300, with noise."""
    rows = np.arange(days * DAY)
    random = np.random.default_rng(seed)
    return 200.0 - 100.0 * np.cos(2 * np.pi * rows / DAY) + random.normal(0, 5, len(rows))


def run(
    detector: SeriesDetector, values: NDArray[np.float64], start: int = 0, width: int = 1
) -> Scored:
    """Values of ``width`` series in turn, from row ``start`` of the clock."""
    rows = np.arange(start, start + len(values))
    return detector.score((rows // width) * INTERVAL_MS, rows % width, values)


def one(values: NDArray[np.float64]) -> Scored:
    """All values by a new detector."""
    return run(SeriesDetector(1, INTERVAL_MS), values)


def parts(scored: Scored) -> list[bytes]:
    """The bytes of all columns."""
    return [scored.p.tobytes(), scored.score.tobytes(), scored.kind.tobytes()]


def mixed(n: int, seed: int = 3) -> NDArray[np.float64]:
    """Noise for several series, a tenth missing."""
    random = np.random.default_rng(seed)
    values = random.normal(50, 5, n)
    values[random.random(n) < 0.1] = np.nan
    return values


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 900), max_size=8))
def test_cuts_change_no_byte(cuts: list[int]) -> None:
    """However the values are cut into batches, empty ones too, the bytes are the same."""
    values = mixed(900)
    whole, cut = SeriesDetector(SERIES, INTERVAL_MS), SeriesDetector(SERIES, INTERVAL_MS)
    expected = run(whole, values, width=SERIES)
    ends = [0, *sorted(cuts), len(values)]
    seen = [run(cut, values[a:b], start=a, width=SERIES) for a, b in pairwise(ends)]
    assert [b"".join(column) for column in zip(*map(parts, seen), strict=True)] == parts(expected)
    assert cut.snapshot() == whole.snapshot()


def test_a_restored_detector_goes_on_as_if_never_stopped() -> None:
    """Scores and the next snapshot are byte for byte those of one run."""
    values = mixed(1_200)
    steady, after = SeriesDetector(SERIES, INTERVAL_MS), SeriesDetector(SERIES, INTERVAL_MS)
    run(steady, values[:700], width=SERIES)
    run(after, mixed(99, seed=5), width=SERIES)  # what it knew must not matter
    after.restore(steady.snapshot())
    expected = run(steady, values[700:], start=700, width=SERIES)
    assert parts(run(after, values[700:], start=700, width=SERIES)) == parts(expected)
    assert after.snapshot() == steady.snapshot()


def test_series_know_nothing_of_each_other() -> None:
    """A series among others has the scores that it has alone."""
    values = mixed(1_500)
    together = run(SeriesDetector(SERIES, INTERVAL_MS), values, width=SERIES)
    alone = one(values[1::SERIES])
    assert together.p[1::SERIES].tobytes() == alone.p.tobytes()


def test_a_score_knows_nothing_of_later_values() -> None:
    """What comes after a value changes nothing about it."""
    values = daily(3)
    changed = values.copy()
    changed[700:] += 500
    expected, seen = one(values), one(changed)
    assert seen.p[:700].tobytes() == expected.p[:700].tobytes()
    assert seen.p[700] < expected.p[700]


def test_memory_does_not_grow() -> None:
    """After a month the state is as large as when new."""
    detector = SeriesDetector(1, INTERVAL_MS)
    before = len(detector.snapshot())
    run(detector, daily(30))
    assert len(detector.snapshot()) == before


def test_a_series_that_is_not_there_is_refused() -> None:
    """A number beyond the last series raises before anything is learnt."""
    detector = SeriesDetector(1, INTERVAL_MS)
    before = detector.snapshot()
    with pytest.raises(IndexError, match="series from 0 to 0"):
        run(detector, np.ones(2), width=2)
    assert detector.snapshot() == before


def test_missing_values_have_no_score_and_teach_nothing() -> None:
    """NaN and infinities leave the state as it was."""
    detector = SeriesDetector(1, INTERVAL_MS)
    run(detector, daily(2))
    before = detector.snapshot()
    scored = run(detector, np.array([np.nan, np.inf, -np.inf]), start=2 * DAY)
    assert np.isnan(scored.p).all()
    assert np.isnan(scored.score).all()
    assert (scored.kind == Strange.NONE).all()
    assert detector.snapshot() == before


def test_a_series_too_new_has_no_score() -> None:
    """The first fifty values only teach."""
    scored = one(daily(1))
    assert np.isnan(scored.p[:50]).all()
    assert np.isfinite(scored.p[50:]).all()


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Strange.SURGE, lambda part: part + 120),
        (Strange.DROP, lambda part: part - 90),
        (Strange.OUTAGE, lambda part: part * 0),
    ],
)
def test_a_sudden_change_is_told_by_its_kind(
    kind: Strange, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> None:
    """At its first value a surge, a drop and an outage are rare, new, and told apart."""
    values, at = daily(10), 9 * DAY + 100
    values[at : at + 12] = change(values[at : at + 12])
    scored = one(values)
    assert scored.p[at] <= p_for(1.0, INTERVAL_MS)
    assert scored.score[at] > 0
    assert scored.kind[at] == kind


def test_a_value_stuck_below_its_forecast_is_an_outage() -> None:
    """A metric frozen at its night's value is an outage by noon, not only a drop."""
    values = daily(10)
    values[9 * DAY :] = values[9 * DAY]
    assert Strange.OUTAGE in one(values).kind[9 * DAY :]


def test_a_small_lasting_change_is_a_shift() -> None:
    """A step no single value gives away is told within two hours, as a shift."""
    random = np.random.default_rng(4)
    values = random.normal(100, 5, 10 * DAY)
    values[9 * DAY :] += 10
    scored = one(values)
    told = scored.kind[9 * DAY : 9 * DAY + 24] == Strange.SHIFT
    assert told.any()


def test_the_same_value_is_strange_only_at_the_wrong_hour() -> None:
    """Noon's value is nothing at noon, and a surge at midnight."""
    values = daily(10)
    quiet = one(values).p[9 * DAY + 144]
    values[9 * DAY] = values[9 * DAY + 144]
    assert one(values).p[9 * DAY] < 1e-3 < quiet


def test_an_episode_scores_when_it_starts_or_grows() -> None:
    """The values after the first score 0, until one is far stranger."""
    values, at = daily(10), 9 * DAY + 50
    values[at : at + 6] += np.array([60.0, 0, 0, 0, 0, 2_000])
    scored = one(values).score[at : at + 6]
    assert scored[0] > 0
    assert (scored[1:5] == 0).all()
    assert scored[5] > scored[0]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1_000), heavy=st.booleans())
def test_p_is_calibrated_on_noise(seed: int, heavy: bool) -> None:
    """On noise, light-tailed or heavy, a p of at most a comes in between a/4 and 2a of values."""
    random = np.random.default_rng(seed)
    n = 30_000
    values = random.standard_t(4, n) if heavy else random.normal(0, 1, n)
    p = one(values).p[3_000:]
    for share in (0.01, 0.003):
        assert share / 4 <= (p <= share).mean() <= 2 * share


def test_alerts_a_day_become_a_p() -> None:
    """One alert a day is one value of the day's 288, and p is at most 1."""
    assert p_for(1.0, INTERVAL_MS) == pytest.approx(1 / 288)
    assert p_for(1_000.0, INTERVAL_MS) == 1.0
