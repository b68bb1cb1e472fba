"""Half-space trees: how much of the recent stream lies where this event lies."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from sentinel.detect.entry import Entry
from sentinel.detect.grow import grow
from sentinel.detect.ranges import Range
from sentinel.model.kernel import inlined, kernel

PATIENCE = 100
_SIZE_LIMIT_SHARE = 0.1  # of the window, as in the paper

_SEEN, _FULL, _BOUND, _RARE, _REFUSED, _BACKLOG, _OPEN = range(7)
"""Indices of the head: events learnt in this window, whether a window has been full, the bin of
mass below which an event is extreme, extreme events learnt and refused in this window, events
refused since a calm window, and whether this window learns everything."""

_BINS_PER_OCTAVE = 8
_BINS = 64 * _BINS_PER_OCTAVE
_RARE_SHARE = 0.02  # of a window that may be extreme: too little for a node to be looked into
_LOW_SHARE = 0.05  # of a window; an extreme event has less than half the mass of these


@inlined
def _bin(mass: int) -> int:
    """The bin of a mass, an eighth of an octave wide; exact on every machine."""
    if mass <= 0:
        return 0
    mantissa, exponent = math.frexp(float(mass))  # mantissa from 0.5 up to 1
    return (exponent - 1) * _BINS_PER_OCTAVE + int((mantissa - 0.5) * 2 * _BINS_PER_OCTAVE)


@inlined
def _bound(masses: NDArray[np.int64], window: int) -> int:
    """Half the mass that all but the rarest share of a window had."""
    left = int(_LOW_SHARE * window)
    for index in range(_BINS):
        left -= masses[index]
        if left < 0:
            return max(0, index - _BINS_PER_OCTAVE)
    return 0


@kernel
def _score_then_learn(
    values: NDArray[np.float64],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float64],
    reference: NDArray[np.int32],
    latest: NDArray[np.int32],
    last: NDArray[np.int32],
    before: NDArray[np.int32],
    head: NDArray[np.int64],
    masses: NDArray[np.int64],
    window: int,
    size_limit: float,
    patience: int,
    at: NDArray[np.int64],
    scoring: NDArray[np.int64],
    mass: NDArray[np.int64],
) -> None:
    """Walk every row down every tree, once for both its score and its learning.

    All trees take a step together, level by level: their walks are independent, so the
    processor overlaps them (1.8 times as fast here as tree by tree).  Nodes are numbered
    as in a heap: 1 is the root, 2k and 2k + 1 are the children of k.  ``at`` and ``scoring``
    int64[trees] are the kernel's own; scoring is 0 or 1: a factor is cheaper than a branch.
    A row is learnt on the way down; one that turns out to be refused is taken back on the
    way up.
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
                node_mass = reference[tree, node]
                found += (node_mass << depth) * scoring[tree]
                scoring[tree] &= node_mass >= limit
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
        index = _bin(found)
        if patience and head[_FULL] and not head[_OPEN] and index < head[_BOUND]:
            if head[_RARE] >= max(1, int(_RARE_SHARE * window)):
                for tree in range(trees):
                    node = at[tree]
                    while node:
                        latest[tree, node] -= 1
                        node >>= 1
                head[_REFUSED] += 1
                head[_BACKLOG] += 1
                if head[_BACKLOG] >= patience * window:
                    head[_OPEN] = 1
                    for tree in range(trees):
                        for node in range(2 * inner):
                            before[tree, node] = last[tree, node]
                continue
            head[_RARE] += 1
        masses[index] += 1
        head[_SEEN] += 1
        if head[_SEEN] == window:
            head[_BOUND] = _bound(masses, window)
            if head[_OPEN] or head[_REFUSED] <= _RARE_SHARE * window:
                head[_BACKLOG] = 0
            head[_FULL] = 1
            head[_SEEN] = head[_RARE] = head[_REFUSED] = head[_OPEN] = 0
            masses[:] = 0
            for tree in range(trees):
                for node in range(2 * inner):
                    node_mass = latest[tree, node]
                    last[tree, node] = node_mass
                    reference[tree, node] = max(node_mass, before[tree, node])
                    latest[tree, node] = 0


