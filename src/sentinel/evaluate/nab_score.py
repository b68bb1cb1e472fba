"""The scorer of the Numenta Anomaly Benchmark: early detections earn, false ones cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PROBATION_SHARE = 0.15
PROBATION_ROWS = 750  # 15 % of 5,000, however long the file
NO_DETECTION = math.inf


@dataclass(frozen=True, slots=True)
class Profile:
    """What an application gains by a detection and loses by an error; all positive."""

    name: str
    true_positive: float
    false_positive: float
    false_negative: float


PROFILES = (
    Profile("standard", 1.0, 0.11, 1.0),
    Profile("reward_low_FP", 1.0, 0.22, 1.0),
    Profile("reward_low_FN", 1.0, 0.11, 2.0),
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A file's anomaly scores float64[n] in [0, 1] and its windows of rows, both ends within.

    Windows are in order and do not overlap.
    """

    scores: NDArray[np.float64]
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Best:
    """The best threshold over all files (``inf``: detect nothing) and its score, 100 at most."""

    threshold: float
    score: float


def probation(rows: int) -> int:
    """How many first rows of a file are for learning only."""
    return min(math.floor(PROBATION_SHARE * rows), PROBATION_ROWS)


def sigmoid(position: float) -> float:
    """The paper's scaled sigmoid: near 1 at the left end of a window (-1), 0 at its right end.

    Above 0 it falls towards -1, and is -1 more than three windows past the end.
    """
    return -1.0 if position > 3.0 else 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0


def worths(rows: int, windows: Sequence[tuple[int, int]], profile: Profile) -> NDArray[np.float64]:
    """What a detection at each row is worth alone: float64[rows].

    In a window from 0 to ``true_positive``, the earlier the more; outside from
    ``-false_positive`` up to 0, least bad just after a window.
    """
    out = np.full(rows, -profile.false_positive)
    bounds = [*(left for left, _ in windows), rows][1:]
    for (left, right), until in zip(windows, bounds, strict=True):
        width = right - left + 1
        for row in range(left, right + 1):
            share = sigmoid(-(right - row + 1) / width) / sigmoid(-1.0)
            out[row] = profile.true_positive * share
        for row in range(right + 1, until):
            position = (row - right) / (width - 1) if width > 1 else math.inf
            out[row] = profile.false_positive * sigmoid(position)
    return out


def score_at(threshold: float, files: Sequence[Labelled], profile: Profile) -> float:
    """The normalised score of one threshold: 0 for no detection at all, 100 for the ideal.

    A window counts once, by its earliest detection; every detection outside counts.  A row is
    detected when its score reaches the threshold.  Raises ``ValueError`` if no file has a window.
    """
    total = sum(_raw(each, threshold, profile) for each in files)
    return _normalised(total, files, profile)


def optimise(files: Sequence[Labelled], profile: Profile) -> Best:
    """The one threshold that is best over all files together, as NAB's optimiser finds it.

    All scores are tried, from the highest down; on a draw the highest wins.  Raises
    ``ValueError`` if no file has a window.
    """
    scores, gains = zip(*(_gains(each, profile) for each in files), strict=True)
    score, gain = np.concatenate(scores), np.concatenate(gains)
    order = np.argsort(-score, kind="stable")
    score, gain = score[order], gain[order]
    windows = sum(len(each.windows) for each in files)
    totals = np.cumsum(gain) - profile.false_negative * windows
    last_of_equals = np.append(score[1:] != score[:-1], True)  # a threshold takes all equals
    totals, score = totals[last_of_equals], score[last_of_equals]
    best = int(np.argmax(totals)) if len(totals) else -1
    nothing = -profile.false_negative * windows
    if best < 0 or totals[best] <= nothing:
        return Best(NO_DETECTION, _normalised(nothing, files, profile))
    return Best(float(score[best]), _normalised(float(totals[best]), files, profile))


def _gains(file: Labelled, profile: Profile) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores after probation, and what each adds to the total when the threshold falls to it.

    In a window only a detection that is earlier than those of all higher scores adds: the
    difference to them.  The first one also undoes the miss.
    """
    start = probation(len(file.scores))
    gain = worths(len(file.scores), file.windows, profile)
    for left, right in file.windows:
        first, worth = max(left, start), -profile.false_negative
        rows = np.arange(first, right + 1)
        for row in rows[np.argsort(-file.scores[first : right + 1], kind="stable")]:
            alone = gain[row]
            gain[row] = max(0.0, alone - worth)
            worth = max(worth, alone)
    return file.scores[start:], gain[start:]


def _raw(file: Labelled, threshold: float, profile: Profile) -> float:
    worth = worths(len(file.scores), file.windows, profile)
    detected = file.scores >= threshold
    detected[: probation(len(file.scores))] = False
    total = 0.0
    for left, right in file.windows:
        hits = worth[left : right + 1][detected[left : right + 1]]
        total += float(hits.max()) if len(hits) else -profile.false_negative
        detected[left : right + 1] = False
    return total + float(worth[detected].sum())


def _normalised(total: float, files: Sequence[Labelled], profile: Profile) -> float:
    windows = sum(len(each.windows) for each in files)
    if not windows:
        raise ValueError("no file has an anomaly window: nothing to score")
    null, perfect = -profile.false_negative * windows, profile.true_positive * windows
    return 100.0 * (total - null) / (perfect - null)
