"""Half-space trees: how much of the recent stream lies where this event lies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.detect.grow import grow
from sentinel.detect.ranges import Range
from sentinel.model.kernel import kernel

_SEEN, _FULL = 0, 1  # places in the head: events in this window, whether a window is full


@kernel
def _score_then_learn(
    values: NDArray[np.float64],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float64],
    reference: NDArray[np.int32],
    latest: NDArray[np.int32],
    seen: int,
    window: int,
    size_limit: float,
    at: NDArray[np.int64],
    scoring: NDArray[np.int64],
    mass: NDArray[np.int64],
) -> None:
    """Walk every row down every tree, once for both its score and its learning.

    All trees take a step together, level by level: their walks are independent, so the
    processor overlaps them (1.8 times as fast here as tree by tree).  Nodes are numbered
    as in a heap: 1 is the root, 2k and 2k + 1 are the children of k.  ``at`` and ``scoring``
    int64[trees] are the kernel's own; scoring is 0 or 1: a factor is cheaper than a branch.
    """
    trees, inner = feature.shape
    height = int(math.log2(inner))
    limit = math.ceil(size_limit)
    for row in range(len(values)):
        found = 0
        for tree in range(trees):
            at[tree] = 1
            scoring[tree] = 1
        for depth in range(height):
            for tree in range(trees):
                node = at[tree]
                held = reference[tree, node]
                found += (held << depth) * scoring[tree]
                scoring[tree] &= held >= limit
                latest[tree, node] += 1
                value = values[row, feature[tree, node]]
                if math.isnan(value):
                    right = latest[tree, 2 * node] < latest[tree, 2 * node + 1]
                else:
                    right = value >= threshold[tree, node]
                at[tree] = 2 * node + right
        for tree in range(trees):
            found += (reference[tree, at[tree]] << height) * scoring[tree]
            latest[tree, at[tree]] += 1
        mass[row] = found
        seen += 1
        if seen == window:
            seen = 0
            for tree in range(trees):
                for node in range(2 * inner):
                    reference[tree, node] = latest[tree, node]
                    latest[tree, node] = 0


@dataclass(frozen=True, slots=True)
class Forest:
    """The splits of all trees, each tree an implicit heap; nothing here is learnt.

    ``feature`` int16[trees, 2**height] is the place of the feature that an inner node
    splits, ``threshold`` float64 of the same shape, in the feature's own unit: left is
    below it.  Place 0 of each tree is unused.
    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float64]


class HalfSpaceTrees:
    """Half-space trees, one walk per tree for both score and learning.

    Parameters
    ----------
    forest
        The splits; see :meth:`grown`.
    window
        Events per window.  The masses counted in one window score the next.
    size_limit
        A node that held fewer events ends the walk for the score.

    Notes
    -----
    The score is ``1 - sum(mass * 2**depth) / largest possible sum`` as in river's
    ``HalfSpaceTrees``, from 0 (everything is where this event is) to below 1 (nothing is).
    It is missing (river: 0) until the first window is full.  A missing feature value takes
    the child that the current window has visited more, the left one on a draw: what is not
    known is read as usual.

    It fails when anomalies come packed together in a window (they become the
    reference of the next), when a change matters only in a combination of features finer
    than ``height`` halvings, and where the ranges are far too wide, for then all events fall
    in one leaf; it forgets everything older than two windows.

    References
    ----------
    Tan, Ting, Liu: Fast anomaly detection for streaming data. IJCAI 2011.
    """

    top = 1.0

    def __init__(self, forest: Forest, window: int, size_limit: float) -> None:
        self._forest, self._window, self._size_limit = forest, window, size_limit
        trees, inner = forest.feature.shape
        self._reference = np.zeros((trees, 2 * inner), np.int32)
        self._latest = np.zeros((trees, 2 * inner), np.int32)
        self._head = np.zeros(2, np.int64)
        self._largest_mass = trees * window * (2 * inner - 1)

    @classmethod
    def grown(
        cls,
        ranges: Sequence[Range],
        *,
        n_trees: int,
        height: int,
        window: int,
        size_limit: float,
        seed: int,
    ) -> "HalfSpaceTrees":
        """Trees grown at random over the features' ranges; see :func:`grow`."""
        feature, threshold = grow(ranges, n_trees, height, seed)
        return cls(Forest(feature, threshold), window, size_limit)

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score each row of float64[n, d], then learn it; see :class:`Detector`."""
        n, (seen, full) = len(values), self._head
        mass = np.empty(n, np.int64)
        _score_then_learn(
            values,
            self._forest.feature,
            self._forest.threshold,
            self._reference,
            self._latest,
            int(seen),
            self._window,
            self._size_limit,
            np.empty(len(self._reference), np.int64),
            np.empty(len(self._reference), np.int64),
            mass,
        )
        scores: NDArray[np.float64] = 1.0 - mass / self._largest_mass
        if not full:
            scores[: self._window - int(seen)] = np.nan
        self._head[_SEEN] = (seen + n) % self._window
        self._head[_FULL] = full or seen + n >= self._window
        return scores

    def snapshot(self) -> bytes:
        """The masses of both windows and the place in the current one."""
        arrays = (self._head, self._reference, self._latest)
        return msgspec.msgpack.encode([each.tobytes() for each in arrays])

    def restore(self, data: bytes) -> None:
        """Take the place of trees of the same configuration."""
        arrays = (self._head, self._reference, self._latest)
        for target, source in zip(
            arrays, msgspec.msgpack.decode(data, type=list[bytes]), strict=True
        ):
            target[:] = np.frombuffer(source, target.dtype).reshape(target.shape)
