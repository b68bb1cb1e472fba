"""Calibration of a model's margin to a probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STEPS = 50
_ENOUGH = 1e-10


@dataclass(frozen=True, slots=True)
class Platt:
    """The probability 1 / (1 + exp(-(slope * margin + offset)))."""

    slope: float = 1.0
    offset: float = 0.0

    def probabilities(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability of each margin, float64[n] in (0, 1)."""
        with np.errstate(over="ignore"):
            return np.asarray(1.0 / (1.0 + np.exp(-(self.slope * margins + self.offset))))


def fit_platt(
    margins: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]
) -> Platt:
    """The scale that makes labels likeliest; as it is where that would turn the order round.

    ``margins`` float64[n] as they were when the rows were scored, before the model knew their
    ``labels`` bool[n]; ``weights`` float64[n].  Labels are drawn in by one row each way, as Platt
    does, so a perfect separation has an answer too.  A strictly rising curve keeps the ranking,
    where isotonic steps would tie what a desk has to order; it fails where the margin's
    distortion is not linear in log odds.

    References
    ----------
    Platt: Probabilistic outputs for support vector machines. 1999; Lin, Lin, Weng: A note on
    Platt's probabilistic outputs. Machine Learning 68, 2007 (Newton's method).
    """
    frauds, others = weights[labels].sum(), weights[~labels].sum()
    if not frauds or not others:
        return Platt()
    aims = np.where(labels, (frauds + 1) / (frauds + 2), 1 / (others + 2))
    rows = np.column_stack([margins, np.ones_like(margins)])
    at = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        p = Platt(*at).probabilities(margins)
        slope = rows.T @ (weights * (p - aims))
        curve = (rows * (weights * p * (1 - p))[:, None]).T @ rows + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        # Newton's step can overshoot where the curve is flat: it goes no further than 1.
        at = at - step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < _ENOUGH:
            break
    fitted = Platt(float(at[0]), float(at[1]))
    return fitted if fitted.slope > 0 and np.isfinite(at).all() else Platt()
