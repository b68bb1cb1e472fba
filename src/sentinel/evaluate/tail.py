"""How rare an excess over a high threshold is: peaks over threshold, with moments."""

import math

import numpy as np
from numpy.typing import NDArray

from sentinel.model.kernel import kernel

_ENOUGH = 5  # excesses before a shape is fitted
_HEAVIEST = 0.45  # the shape's limit: moments do not exist at 0.5 and above


@kernel
def tail(
    excess: float, threshold: float, share: float, excesses: NDArray[np.float64], n: int
) -> float:
    """P(a value exceeds the threshold by ``excess`` or more), given earlier excesses.

    ``share`` is that of all values above the threshold, ``excesses`` float64[n] has ``n`` of
    them in front, in any order.  A generalised Pareto tail with shape and scale by moments
    (Hosking and Wallis, Technometrics 1987), in closed form where SPOT searches a likelihood's
    maximum.  The shape is kept from 0 (exponential) to 0.45: a tail with an end would call the
    first value past it impossible.
    """
    if n < _ENOUGH:
        return share * math.exp(-excess / max(threshold, 1e-9))
    mean = 0.0
    for i in range(n):
        mean += excesses[i]
    mean = max(mean / n, 1e-9)
    variance = 0.0
    for i in range(n):
        variance += (excesses[i] - mean) ** 2
    variance /= n
    shape = 0.0
    if variance > 0.0:
        shape = min(_HEAVIEST, max(0.0, 0.5 * (1.0 - mean * mean / variance)))
    scale = mean * (1.0 - shape)
    if shape < 1e-3:
        return share * math.exp(-excess / scale)
    return float(share * (1.0 + shape * excess / scale) ** (-1.0 / shape))
