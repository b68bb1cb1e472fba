"""The figures by which detection of card fraud is compared."""

import numpy as np
from numpy.typing import NDArray


def auc(fraud: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """The chance that a fraud scores above another event; a draw is half."""
    frauds, others = _curve(fraud, score)
    area = np.trapezoid(np.append(0, frauds), np.append(0, others))
    return float(area / (frauds[-1] * others[-1]))


def average_precision(fraud: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Precision at each threshold, weighted by the recall that it adds; ties are one threshold."""
    frauds, others = _curve(fraud, score)
    gained = np.diff(frauds, prepend=0)
    return float((gained * frauds / (frauds + others)).sum() / frauds[-1])


def card_precision(
    day: NDArray[np.int64],
    card: NDArray[np.int64],
    fraud: NDArray[np.bool_],
    score: NDArray[np.float64],
    top: int,
) -> float:
    """The mean over days of the share of compromised cards among the ``top`` by highest score.

    A compromised card that was among them is removed from the days after.  Cards of one score
    are in the order of their number.
    """
    detected = np.zeros(0, np.int64)
    shares = []
    for each in np.unique(day):
        rows = np.flatnonzero((day == each) & ~np.isin(card, detected))
        cards, index = np.unique(card[rows], return_inverse=True)
        highest = np.full(len(cards), -np.inf)
        np.maximum.at(highest, index, score[rows])
        compromised = np.bincount(index, fraud[rows], len(cards)) > 0
        first = np.argsort(-highest, kind="stable")[:top]
        found = cards[first][compromised[first]]
        shares.append(len(found) / top)
        detected = np.append(detected, found)
    return float(np.mean(shares))


def _curve(
    fraud: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frauds and others at or above each distinct score, highest first."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    frauds = np.cumsum(fraud[order])[last]
    return frauds, last + 1 - frauds
