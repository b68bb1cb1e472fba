"""Series: is a metric's value strange for this metric, at this hour, on this day."""

from dataclasses import dataclass
from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.evaluate.series_kernel import (
    DAY_MS,
    DROP,
    HEAD,
    KEPT_EXCESSES,
    NONE,
    OUTAGE,
    SHIFT,
    SHORT_ROWS,
    SURGE,
    score_then_learn,
)

FINEST_SLOT_MS = 300_000


class Strange(IntEnum):
    """In what way a value is strange."""

    NONE = NONE
    SURGE = SURGE
    DROP = DROP
    SHIFT = SHIFT
    OUTAGE = OUTAGE


@dataclass(frozen=True, slots=True)
class Scored:
    """The results of a detector for n values.

    ``p`` float64[n] in (0, 1]: how rare so strange a value is on its series; 1 for what is not in
    the tail, NaN where the value is missing or the series is new.  ``score`` float64[n] in
    [0, 1]: log10(p) / -30 where it is the strongest of the day so far, otherwise 0: a new
    episode, or one that grows.  ``kind`` int8[n] of :class:`Strange`.
    """

    p: NDArray[np.float64]
    score: NDArray[np.float64]
    kind: NDArray[np.int8]


def p_for(alerts_a_day: float, interval_ms: int) -> float:
    """The p at or below which one series gives about so many strange values a day."""
    return min(1.0, alerts_a_day * interval_ms / DAY_MS)


class SeriesDetector:
    """Surge, drop, level shift and outage on many metric series at once.

    Parameters
    ----------
    n_series
        How many series; each has about 22 KB at intervals of five minutes or less.
    interval_ms
        The time between two values of a series.

    Notes
    -----
    A series has three forecasters: its level (half-life six values), its value at this time
    of day, and at this time of the week.  The one that has erred least so far is used.
    The surprise is the value's distance from that forecast in mean absolute errors (errors are
    clipped at three of them, so that an anomaly hardly widens the scale).  Two views of it are
    ranked: the surprise itself (surge, drop), and the mean of the last twelve against its own
    long-term distribution (shift), as in NAB's anomaly likelihood.  Each view's tail beyond
    its 98 % quantile is a generalised Pareto one over the last 256 excesses, which gives p; two
    views have two chances, so p is twice the lesser.  Instead of SPOT's fixed initial quantile
    the threshold follows the stream, by Robbins and Monro's steps.  An outage is below the
    forecast and either 0 or the same for more than twelve values.

    A value that is missing (NaN, infinite, or no row at all) teaches nothing; seasons go by
    the clock, so a gap shifts nothing.  Feed a 0 for an interval in which nothing came, for an
    interval that is never fed is never strange.

    It fails when a season is neither a day nor a week (summer time moves it for a few days), in
    the first two days, before a day's season is known, on a trend so steep that a level with a
    half-life of six values lags by more than the noise, and when anomalies are so frequent (over
    2 % of values) that they are the tail.  A slow drift is followed, not reported.

    References
    ----------
    Siffer, Fouque, Termier, Largouet: Anomaly detection in streams with extreme value
    theory. KDD 2017.
    Ahmad, Lavin, Purdy, Agha: Unsupervised real-time anomaly detection for streaming data.
    Neurocomputing 262, 2017 (likelihood).
    Robbins, Monro: A stochastic approximation method. Ann. Math. Statist. 22, 1951.
    """

    def __init__(self, n_series: int, interval_ms: int) -> None:
        self._slot_ms = max(interval_ms, FINEST_SLOT_MS)
        self._slots_a_day = max(1, DAY_MS // self._slot_ms)
        self._head = np.zeros((n_series, HEAD))
        self._profile = np.full((n_series, 8 * self._slots_a_day), np.nan)
        self._short = np.zeros((n_series, SHORT_ROWS))
        self._excesses = np.zeros((n_series, 2, KEPT_EXCESSES))

    def score(
        self, at_ms: NDArray[np.int64], series: NDArray[np.int64], values: NDArray[np.float64]
    ) -> Scored:
        """Score each value, then learn it, row by row.

        ``at_ms`` int64[n] are the intervals' ends, rising within a series; ``series`` int64[n]
        from 0 to n_series - 1; ``values`` float64[n].  Raises ``IndexError`` for a series that
        there is not.
        """
        n = len(values)
        if n and (series.min() < 0 or series.max() >= len(self._head)):
            raise IndexError(f"series from 0 to {len(self._head) - 1}")
        scored = Scored(np.empty(n), np.empty(n), np.empty(n, np.int8))
        score_then_learn(
            at_ms,
            series,
            values,
            self._slot_ms,
            self._slots_a_day,
            self._head,
            self._profile,
            self._short,
            self._excesses,
            scored.p,
            scored.score,
            scored.kind,
        )
        return scored

    def snapshot(self) -> bytes:
        """All that was learnt; equal states give equal bytes."""
        return msgspec.msgpack.encode([each.tobytes() for each in self._arrays])

    def restore(self, data: bytes) -> None:
        """Restore the state of a detector of the same series and interval."""
        for target, source in zip(
            self._arrays, msgspec.msgpack.decode(data, type=list[bytes]), strict=True
        ):
            target[:] = np.frombuffer(source).reshape(target.shape)

    @property
    def _arrays(self) -> tuple[NDArray[np.float64], ...]:
        return self._head, self._profile, self._short, self._excesses
