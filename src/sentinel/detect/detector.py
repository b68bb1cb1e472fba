"""The interface of every kind of detector."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Detector(Protocol):
    """An online anomaly model over a fixed list of d features."""

    @property
    def top(self) -> float:
        """The least score that cannot be exceeded, 0.0 if there is none."""

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score each row, then learn it, row by row.

        ``values`` float64[n, d], NaN is missing.  Returns float64[n]: higher is
        stranger, NaN while the model has too little history.
        """

    def snapshot(self) -> bytes:
        """All that was learnt; equal states give equal bytes."""

    def restore(self, data: bytes) -> None:
        """Restore the state of a detector of the same configuration."""
