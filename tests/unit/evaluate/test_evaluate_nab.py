"""NAB's folder: read, scored, and refused where it is not one."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from sentinel.evaluate.nab import NabError, evaluate, read

START = datetime(2026, 1, 5, tzinfo=UTC)


def stamp(row: int) -> str:
    """The time of a row, five minutes apart."""
    return f"{START + timedelta(minutes=5 * row):%Y-%m-%d %H:%M:%S}"


def write(folder: Path, windows: dict[str, list[list[str]]] | None = None) -> Path:
    """Two groups of one noisy series each, with a burst at rows 1500 to 1509."""
    for seed, name in enumerate(("one/a.csv", "two/b.csv")):
        values = np.random.default_rng(seed).normal(100.0, 3.0, 2_000)
        values[1_500:1_510] += 80.0
        (folder / name).parent.mkdir()
        lines = [f"{stamp(row)},{value:.3f}" for row, value in enumerate(values)]
        (folder / name).write_text("\n".join(["timestamp,value", *lines]) + "\n")
    burst = [[stamp(1_490) + ".000000", stamp(1_550) + ".000000"]]
    labels = windows or {"two/b.csv": burst, "one/a.csv": burst}
    (folder / "windows.json").write_text(json.dumps(labels))
    return folder


def test_series_are_read_by_name_with_windows_of_rows(tmp_path: Path) -> None:
    """Both ends of a window are within it."""
    first, second = read(write(tmp_path))
    assert (first.name, second.name) == ("one/a.csv", "two/b.csv")
    assert first.windows == ((1_490, 1_550),)
    assert len(first.values) == 2_000
    assert first.at_ms[1] - first.at_ms[0] == 300_000


def test_an_obvious_burst_scores_high(tmp_path: Path) -> None:
    """On bursts that anyone would see, one threshold for both series scores above 90."""
    report = evaluate(write(tmp_path))
    assert (report.series, report.rows, report.windows) == (2, 4_000, 2)
    assert report.best["standard"].score > 90
    assert report.groups.keys() == report.left_out.keys() == {"one", "two"}


def test_what_is_not_nabs_is_refused_with_its_place(tmp_path: Path) -> None:
    """A bad value names file and line, a bad label file itself, an empty one says so."""
    folder = write(tmp_path)
    text = (folder / "one/a.csv").read_text().splitlines()
    text[4] = "yesterday,1"
    (folder / "one/a.csv").write_text("\n".join(text))
    with pytest.raises(NabError, match=r"a\.csv:5: not a timestamp and a value"):
        read(folder)
    (folder / "windows.json").write_text("[]")
    with pytest.raises(NabError, match=r"windows\.json: Expected `object`"):
        read(folder)
    (folder / "windows.json").write_text('{"two/b.csv": []}')
    with pytest.raises(NabError, match="no series has an anomaly window"):
        evaluate(folder)
    (folder / "windows.json").write_text('{"two/b.csv": [["2020-01-01", "2020-01-02"]]}')
    with pytest.raises(NabError, match="a window without a row"):
        read(folder)
