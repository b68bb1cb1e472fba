"""The Numenta Anomaly Benchmark: the series detector on its files, by its scorer.

A folder a group, a CSV a series, ``windows.json`` with the labels.  Every series has a new
detector; one threshold serves all of them.  Lavin and Ahmad: Evaluating real-time anomaly
detection algorithms. ICMLA 2015.
"""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from sentinel.evaluate.nab_score import (
    PROFILES,
    Best,
    Labelled,
    optimise,
    probation,
    score_at,
)
from sentinel.evaluate.series import SeriesDetector

PUBLISHED = {
    "HTM": 70.5,
    "CAD OSE": 69.9,
    "KNN-CAD": 58.0,
    "relative entropy": 54.6,
    "random cut forest": 51.7,
    "windowed Gaussian": 39.6,
}
"""Standard profile on the whole corpus of 58 series, by NAB's own scoreboard."""


class NabError(Exception):
    """A folder that is not laid out as NAB's; the message has its path."""


@dataclass(frozen=True, slots=True)
class Series:
    """A metric: ``at_ms`` int64[n] rising (read as UTC), ``values`` float64[n], windows of rows."""

    name: str
    at_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """NAB's scores, 100 at most.

    ``best`` by profile over all series; ``groups``: the standard profile's score of each group
    with windows, by the threshold of all; ``left_out``: by the threshold of all other groups.
    """

    series: int
    rows: int
    windows: int
    best: dict[str, Best]
    groups: dict[str, float]
    left_out: dict[str, float]


def evaluate(folder: Path) -> Report:
    """Score every series of the folder by every profile.

    Raises :class:`NabError` for what is not laid out so, or has nothing to score.
    """
    series = read(folder)
    files = {each.name: Labelled(anomaly_scores(each), each.windows) for each in series}
    if not any(each.windows for each in series):
        raise NabError(f"{folder}: no series has an anomaly window")
    standard, everything = PROFILES[0], list(files.values())
    best = {profile.name: optimise(everything, profile) for profile in PROFILES}
    groups, left_out = {}, {}
    for group in sorted({_group(name) for name in files}):
        ours = [file for name, file in files.items() if _group(name) == group]
        others = [file for name, file in files.items() if _group(name) != group]
        if any(file.windows for file in ours):
            groups[group] = score_at(best[standard.name].threshold, ours, standard)
            if any(file.windows for file in others):
                threshold = optimise(others, standard).threshold
                left_out[group] = score_at(threshold, ours, standard)
    return Report(
        series=len(series),
        rows=sum(len(each.values) for each in series),
        windows=sum(len(each.windows) for each in series),
        best=best,
        groups=groups,
        left_out=left_out,
    )


def anomaly_scores(series: Series) -> NDArray[np.float64]:
    """The detector's score of each value in [0, 1], 0 while it has none.

    The interval is the median of the probationary part, which is all that may be looked at.
    """
    n = len(series.values)
    interval_ms = int(np.median(np.diff(series.at_ms[: max(2, probation(n))])))
    detector = SeriesDetector(1, interval_ms)
    scored = detector.score(series.at_ms, np.zeros(n, np.int64), series.values)
    return np.nan_to_num(scored.score, nan=0.0)


def _group(name: str) -> str:
    return name.partition("/")[0]


def read(folder: Path) -> list[Series]:
    """Every series that ``windows.json`` names, by name.

    Raises :class:`NabError` for a file that cannot be read so, ``OSError`` for one that is missing.
    """
    labels = folder / "windows.json"
    try:
        windows = msgspec.json.decode(labels.read_bytes(), type=dict[str, list[tuple[str, str]]])
    except msgspec.MsgspecError as error:
        raise NabError(f"{labels}: {error}") from None
    return [_series(folder, name, windows[name]) for name in sorted(windows)]


def _series(folder: Path, name: str, windows: list[tuple[str, str]]) -> Series:
    path = folder / name
    at_ms, values = [], []
    with path.open(newline="") as lines:
        reader = csv.DictReader(lines)
        for row in reader:
            try:
                at_ms.append(_ms(row["timestamp"]))
                values.append(float(row["value"]))
            except (KeyError, TypeError, ValueError):
                raise NabError(f"{path}:{reader.line_num}: not a timestamp and a value") from None
    at = np.array(at_ms, np.int64)
    if len(at) < 2:
        raise NabError(f"{path}: fewer than two rows")
    try:
        ends = [(_ms(start), _ms(end)) for start, end in windows]
    except ValueError as error:
        raise NabError(f"{folder / 'windows.json'}: {name}: {error}") from None
    rows = [
        (int(np.searchsorted(at, start)), int(np.searchsorted(at, end, "right")) - 1)
        for start, end in ends
    ]
    if any(left > right for left, right in rows):
        raise NabError(f"{folder / 'windows.json'}: {name}: a window without a row")
    return Series(name, at, np.array(values, np.float64), tuple(rows))


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
