"""Boosted trees as arrays: LightGBM's own scores, explained, kept, and averaged."""

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from sentinel.evaluate.learning.boost import Growth, boost
from sentinel.evaluate.learning.boosted import Boosted
from sentinel.evaluate.learning.forest import Forest, mean
from sentinel.evaluate.learning.probability import Platt, fit_platt

GROWTH = Growth(
    trees=12,
    num_leaves=7,
    learning_rate=0.2,
    feature_fraction=1.0,
    min_data_in_leaf=20,
    lambda_l2=1.0,
    max_bin=63,
    seed=5,
)


def rows(n: int, seed: int, missing: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Fraud is likely where the first feature is high and the second low; some values miss."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (n, 4)).astype(np.float32)
    labels = random.random(n) < 1 / (1 + np.exp(-(2 * values[:, 0] - 2 * values[:, 1] - 2)))
    values[random.random(values.shape) < missing] = np.nan
    return values, labels


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_the_margins_are_those_of_the_library_that_grew_the_trees(missing: float) -> None:
    """Flattened and walked by our kernel, a forest scores as LightGBM does, missing values too."""
    values, labels = rows(2_000, 1, missing)
    forest = boost(values, labels, np.ones(2_000), GROWTH)
    parameters = {
        "objective": "binary",
        "num_leaves": GROWTH.num_leaves,
        "learning_rate": GROWTH.learning_rate,
        "min_data_in_leaf": GROWTH.min_data_in_leaf,
        "lambda_l2": GROWTH.lambda_l2,
        "max_bin": GROWTH.max_bin,
        "seed": GROWTH.seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    data = lightgbm.Dataset(values, labels.astype(np.float32))
    theirs = lightgbm.train(parameters, data, num_boost_round=GROWTH.trees)
    others = rows(500, 2, 0.3 if missing else 0.0)[0]
    expected = theirs.predict(others.astype(np.float64), raw_score=True)
    np.testing.assert_allclose(forest.margins(others), expected, rtol=0, atol=1e-9)


def test_the_same_rows_grow_the_same_forest() -> None:
    """Byte for byte: a refit can be repeated."""
    values, labels = rows(1_000, 3, 0.1)
    weights = np.ones(1_000)
    once, again = (boost(values, labels, weights, GROWTH).encode() for _ in range(2))
    assert once == again


def test_contributions_and_base_add_up_to_the_margin() -> None:
    """Nothing of the score is unexplained, and a feature that was never asked has no part."""
    values, labels = rows(2_000, 4, 0.1)
    values[:, 3] = 1.0
    forest = boost(values, labels, np.ones(2_000), GROWTH)
    parts = forest.contributions(values)
    np.testing.assert_allclose(parts.sum(axis=1) + forest.base, forest.margins(values), atol=1e-9)
    assert not parts[:, 3].any()


def test_labels_of_one_kind_are_refused() -> None:
    """There is nothing to tell apart."""
    values, labels = rows(100, 5, 0.0)
    with pytest.raises(ValueError, match="rows of one label teach nothing"):
        boost(values, np.zeros_like(labels), np.ones(100), GROWTH)


def test_the_newest_forests_score_together_and_survive_a_restart() -> None:
    """The mean of the newest two; snapshot and restore change no byte of the scores."""
    values, labels = rows(1_500, 6, 0.1)
    forests = [
        boost(values[i * 500 :], labels[i * 500 :], np.ones(1_500 - i * 500), GROWTH)
        for i in range(3)
    ]
    boosted = Boosted(average=2)
    assert np.isnan(boosted.margins(values)).all()
    for forest in forests:
        boosted.install(forest, Platt(0.5, -1.0))
    expected = mean(forests[1:]).margins(values)
    np.testing.assert_allclose(
        expected, (forests[1].margins(values) + forests[2].margins(values)) / 2, atol=1e-9
    )
    restored = Boosted(average=2)
    restored.restore(boosted.snapshot())
    for each in (boosted, restored):
        assert np.array_equal(each.margins(values), expected)
        assert np.array_equal(each.contributions(values), mean(forests[1:]).contributions(values))
    probabilities = boosted.probabilities(expected)
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-(0.5 * expected - 1))))
    assert Forest.decode(forests[0].encode()).encode() == forests[0].encode()


def test_probabilities_mean_what_they_say() -> None:
    """Margins that are twice too sure are drawn in; of those given 10 to 20 % so many are fraud."""
    random = np.random.default_rng(7)
    true = random.normal(-2, 1.5, 50_000)
    labels = random.random(50_000) < 1 / (1 + np.exp(-true))
    fitted = fit_platt(2 * true + 1, labels, np.ones(50_000))
    assert fitted.slope == pytest.approx(0.5, rel=0.05)
    given = fitted.probabilities(2 * true + 1)
    some = (given > 0.1) & (given < 0.2)
    assert labels[some].mean() == pytest.approx(given[some].mean(), abs=0.01)


def test_a_scale_that_would_turn_the_order_round_is_not_taken() -> None:
    """Labels against the margin, or of one kind: the margin is left as it is."""
    margins = np.array([-1.0, 0.0, 1.0, 2.0])
    assert fit_platt(margins, margins < 0.5, np.ones(4)) == Platt()
    assert fit_platt(margins, np.ones(4, np.bool_), np.ones(4)) == Platt()
