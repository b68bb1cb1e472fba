"""Growing boosted trees on labelled rows; the only module that uses LightGBM."""

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from sentinel.evaluate.learning.forest import LEAF, Forest


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown; the names are LightGBM's.

    ``feature_fraction`` of the features are tried in each tree, ``min_data_in_leaf`` rows are in a
    leaf at least, ``lambda_l2`` draws leaves towards zero.
    """

    trees: int
    num_leaves: int
    learning_rate: float
    feature_fraction: float
    min_data_in_leaf: int
    lambda_l2: float
    max_bin: int
    seed: int


def boost(
    values: NDArray[np.float32],
    labels: NDArray[np.bool_],
    weights: NDArray[np.float64],
    growth: Growth,
) -> Forest:
    """Grow trees for the log odds of ``labels`` bool[n] given ``values`` float32[n, d].

    ``weights`` float64[n]: how many rows each row stands for.  One thread and a seed: the same
    rows, in the same order, give the same forest on one machine.  Raises ValueError where all
    labels are the same: there is nothing to learn.

    References
    ----------
    Ke et al.: LightGBM: a highly efficient gradient boosting decision tree. NeurIPS 2017.
    """
    if labels.all() or not labels.any():
        raise ValueError("rows of one label teach nothing")
    parameters: dict[str, Any] = {
        "objective": "binary",
        "num_leaves": growth.num_leaves,
        "learning_rate": growth.learning_rate,
        "feature_fraction": growth.feature_fraction,
        "min_data_in_leaf": growth.min_data_in_leaf,
        "lambda_l2": growth.lambda_l2,
        "max_bin": growth.max_bin,
        "seed": growth.seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    # Zeros are values, not missing ones, and NaN is always missing, whether or not a row has it.
    parameters |= {"zero_as_missing": False, "use_missing": True}
    rows = lightgbm.Dataset(values, labels.astype(np.float32), weight=weights)
    grown = lightgbm.train(parameters, rows, num_boost_round=growth.trees).dump_model()
    return _flat([tree["tree_structure"] for tree in grown["tree_info"]])


def _flat(trees: list[dict[str, Any]]) -> Forest:
    """Nested nodes as arrays, tree after tree, the children of a node side by side."""
    nodes: list[dict[str, Any]] = []
    left: list[int] = []
    roots: list[int] = []
    for tree in trees:
        roots.append(len(nodes))
        nodes.append(tree)
        while len(left) < len(nodes):
            node = nodes[len(left)]
            left.append(len(nodes) if "split_feature" in node else 0)
            if "split_feature" in node:
                nodes += (node["left_child"], node["right_child"])
    value = np.array([each.get("leaf_value", 0.0) for each in nodes], np.float64)
    weight = np.array([each.get("leaf_weight", 0.0) for each in nodes], np.float64)
    for index in reversed(range(len(nodes))):  # children stand behind their parent
        if left[index]:
            pair = slice(left[index], left[index] + 2)
            weight[index] = weight[pair].sum()
            value[index] = (value[pair] * weight[pair]).sum() / weight[index]
    return Forest(
        roots=np.array(roots, np.int32),
        feature=np.array([each.get("split_feature", LEAF) for each in nodes], np.int16),
        threshold=np.array([each.get("threshold", 0.0) for each in nodes], np.float64),
        left=np.array(left, np.int32),
        missing_left=np.array([_missing_left(each) for each in nodes], np.bool_),
        value=value,
    )


def _missing_left(node: dict[str, Any]) -> bool:
    """Where NaN goes: a feature that never missed in training treats NaN as zero."""
    if "split_feature" not in node:
        return False
    if node["missing_type"] == "NaN":
        return bool(node["default_left"])
    return bool(node["threshold"] >= 0)
