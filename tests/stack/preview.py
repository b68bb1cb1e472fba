"""Pictures of what the dashboards would show: drawn with matplotlib, and labelled as such."""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from tests.stack.prometheus import DASHBOARDS, PrometheusApi

_COLUMNS, _ROW_INCHES, _HEAD_INCHES = 24, 0.36, 0.5
_COLOURS = {"red": "#E02F44", "orange": "#FF780A", "yellow": "#F2CC0C", "blue": "#3274D9"}
_NAMES_SHOWN = 12
_HEADROOM = 1.4  # above the lines, for the legend


def draw(
    prometheus: PrometheusApi, folder: Path, variables: Mapping[str, str], seconds: float
) -> None:
    """Write a picture of each dashboard's last ``seconds`` into the folder."""
    mpl.use("Agg")
    plt.rcParams.update({"font.size": 7, "axes.grid": True, "grid.alpha": 0.3})
    folder.mkdir(parents=True, exist_ok=True)
    end = time.time()
    for file in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(file.read_text("utf-8"))
        rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
        figure = plt.figure(figsize=(14, rows * _ROW_INCHES + _HEAD_INCHES))
        for panel in board["panels"]:
            axes = figure.add_axes(_axes_area(panel["gridPos"], rows, panel["type"]))
            axes.set_title(_english(panel["title"]), loc="left", fontweight="bold")
            found = [
                (target["legendFormat"], _asked(prometheus, target, variables, end, seconds))
                for target in panel["targets"]
            ]
            _PAINT[panel["type"]](axes, found)
        title = f"{_english(board['title'])}   —   preview, not Grafana (simulated bank)"
        figure.suptitle(title, x=0.02, y=0.995, ha="left", fontsize=11)
        figure.savefig(folder / f"{file.stem}.png", dpi=70)
        plt.close(figure)


def _axes_area(cell: Mapping[str, int], rows: int, kind: str) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of a panel's axes as shares of the figure."""
    inches = rows * _ROW_INCHES + _HEAD_INCHES
    labels = 0.13 if kind == "bargauge" else 0.03
    left, width = cell["x"] / _COLUMNS + labels, cell["w"] / _COLUMNS - labels - 0.015
    top = _HEAD_INCHES + cell["y"] * _ROW_INCHES + 0.35
    height = cell["h"] * _ROW_INCHES - 0.75
    return left, 1 - (top + height) / inches, width, height / inches


def _english(title: str) -> str:
    """The part before the Chinese one, for which there may be no font."""
    return title.partition(" · ")[0]


def _asked(
    prometheus: PrometheusApi,
    target: Mapping[str, Any],
    variables: Mapping[str, str],
    end: float,
    seconds: float,
) -> list[Any]:
    query = target["expr"]
    for variable, value in variables.items():
        query = query.replace(variable, value)
    if target["instant"]:
        return prometheus.samples(query)
    span = {"start": f"{end - seconds}", "end": f"{end}", "step": "2"}
    return list(prometheus.ask("query_range", query=query, **span)["result"])


def _named(legend: str, metric: Mapping[str, str]) -> str:
    for label, value in metric.items():
        legend = legend.replace(f"{{{{{label}}}}}", value)
    return legend


def _lines(axes: Any, found: list[tuple[str, list[Any]]]) -> None:
    lines = [
        (
            _named(legend, each["metric"]),
            [(float(at), float(value)) for at, value in each["values"]],
        )
        for legend, series in found
        for each in series
    ]
    lines.sort(key=lambda line: -_highest(line[1]))
    # A series may end before the others: topk leaves it out.
    end = max((values[-1][0] for _, values in lines), default=0.0)
    for name, values in lines[:_NAMES_SHOWN]:
        moments = [at - end for at, _ in values]
        heights = [value for _, value in values]
        axes.plot(moments, heights, label=name, linewidth=1, color=_COLOURS.get(name))
    highest = _highest(lines[0][1]) if lines else 0.0
    axes.set_ylim(0, _HEADROOM * highest or 1)
    axes.legend(fontsize=5.5, ncol=3, loc="upper left")


def _highest(values: list[tuple[float, float]]) -> float:
    return max((value for _, value in values if math.isfinite(value)), default=0.0)


def _bars(axes: Any, found: list[tuple[str, list[Any]]]) -> None:
    bars = [
        (_named(legend, each["metric"]), float(each["value"][1]))
        for legend, series in found
        for each in series
    ]
    bars = sorted((bar for bar in bars if not math.isnan(bar[1])), key=lambda bar: bar[1])
    bars = bars[-_NAMES_SHOWN:]
    axes.barh([name for name, _ in bars], [value for _, value in bars])
    if not any(value for _, value in bars):
        axes.set_xlim(0, 1)


def _number(axes: Any, found: list[tuple[str, list[Any]]]) -> None:
    values = [float(each["value"][1]) for _, series in found for each in series]
    axes.axis("off")
    shown = f"{sum(values):,.3g}" if values else "none"
    axes.text(0.5, 0.4, shown, ha="center", va="center", fontsize=20)


_PAINT = {"timeseries": _lines, "bargauge": _bars, "stat": _number}
