"""Growing the splits of half-space trees at random, from a seed."""

import random
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from sentinel.detect.ranges import Range

PADDING = 0.15
"""A split keeps this share of the node's extent away from either edge."""


def grow(
    ranges: Sequence[Range], n_trees: int, height: int, seed: int
) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """Features int16[n_trees, 2**height] and thresholds float64, heap by heap.

    The distribution is river's for features scaled to [0, 1] by their ranges: a node
    splits a feature with a chance proportional to what is left of its extent there, at
    a uniform place of its middle 70 %.  Draws come in river's order too (depth first,
    left before right), so the same seed grows river's own trees; a test holds us to
    it.  Only ``Random.random`` is used: Python promises to keep its sequence for a seed.
    Thresholds are drawn on the range's scale and kept in the feature's own unit, which
    is why a logarithmic range costs nothing when scoring.
    """
    feature, threshold = _grown(tuple(ranges), n_trees, height, seed)
    return feature.copy(), threshold.copy()


@lru_cache(maxsize=16)  # an engine is built for every rule test, and for every reconfiguration
def _grown(
    ranges: tuple[Range, ...], n_trees: int, height: int, seed: int
) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    draw = random.Random(seed).random  # noqa: S311 - seeded on purpose; nothing is secret
    feature = np.zeros((n_trees, 2**height), np.int16)
    threshold = np.zeros((n_trees, 2**height), np.float64)
    low, high = [0.0] * len(ranges), [1.0] * len(ranges)

    def split(tree: int, node: int) -> None:
        if node >= 2**height:
            return
        reached = list(accumulate(b - a for a, b in zip(low, high, strict=True)))
        aim = draw() * reached[-1]
        on = next((i for i, upto in enumerate(reached) if aim < upto), len(ranges) - 1)
        a, b = low[on], high[on]
        first, last = a + PADDING * (b - a), b - PADDING * (b - a)
        at = first + (last - first) * draw()
        feature[tree, node], threshold[tree, node] = on, ranges[on].value(at)
        high[on] = at
        split(tree, 2 * node)
        low[on], high[on] = at, b
        split(tree, 2 * node + 1)
        low[on] = a

    for tree in range(n_trees):
        split(tree, 1)
    return feature, threshold
