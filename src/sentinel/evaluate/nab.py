"""The Numenta Anomaly Benchmark's files: a folder a group, a CSV a series, ``windows.json``."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray


class NabError(Exception):
    """A folder that is not laid out as NAB's, said with its place."""


@dataclass(frozen=True, slots=True)
class Series:
    """A metric: ``at_ms`` int64[n] rising (read as UTC), ``values`` float64[n], windows of rows."""

    name: str
    at_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    windows: tuple[tuple[int, int], ...]


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
