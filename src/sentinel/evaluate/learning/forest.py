"""Boosted trees as arrays: scored, explained and kept without the library that grew them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import inlined, kernel

LEAF = -1


@inlined
def _child(
    value: float,
    threshold: NDArray[np.float64],
    left: NDArray[np.int32],
    missing_left: NDArray[np.bool_],
    node: int,
) -> int:
    """Where a value goes from an inner node; the right child stands behind the left one."""
    goes_left = missing_left[node] if np.isnan(value) else value <= threshold[node]
    return left[node] + (0 if goes_left else 1)  # type: ignore[no-any-return]


@kernel
def _margins(
    values: NDArray[np.float32],
    roots: NDArray[np.int32],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float64],
    left: NDArray[np.int32],
    missing_left: NDArray[np.bool_],
    value: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Sum the leaves tree by tree, in one order for any number of rows."""
    for row in range(len(values)):
        total = 0.0
        for root in roots:
            node = root
            while feature[node] != LEAF:
                node = _child(values[row, feature[node]], threshold, left, missing_left, node)
            total += value[node]
        out[row] = total


@kernel
def _contributions(
    values: NDArray[np.float32],
    roots: NDArray[np.int32],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float64],
    left: NDArray[np.int32],
    missing_left: NDArray[np.bool_],
    value: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Add the change at each step of each walk to the feature read there; ``out`` starts at 0."""
    for row in range(len(values)):
        for root in roots:
            node = root
            while feature[node] != LEAF:
                asked = feature[node]
                nearer = _child(values[row, asked], threshold, left, missing_left, node)
                out[row, asked] += value[nearer] - value[node]
                node = nearer


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose leaves add up to a margin (log odds).

    ``roots`` int32[trees] are indices of nodes.  Of each node: ``feature`` int16 asked, or
    ``LEAF``; ``threshold`` float64, left is at or below it; ``left`` int32, the index of the left
    child, with the right one behind it; ``missing_left`` bool, where NaN goes; ``value``
    float64, a leaf's share of the margin, of an inner node the mean of its training rows.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float64]

    def margins(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """The margin of each row of float32[n, d], float64[n]; NaN is missing."""
        out = np.empty(len(values), np.float64)
        self._walk(_margins, values, out)
        return out

    def contributions(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """How much each feature moved each row's margin from :attr:`base`, float64[n, d].

        Along each walk the change of the nodes' means belongs to the feature asked there (Saabas,
        2014).  A row's contributions and ``base`` add up to its margin, but for rounding; unlike
        Shapley values they favour features asked deep in a tree, and cost no more than the score.
        """
        out = np.zeros(values.shape, np.float64)
        self._walk(_contributions, values, out)
        return out

    def _walk(
        self,
        add: Callable[..., None],
        values: NDArray[np.float32],
        out: NDArray[np.float64],
    ) -> None:
        add(
            values,
            self.roots,
            self.feature,
            self.threshold,
            self.left,
            self.missing_left,
            self.value,
            out,
        )

    @property
    def base(self) -> float:
        """The margin of a row of which nothing is asked: the mean over the training rows."""
        return float(self.value[self.roots].sum())

    def encode(self) -> bytes:
        """All arrays as bytes; equal forests give equal bytes."""
        return msgspec.msgpack.encode([array.tobytes() for array in self._arrays()])

    @classmethod
    def decode(cls, data: bytes) -> "Forest":
        """The forest that :meth:`encode` encoded."""
        arrays = zip(fields(cls), msgspec.msgpack.decode(data, type=list[bytes]), strict=True)
        return cls(*(np.frombuffer(each, _DTYPES[field.name]) for field, each in arrays))

    def _arrays(self) -> tuple[NDArray[np.generic], ...]:
        return tuple(getattr(self, field.name) for field in fields(self))


_DTYPES = {
    "roots": np.int32,
    "feature": np.int16,
    "threshold": np.float64,
    "left": np.int32,
    "missing_left": np.bool_,
    "value": np.float64,
}


def mean(forests: Sequence[Forest]) -> Forest:
    """One forest whose margins are the means of theirs."""
    starts = np.cumsum([0, *(len(each.feature) for each in forests[:-1])]).astype(np.int32)
    pairs = list(zip(forests, starts, strict=True))
    return Forest(
        roots=np.concatenate([each.roots + start for each, start in pairs]),
        feature=np.concatenate([each.feature for each in forests]),
        threshold=np.concatenate([each.threshold for each in forests]),
        left=np.concatenate([each.left + start for each, start in pairs]),
        missing_left=np.concatenate([each.missing_left for each in forests]),
        value=np.concatenate([each.value / len(forests) for each in forests]),
    )
