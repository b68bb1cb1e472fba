"""Half-space trees: river's own scores on river's own trees, and what is ours alone."""

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from river import anomaly

from sentinel.detect.ranges import Range
from sentinel.detect.trees import Forest, HalfSpaceTrees

NAMES = [f"f{i}" for i in range(5)]


def stream(n: int, seed: int) -> NDArray[np.float64]:
    """Events of five features in [0, 1] around two centres, with some strange ones."""
    random = np.random.default_rng(seed)
    centre = random.choice([0.25, 0.6], (n, 1))
    values = np.clip(random.normal(centre, 0.1, (n, 5)), 0, 1)
    values[random.random(n) < 0.02] = random.random(5)
    return values


def river_scores(model: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``score_one``, then ``learn_one``; a NaN is left out of the event."""
    scores = []
    for row in values.tolist():
        event = {n: v for n, v in zip(NAMES, row, strict=True) if not math.isnan(v)}
        scores.append(model.score_one(event))
        model.learn_one(event)
    return np.array(scores, np.float64)


def converted(model: Any) -> Forest:
    """River's trees as heaps."""
    shape = (model.n_trees, 2**model.height)
    feature, threshold = np.zeros(shape, np.int16), np.zeros(shape, np.float64)
    for tree, root in enumerate(model.trees):
        pending = [(1, root)]
        while pending:
            node, branch = pending.pop()
            feature[tree, node] = NAMES.index(branch.feature)
            threshold[tree, node] = branch.threshold
            if 2 * node < shape[1]:
                pending += [(2 * node, branch.left), (2 * node + 1, branch.right)]
    return Forest(feature, threshold)


def agree(ours: NDArray[np.float64], rivers: NDArray[np.float64], window: int) -> None:
    """Equal to 1e-9 after the first window, where ours are missing and river's are 0."""
    assert np.isnan(ours[:window]).all()
    assert not rivers[:window].any()
    assert len(np.unique(rivers[window:])) > 5
    np.testing.assert_allclose(ours[window:], rivers[window:], rtol=0, atol=1e-9)


@pytest.mark.parametrize("missing", [0.0, 0.15])
@pytest.mark.parametrize(("n_trees", "height", "window"), [(25, 8, 250), (7, 4, 333), (3, 2, 100)])
def test_the_scores_are_rivers_on_rivers_trees(
    n_trees: int, height: int, window: int, missing: float
) -> None:
    """With river's structure and uneven limits, over eight windows, missing values too."""
    limits: dict[Hashable, tuple[float, float]] = {
        name: (-0.2 * i, 1.0 + i) for i, name in enumerate(NAMES)
    }
    model: Any = anomaly.HalfSpaceTrees(
        n_trees=n_trees, height=height, window_size=window, limits=limits, seed=3
    )
    values = stream(8 * window + 17, seed=4)
    absent = np.random.default_rng(5).random(values.shape) < missing
    absent[0] = False  # river grows its trees for the features of the first event
    values[absent] = np.nan
    rivers = river_scores(model, values)
    ours = HalfSpaceTrees(converted(model), window, 0.1 * window, patience=0).score(values)
    agree(ours, rivers, window)


def test_our_own_trees_are_rivers_for_the_same_seed() -> None:
    """Grown from seed 7 for features in [0, 1], we give river's scores without conversion."""
    model: Any = anomaly.HalfSpaceTrees(n_trees=25, height=8, window_size=250, seed=7)
    values = stream(2_000, seed=6)
    rivers = river_scores(model, values)
    ours = HalfSpaceTrees.grown(
        [Range(0, 1)] * 5, n_trees=25, height=8, window=250, size_limit=25, seed=7, patience=0
    ).score(values)
    agree(ours, rivers, 250)


def test_a_logarithmic_range_scores_as_a_logarithm_would() -> None:
    """Splits drawn on the log scale and kept as amounts see what log amounts would show."""
    amounts = np.random.default_rng(1).lognormal(5, 2, (2_000, 1))
    logs = np.log1p(amounts)
    of_amounts, of_logs = (
        HalfSpaceTrees.grown([span], n_trees=10, height=6, window=200, size_limit=20, seed=2)
        for span in (Range(0, 1e6, log=True), Range(0, math.log1p(1e6)))
    )
    np.testing.assert_array_equal(of_amounts.score(amounts), of_logs.score(logs))


def test_a_missing_value_goes_the_usual_way() -> None:
    """An event of which one feature is missing scores as one that has the usual value."""
    trees = HalfSpaceTrees.grown(
        [Range(0, 1)] * 2, n_trees=25, height=6, window=200, size_limit=20, seed=1
    )
    trees.score(np.random.default_rng(1).normal(0.4, 0.01, (399, 2)))
    usual, missing, strange = (
        np.array([[0.4, 0.4]]),
        np.array([[0.4, np.nan]]),
        np.array([[0.4, 1]]),
    )
    before = trees.snapshot()
    scores = []
    for event in (usual, missing, strange):
        trees.restore(before)
        scores.append(float(trees.score(event)[0]))
    assert scores[1] == pytest.approx(scores[0], abs=0.02)
    assert scores[2] > scores[0] + 0.1


def test_the_size_limit_ends_the_walk() -> None:
    """With a limit above the window only the root counts, so all scores are the same."""
    trees = HalfSpaceTrees.grown(
        [Range(0, 1)] * 5, n_trees=3, height=4, window=50, size_limit=51, seed=1
    )
    scores = trees.score(stream(120, seed=2))
    assert set(scores[50:].tolist()) == {1 - 1 / (2**5 - 1)}


def test_the_event_that_fills_a_window_is_scored_before_it_does() -> None:
    """The window's last event still meets the reference of the one before."""
    trees = HalfSpaceTrees.grown(
        [Range(0, 1)] * 2, n_trees=10, height=5, window=50, size_limit=5, seed=1, patience=0
    )
    scores = trees.score(np.repeat([[0.1, 0.1], [0.9, 0.9]], [50, 51], axis=0))
    assert np.isnan(scores[:50]).all()
    assert len(set(scores[50:100].tolist())) == 1
    assert scores[100] < scores[99]


def test_a_value_on_a_split_goes_right_as_in_river() -> None:
    """Left is strictly below the threshold: values that hit it exactly agree with river."""
    model: Any = anomaly.HalfSpaceTrees(n_trees=10, height=5, window_size=100, seed=9)
    values = stream(801, seed=8)
    first = river_scores(model, values[:1])
    forest = converted(model)
    random = np.random.default_rng(10)
    for row in range(1, 801, 2):
        tree, node = random.integers(10), random.integers(1, 2**5)
        values[row, forest.feature[tree, node]] = forest.threshold[tree, node]
    rivers = np.concatenate([first, river_scores(model, values[1:])])
    agree(HalfSpaceTrees(forest, 100, 10, patience=0).score(values), rivers, 100)


def ours(window: int, seed: int, patience: int = 100) -> HalfSpaceTrees:
    """Trees of the shipped size over four features in [0, 1]."""
    return HalfSpaceTrees.grown(
        [Range(0, 1)] * 4,
        n_trees=25,
        height=8,
        window=window,
        size_limit=0.1 * window,
        seed=seed,
        patience=patience,
    )


def bursty(seed: int, burst: int, width: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """20,000 normal events about two places, and three runs of attacks, each about one."""
    random = np.random.default_rng(seed)
    centre = np.where(random.random((20_000, 1)) < 0.75, 0.25, 0.55)
    normal = np.split(random.normal(centre, 0.08, (20_000, 4)), [6_000, 11_000, 15_000])
    parts, attack = [normal[0]], [np.zeros(len(normal[0]), np.bool_)]
    for quiet in normal[1:]:
        attack_centre = random.uniform(0.75, 0.95, 4)
        parts += [random.normal(attack_centre, width, (burst, 4)), quiet]
        attack += [np.ones(burst, np.bool_), np.zeros(len(quiet), np.bool_)]
    return np.clip(np.concatenate(parts), 0, 1), np.concatenate(attack)


def auc(scores: NDArray[np.float64], attack: NDArray[np.bool_]) -> float:
    """The chance that an attack scores higher than a normal event (Mann, Whitney 1947)."""
    scores, attack = scores[~np.isnan(scores)], attack[~np.isnan(scores)]
    _, centre, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[centre]
    attacks = int(attack.sum())
    wins = ranks[attack].sum() - attacks * (attacks + 1) / 2
    return float(wins / (attacks * (len(attack) - attacks)))


@pytest.mark.parametrize("window", [250, 1_000])
@pytest.mark.parametrize("burst", [500, 3_000, 20_000])
@pytest.mark.parametrize("width", [0.0, 0.04])
def test_a_run_of_attacks_is_not_learnt(window: int, burst: int, width: float) -> None:
    """Thousands in a row stay strange to the last, and what was normal stays normal after them."""
    for seed in range(2):
        values, attack = bursty(seed, burst, width)
        assert auc(ours(window, seed).score(values), attack) >= 0.95


def test_as_published_a_run_of_attacks_is_learnt() -> None:
    """The weakness itself, so that the test above can be seen to mean something."""
    values, attack = bursty(seed=0, burst=3_000, width=0.04)
    assert auc(ours(250, seed=0, patience=0).score(values), attack) < 0.5


def test_after_patience_a_change_is_the_new_normal_and_the_old_one_too() -> None:
    """Normal moves for good: strange at first, learnt in the end; the old place is remembered."""
    random = np.random.default_rng(3)
    old, new = (np.clip(random.normal(at, 0.06, (7_500, 4)), 0, 1) for at in (0.25, 0.6))
    trees = ours(250, seed=1, patience=20)
    usual = np.nanmedian(trees.score(old))
    moved = trees.score(new)
    assert np.median(moved[:4_500]) > 1.5 * usual
    assert np.median(moved[-1_500:]) < 1.1 * usual
    assert np.median(trees.score(old[:200])) < 1.1 * usual


def test_a_few_extreme_events_are_learnt() -> None:
    """One in a hundred far away never fills patience: the stream is calm, and nothing changes."""
    random = np.random.default_rng(4)
    values = np.clip(random.normal(0.3, 0.06, (30_000, 4)), 0, 1)
    far = random.random(30_000) < 0.01
    values[far] = np.clip(random.normal(0.9, 0.02, (int(far.sum()), 4)), 0, 1)
    with_patience, as_published = ours(250, seed=1, patience=1), ours(250, seed=1, patience=0)
    for trees in (with_patience, as_published):
        assert auc(trees.score(values), far) > 0.99
