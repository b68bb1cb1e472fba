"""What `make bench` shows and writes."""

from io import StringIO

from benchmarks.__main__ import report
from benchmarks.figures import FIGURES, table
from benchmarks.machine import commit
from rich.console import Console

GOOD = {figure.key: figure.bar if figure.bar is not None else 1.0 for figure in FIGURES}


def _shown(values: dict[str, float]) -> str:
    console = Console(file=StringIO(), width=160)
    console.print(table(values))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


def test_a_missed_bar_is_marked() -> None:
    """A figure on the wrong side of its bar says so; on the bar is good enough."""
    assert "MISSED" not in _shown(GOOD)
    for figure in FIGURES:
        if figure.bar is not None:
            missed = figure.bar * (1.1 if figure.low else 0.9)
            assert _shown({figure.key: missed}).count("MISSED") == 1
            assert not figure.passes(missed)


def test_the_report_has_every_figure() -> None:
    """latest.json holds all figures by their keys, and where they are from."""
    figures = {**GOOD, "latency_p99_ms": 151.0}
    written = report({"figures": figures, "details": {}}, commit())
    assert written.keys() >= {figure.key for figure in FIGURES} | {"machine", "broker", "bars"}
    assert written["missed"] == ["latency_p99_ms"]
    assert len(written["commit"]) == 40
    assert written["dirty"] in {True, False}