@dataclass(frozen=True, slots=True)
class Forest:
    """The splits of all trees, each tree an implicit heap; nothing here is learnt.

    ``feature`` int16[trees, 2**height] is the index of the feature that an inner node
    splits, ``threshold`` float64 of the same shape, in the feature's own unit: left is
    below it.  Index 0 of each tree is unused.
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
    patience
        How many windows' worth of extreme events are refused before one window learns
        everything; 0 learns everything always, as in the paper.

    Notes
    -----
    As published, an attack that fills a window is the reference of the next and looks normal
    from then on.  So what is itself extreme is not learnt: an event with less than half the mass
    that 95 % of the last window had.  Extreme events may make up one event in 50 of a window, so
    that rare but normal ones stay known as what they are; nodes with so few are not looked into.
    A window is full when so many events were learnt, however long that takes.  If extreme events
    keep coming, window after window, ``patience`` windows' worth of them, then it is normal that
    has changed, and one whole window is learnt; what was normal before stays known beside it, until
    the next such change.  A window with few extreme events starts the count anew.

    The score is ``1 - sum(mass * 2**depth) / largest possible sum`` as in river's
    ``HalfSpaceTrees``, from 0 (everything is where this event is) to below 1 (nothing is).
    It is missing (river: 0) until the first window is full.  A missing feature value takes
    the child that the current window has visited more, the left one on a draw: what is not
    known is read as usual.

    It fails when the first window is full of attacks; when an attack outlasts ``patience``, from
    then on; when it creeps away from normal in steps that are not extreme; when a change matters
    only in a combination of features finer than ``height`` halvings; and where the ranges are far
    too wide, for then all events fall in one leaf.  A sudden change of what is normal is extreme
    for as long as patience lasts.

    References
    ----------
    Tan, Ting, Liu: Fast anomaly detection for streaming data. IJCAI 2011.
    """

    top = 1.0

    def __init__(self, forest: Forest, window: int, size_limit: float, patience: int) -> None:
        self._forest, self._window, self._size_limit = forest, window, size_limit
        self._patience = patience
        trees, inner = forest.feature.shape
        self._reference = np.zeros((trees, 2 * inner), np.int32)
        self._latest = np.zeros((trees, 2 * inner), np.int32)
        self._last = np.zeros((trees, 2 * inner), np.int32)
        self._before = np.zeros((trees, 2 * inner), np.int32)
        self._head = np.zeros(_OPEN + 1, np.int64)
        self._masses = np.zeros(_BINS, np.int64)
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
        patience: int = PATIENCE,
    ) -> "HalfSpaceTrees":
        """Trees grown at random over the features' ranges; see :func:`grow`."""
        feature, threshold = grow(ranges, n_trees, height, seed)
        return cls(Forest(feature, threshold), window, size_limit, patience)

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score each row of float64[n, d], then learn it; see :class:`Detector`."""
        n, full, left = len(values), self._head[_FULL], self._window - int(self._head[_SEEN])
        mass = np.empty(n, np.int64)
        _score_then_learn(
            values,
            self._forest.feature,
            self._forest.threshold,
            self._reference,
            self._latest,
            self._last,
            self._before,
            self._head,
            self._masses,
            self._window,
            self._size_limit,
            self._patience,
            np.empty(len(self._reference), np.int64),
            np.empty(len(self._reference), np.int64),
            mass,
        )
        scores: NDArray[np.float64] = 1.0 - mass / self._largest_mass
        if not full:
            scores[:left] = np.nan
        return scores

    def snapshot(self) -> bytes:
        """The masses of both windows, and what was refused."""
        return msgspec.msgpack.encode([each.tobytes() for each in self._arrays()])

    def restore(self, data: bytes) -> None:
        """Restore the state of trees of the same configuration."""
        parts = msgspec.msgpack.decode(data, type=list[bytes])
        for target, source in zip(self._arrays(), parts, strict=True):
            target[:] = np.frombuffer(source, target.dtype).reshape(target.shape)

    def _arrays(self) -> tuple[NDArray[np.generic], ...]:
        masses = (self._reference, self._latest, self._last, self._before)
        return self._head, self._masses, *masses


class TreesEntry(Entry, tag="half_space_trees", frozen=True, kw_only=True):
    """See :class:`HalfSpaceTrees`; without a size limit it is a tenth of the window."""

    n_trees: Annotated[int, Meta(ge=1, le=200)] = 25
    height: Annotated[int, Meta(ge=1, le=12)] = 8
    window: Annotated[int, Meta(ge=2, le=1_000_000)] = 1_000
    size_limit: Annotated[float, Meta(ge=0)] | None = None
    patience: Annotated[int, Meta(ge=0, le=1_000_000)] = PATIENCE
    seed: int

    def build(self, ranges: Mapping[str, Range]) -> HalfSpaceTrees:
        """Trees that have learnt nothing."""
        limit = _SIZE_LIMIT_SHARE * self.window if self.size_limit is None else self.size_limit
        return HalfSpaceTrees.grown(
            tuple(ranges.values()),
            n_trees=self.n_trees,
            height=self.height,
            window=self.window,
            size_limit=limit,
            seed=self.seed,
            patience=self.patience,
        )
