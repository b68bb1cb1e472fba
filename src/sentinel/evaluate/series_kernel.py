"""One pass over the values of many series: forecast, two surprises, their tails, then learn."""

import math

import numpy as np
from numpy.typing import NDArray

from sentinel.evaluate.tail import tail
from sentinel.model.kernel import kernel

DAY_MS = 86_400_000
WARM_UP_ROWS = 50
SHORT_ROWS = 12
KEPT_EXCESSES = 256
LEAST_P = 1e-30

NONE, SURGE, DROP, SHIFT, OUTAGE = 0, 1, 2, 3, 4  # kinds

_LEVEL, _DAY, _WEEK = 0, 1, 2  # forecasters
_ROWS, _LEVEL_AT, _SCALE, _SCALED = 0, 1, 2, 3  # indices of the head
_SHORT_MEAN, _SHORT_SQUARE, _PEAK, _PEAK_AT, _LAST, _FLAT = 4, 5, 6, 7, 8, 9
_ERROR, _ERRORS, _THRESHOLD, _EXCESSES = 10, 13, 16, 18
HEAD = 20

_POINT, _DRIFT = 0, 1  # views: the surprise of a row, the mean of the last SHORT_ROWS of them

_LEVEL_GAIN = 1.0 - 0.5 ** (1 / 6)  # half-lives in rows
_LONG_GAIN = 1.0 - 0.5 ** (1 / 4000)
_DAY_GAIN, _WEEK_GAIN = 0.3, 0.5  # few days are seen, fewer weeks
_TAIL_SHARE = 0.02  # SPOT's initial quantile, 98 %
_CLIP = 3.0  # scales: what is further off teaches no more than this
_TRUSTED_ROWS = 10
_FAR, _FAR_EXCESS = 1e6, 1e3


@kernel
def learn_scale(scale: float, error: float, rows: float) -> float:
    """The mean absolute error with one more, clipped once there are enough values."""
    if rows >= 30 and scale > 0.0:
        error = min(error, _CLIP * scale)
    return scale + max(_LONG_GAIN, 1.0 / (rows + 1.0)) * (error - scale)


@kernel
def score_then_learn(
    at_ms: NDArray[np.int64],
    series: NDArray[np.int64],
    values: NDArray[np.float64],
    slot_ms: int,
    slots_a_day: int,
    head: NDArray[np.float64],
    profile: NDArray[np.float64],
    short: NDArray[np.float64],
    excesses: NDArray[np.float64],
    p_values: NDArray[np.float64],
    scores: NDArray[np.float64],
    kinds: NDArray[np.int8],
) -> None:
    """See :class:`sentinel.evaluate.series.SeriesDetector`.

    Per series s: ``head[s]`` are its numbers, ``profile[s]`` float64[8 * slots_a_day] a day's
    and then a week's value for each slot (NaN not seen yet), ``short[s]`` float64[SHORT_ROWS] a
    ring of the last surprises, ``excesses[s, view]`` a ring of each view's last excesses.
    """
    for row in range(len(values)):
        p_values[row] = scores[row] = np.nan
        kinds[row] = NONE
        s, value = series[row], values[row]
        if not math.isfinite(value):
            continue
        rows = head[s, _ROWS]
        if rows == 0:
            head[s, _LEVEL_AT] = value
        week_slot = (at_ms[row] // slot_ms) % (7 * slots_a_day)
        day_index, week_index = week_slot % slots_a_day, slots_a_day + week_slot
        least = 1e-9 * max(1.0, abs(value))

        best, forecast = -1.0, 0.0  # the forecaster that has erred least
        for which in (_LEVEL, _DAY, _WEEK):
            expected = head[s, _LEVEL_AT]
            if which == _DAY:
                expected = profile[s, day_index]
            elif which == _WEEK:
                expected = profile[s, week_index]
            if math.isnan(expected):
                continue
            error, errors = head[s, _ERROR + which], head[s, _ERRORS + which]
            if errors >= _TRUSTED_ROWS and (best < 0.0 or error < best):
                best, forecast = error, expected
            head[s, _ERROR + which] = learn_scale(error, abs(value - expected), errors)
            head[s, _ERRORS + which] = errors + 1
        surprise = 0.0
        if best >= 0.0:
            off, scale, scaled = value - forecast, head[s, _SCALE], head[s, _SCALED]
            if scaled >= _TRUSTED_ROWS:
                surprise = max(-_FAR, min(_FAR, off / max(scale, least)))
            head[s, _SCALE] = learn_scale(scale, abs(off), scaled)
            head[s, _SCALED] = scaled + 1

        short[s, int(rows) % SHORT_ROWS] = max(-_CLIP, min(_CLIP, surprise))
        mean = 0.0
        for index in range(SHORT_ROWS):
            mean += short[s, index]
        mean /= SHORT_ROWS
        moved = abs(mean - head[s, _SHORT_MEAN])
        spread = math.sqrt(max(head[s, _SHORT_SQUARE], 1e-6))

        p_point = p_shift = 1.0
        for view in (_POINT, _DRIFT):
            strange = abs(surprise) if view == _POINT else moved / spread
            threshold, count = head[s, _THRESHOLD + view], head[s, _EXCESSES + view]
            above = strange > threshold
            if above:
                excess, kept = strange - threshold, int(min(count, KEPT_EXCESSES))
                p = max(LEAST_P, tail(excess, threshold, _TAIL_SHARE, excesses[s, view], kept))
                if view == _POINT:
                    p_point = p
                else:
                    p_shift = p
                excesses[s, view, int(count) % KEPT_EXCESSES] = min(excess, _FAR_EXCESS)
                head[s, _EXCESSES + view] = count + 1
            step = 0.025 * max(threshold, 0.2) * (5.0 if rows < WARM_UP_ROWS else 1.0)
            move = step * (above - _TAIL_SHARE)  # rests where the share above is as wanted
            head[s, _THRESHOLD + view] = max(0.0, threshold + move)

        head[s, _FLAT] = head[s, _FLAT] + 1 if rows > 0 and value == head[s, _LAST] else 0
        if rows >= WARM_UP_ROWS:
            p = min(1.0, 2.0 * min(p_point, p_shift))  # two views, two chances
            p_values[row] = p
            if p < 1.0:
                if surprise < 0 and (value == 0 or head[s, _FLAT] >= SHORT_ROWS):
                    kinds[row] = OUTAGE
                elif p_shift < p_point:
                    kinds[row] = SHIFT
                else:
                    kinds[row] = SURGE if surprise > 0 else DROP
            strength = abs(math.log10(p)) / abs(math.log10(LEAST_P))
            scores[row] = 0.0
            if strength > head[s, _PEAK] or at_ms[row] - head[s, _PEAK_AT] > DAY_MS:
                scores[row] = strength
                head[s, _PEAK], head[s, _PEAK_AT] = strength, at_ms[row]

        gain = max(_LONG_GAIN, 1.0 / (rows + 1.0))
        off = mean - head[s, _SHORT_MEAN]
        head[s, _SHORT_MEAN] += gain * off
        head[s, _SHORT_SQUARE] += gain * (off * off - head[s, _SHORT_SQUARE])
        head[s, _LEVEL_AT] += _LEVEL_GAIN * (value - head[s, _LEVEL_AT])
        for which in (_DAY, _WEEK):
            index = day_index if which == _DAY else week_index
            rate = _DAY_GAIN if which == _DAY else _WEEK_GAIN
            old = profile[s, index]
            profile[s, index] = value if math.isnan(old) else old + rate * (value - old)
        head[s, _LAST], head[s, _ROWS] = value, rows + 1
