"""River's models behind our face."""

import math
import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from river import anomaly

from sentinel.detect.ranges import Range
from sentinel.detect.river_model import RiverModel

NAMES = ("b", "a")
RANGES = (Range(0, 10), Range(0, 1e6, log=True))


def test_scores_are_those_of_river_on_shares_of_the_ranges() -> None:
    """``score_one``, then ``learn_one``, on values scaled to [0, 1]."""
    values = np.column_stack(
        [np.random.default_rng(1).normal(5, 1, 200), np.random.default_rng(2).lognormal(5, 1, 200)]
    )
    ours = RiverModel("anomaly.OneClassSVM", {"nu": 0.2}, NAMES, RANGES).score(values)
    model: Any = anomaly.OneClassSVM(nu=0.2)
    rivers = []
    for b, a in values.tolist():
        event = {"b": RANGES[0].share(b), "a": RANGES[1].share(a)}
        rivers.append(model.score_one(event))
        model.learn_one(event)
    assert ours.tolist() == rivers


def test_a_missing_value_reads_as_the_mean_so_far() -> None:
    """The middle of the range counts as one value before the first."""
    values = np.array([[np.nan, 1.0], [10.0, 1.0], [np.nan, 1.0], [10.0, np.nan]])
    mean = RANGES[1].value((0.5 + 3 * RANGES[1].share(1.0)) / 4)
    filled = np.array([[5.0, 1.0], [10.0, 1.0], [7.5, 1.0], [10.0, mean]])
    scores = RiverModel("anomaly.OneClassSVM", {}, NAMES, RANGES).score(values)
    expected = RiverModel("anomaly.OneClassSVM", {}, NAMES, RANGES).score(filled)
    assert len(set(scores.tolist())) == 4
    assert scores.tolist() == pytest.approx(expected.tolist(), rel=1e-12)


def test_a_score_that_is_no_number_is_missing() -> None:
    """Whatever river returns, rules see a number or a missing one."""
    model = RiverModel("anomaly.OneClassSVM", {}, NAMES, RANGES)
    model._model.intercept = math.inf
    assert np.isnan(model.score(np.array([[1.0, 1.0]]))[0])


class _Shell:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


@pytest.mark.parametrize(
    "hostile",
    [
        pickle.dumps(_Shell()),
        b"\x80\x05\x8c\x08builtins\x8c\x04eval\x93.",
        b"\x80\x05\x8c\x0briver.utils\x8c\tmath.math\x93.",
    ],
    ids=["a call of the shell", "eval", "a dotted way out of river"],
)
def test_a_snapshot_with_foreign_types_is_refused(hostile: bytes) -> None:
    """A pickle can run code, so only the types of river's models are let in."""
    model = RiverModel("anomaly.OneClassSVM", {}, NAMES, RANGES)
    with pytest.raises(pickle.UnpicklingError, match="a snapshot holds no"):
        model.restore(hostile)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("anomaly.HalfSpaceTrees", {"n_trees": 2, "height": 3, "window_size": 20, "seed": 1}),
        ("anomaly.OneClassSVM", {}),
        ("anomaly.LODA", {"seed": 1}),
        ("anomaly.LocalOutlierFactor", {"n_neighbors": 3}),
    ],
)
def test_every_plain_model_survives_its_snapshot(name: str, params: dict[str, object]) -> None:
    """Restored, it gives the same scores and, later, the same bytes."""
    values = np.random.default_rng(3).uniform(0, 10, (60, 2))
    one = RiverModel(name, params, NAMES, RANGES)
    other = RiverModel(name, params, NAMES, RANGES)
    one.score(values[:40])
    other.restore(one.snapshot())
    assert one.score(values[40:]).tolist() == other.score(values[40:]).tolist()
    assert one.snapshot() == other.snapshot()


def test_river_is_imported_only_when_it_is_configured() -> None:
    """A worker with our own detectors does not wait two seconds for river."""
    code = (
        "import sys\n"
        "from sentinel.detect import load\n"
        "from sentinel.model.columns import FIELDS\n"
        "from sentinel.model.document import parse\n"
        "text = 'detectors: [{id: t, kind: half_space_trees, on: login, seed: 1,'\n"
        "text += ' features: {lat: [-90, 90]}}]'\n"
        "load(parse(text, 'detectors.yaml'), FIELDS)\n"
        "sys.exit('river' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
