"""The range a feature is expected to move in, on a plain or a logarithmic scale."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """Where a feature's values lie: ``low`` to ``high``, low < high.

    ``log``: the scale is that of sign(x)·log(1 + |x|), for heavy-tailed
    values such as amounts.  Values outside the range are legal: they count as beyond
    its edge.
    """

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """How far ``value`` stands from low (0) to high (1); the edge if beyond it."""
        low, high, at = self._scaled(self.low), self._scaled(self.high), self._scaled(value)
        return min(1.0, max(0.0, (at - low) / (high - low)))

    def value(self, share: float) -> float:
        """The value that stands at ``share`` of the range: the inverse of :meth:`share`."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        at = low + share * (high - low)
        return math.copysign(math.expm1(abs(at)), at) if self.log else at

    def _scaled(self, value: float) -> float:
        return math.copysign(math.log1p(abs(value)), value) if self.log else value
