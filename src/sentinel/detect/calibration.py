"""Calibration: from a score to how rare such a score is on its stream."""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import kernel

BINS_PER_OCTAVE = 128
LEAST, MOST = (
    2.0**-16,
    2.0**16,
)  # distances with bins of their own; smaller and larger ones share a bin
_SIDE = 32 * BINS_PER_OCTAVE
BINS = 2 * _SIDE
_RESCALE_AT = 2.0**40

_SEEN, _WEIGHT, _TOTAL = 0, 1, 2  # indices of the head


@kernel
def _bin(below: float) -> int:
    """The bin, 0 to BINS - 1 and rising with ``below``, of a signed distance."""
    size = abs(below)
    if size < LEAST:
        index = 0
    elif size >= MOST:  # infinity, too, which has no mantissa
        index = _SIDE - 1
    else:
        mantissa, exponent = math.frexp(size / LEAST)  # mantissa from 0.5 up to 1
        part = int((mantissa - 0.5) * 2 * BINS_PER_OCTAVE)
        index = (exponent - 1) * BINS_PER_OCTAVE + part
    return _SIDE + index if below >= 0 else _SIDE - 1 - index


@kernel
def _rank_then_learn(
    scores: NDArray[np.float64],
    top: float,
    growth: float,
    warm_up: int,
    tree: NDArray[np.float64],
    head: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """``tree`` is a Fenwick tree: index k holds the weight of the (k & -k) bins up to k."""
    for i in range(len(scores)):
        out[i] = np.nan
        if math.isnan(scores[i]):
            continue
        weight = head[_WEIGHT]
        bin_index = _bin(top - scores[i]) + 1
        if head[_SEEN] >= warm_up:
            tail, index = weight, bin_index
            while index > 0:
                tail += tree[index]
                index &= index - 1
            out[i] = min(1.0, tail / (head[_TOTAL] + weight))
        index = bin_index
        while index <= BINS:
            tree[index] += weight
            index += index & -index
        head[_SEEN] += 1
        head[_TOTAL] += weight
        head[_WEIGHT] = weight * growth
        if head[_WEIGHT] >= _RESCALE_AT:  # by a power of two, so nothing is rounded
            tree /= _RESCALE_AT
            head[_WEIGHT] /= _RESCALE_AT
            head[_TOTAL] /= _RESCALE_AT


class Calibration:
    """Streaming tail probability: p = P(score >= s) on the stream so far.

    Parameters
    ----------
    top
        The least score that cannot be exceeded (0.0 if there is none).  Bins are
        1/128 octave of the distance from it, so a bounded score is resolved ever finer
        towards its top, and an unbounded one to 1 % of its size.
    half_life_events
        An event counts half when so many more have come.
    warm_up
        Scores to learn before the first p.

    Notes
    -----
    A score is ranked among the earlier ones and itself, (W(>= s) + 1) / (W + 1) in weights
    relative to its own, and then learnt.  If scores are exchangeable, p is at most a
    in at most a share a of events, but for the width of a bin, which only ever makes p
    larger.  The least p is 1 / (1 + half_life_events / ln 2).  Weights follow forward decay:
    they grow with the count of scores instead of all bins fading.

    It fails when the stream's normal changes faster than the half-life (p is too small
    for a while), and when the scores of an unbounded model crowd within 1 % of one
    value far from 0 (p is then too large).  A missing score has a missing p and teaches nothing.

    References
    ----------
    Cormode, Shkapenyuk, Srivastava, Xu: Forward decay. ICDE 2009.
    Fenwick: A new data structure for cumulative frequency tables. SPE 24(3), 1994.
    Vovk, Gammerman, Shafer: Algorithmic learning in a random world, 2005 (conformal p).
    """

    def __init__(self, top: float, half_life_events: int, warm_up: int) -> None:
        self._top, self._warm_up = top, warm_up
        self._growth = 2.0 ** (1.0 / half_life_events)
        self._tree = np.zeros(BINS + 1, np.float64)
        self._head = np.array([0.0, 1.0, 0.0])

    def p_values(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The p-value of each score, taken before that score is learnt.

        ``scores`` float64[n].  Returns float64[n] in (0, 1]; NaN during warm-up and
        where the score is NaN.
        """
        out = np.empty(len(scores), np.float64)
        _rank_then_learn(
            scores, self._top, self._growth, self._warm_up, self._tree, self._head, out
        )
        return out

    def snapshot(self) -> bytes:
        """The bins and the running weight."""
        return msgspec.msgpack.encode([self._head.tobytes(), self._tree.tobytes()])

    def restore(self, data: bytes) -> None:
        """Restore the state of a calibration of the same configuration."""
        head, tree = msgspec.msgpack.decode(data, type=list[bytes])
        self._head[:] = np.frombuffer(head, np.float64)
        self._tree[:] = np.frombuffer(tree, np.float64)
