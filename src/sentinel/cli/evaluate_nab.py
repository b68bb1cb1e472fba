"""``sentinel evaluate nab``: the series detector on the Numenta Anomaly Benchmark."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sentinel.evaluate.nab import Report


def nab(
    data: Annotated[Path, typer.Option(help="A folder of NAB's series with windows.json.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Score the series detector by NAB's scorer: its three profiles, one threshold each."""
    import msgspec

    from sentinel.cli.failure import UserError
    from sentinel.evaluate.nab import NabError, evaluate

    try:
        report = evaluate(data)
    except NabError as error:
        raise UserError(str(error)) from None
    typer.echo(msgspec.json.encode(_document(report)).decode() if as_json else _table(report))


def _document(report: "Report") -> dict[str, object]:
    from sentinel.evaluate.nab import PUBLISHED

    return {
        "series": report.series,
        "rows": report.rows,
        "windows": report.windows,
        "mean": {name: best.score for name, best in report.best.items()},
        "thresholds": {name: best.threshold for name, best in report.best.items()},
        "folds": [
            {"group": group, "standard": score, "left_out": report.left_out.get(group)}
            for group, score in report.groups.items()
        ],
        "published": PUBLISHED,
    }


def _table(report: "Report") -> str:
    from sentinel.evaluate.nab import PUBLISHED

    lines = [f"{report.series} series, {report.rows:,} rows, {report.windows} windows", ""]
    lines += [f"{'profile':<24}{'score':>7}{'threshold':>12}"]
    lines += [
        f"{name:<24}{best.score:>7.1f}{best.threshold:>12.4f}" for name, best in report.best.items()
    ]
    lines += ["", f"{'standard, by group':<24}{'score':>7}  threshold of the other groups"]
    lines += [
        f"{group:<24}{score:>7.1f}" + _left_out(report.left_out.get(group))
        for group, score in report.groups.items()
    ]
    lines += ["", "published, standard, whole corpus of 58 series (a part of it is not the same):"]
    lines += [f"{name:<24}{score:>7.1f}" for name, score in PUBLISHED.items()]
    return "\n".join(lines)


def _left_out(score: float | None) -> str:
    return "" if score is None else f"{score:>9.1f}"
