"""``sentinel evaluate cards``: supervised detection on the handbook's card transactions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel import DISTRIBUTION

if TYPE_CHECKING:
    from sentinel.evaluate.cards import Report

_FILE = "transactions.parquet"
_MEASURES = ("auc", "ap", "cp100")


def cards(
    data: Annotated[Path, typer.Option(help=f"The published {_FILE}, or the folder it is in.")],
    configs: Annotated[
        Path | None, typer.Option(help="A folder with features.yaml and supervised.yaml.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Score the four published test weeks by boosted trees; labels come seven days late."""
    import msgspec
    from rich.console import Console
    from rich.progress import Progress

    from sentinel.cli.failure import UserError
    from sentinel.settings import shipped_configs

    try:
        from sentinel.evaluate.cards import CardsError, evaluate
    except ModuleNotFoundError as error:
        wanted = f"pip install '{DISTRIBUTION}[learn]'"
        raise UserError(f"{error.name} is missing: {wanted}") from None
    folder = shipped_configs() / "evaluate" / "cards" if configs is None else configs
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("cards", total=None)

        def progress(done: int, of: int) -> None:
            bar.update(task, total=of, completed=done)

        try:
            report = evaluate(data / _FILE if data.is_dir() else data, folder, progress)
        except (OSError, CardsError) as error:
            raise UserError(str(error)) from None
    typer.echo(msgspec.json.encode(_document(report)).decode() if as_json else _table(report))


def _document(report: "Report") -> dict[str, object]:
    from sentinel.evaluate.cards import PUBLISHED

    return {
        "transactions": report.transactions,
        "frauds": report.frauds,
        "mean": report.mean,
        "spread": report.spread,
        "folds": report.folds,
        "events_per_s": report.events_per_s,
        "models": report.models,
        "published": {
            name: dict(zip(_MEASURES, row, strict=True)) for name, row in PUBLISHED.items()
        },
    }


def _table(report: "Report") -> str:
    from sentinel.evaluate.cards import PUBLISHED

    size = f"{report.transactions:,} transactions, {report.frauds:,} frauds"
    lines = [
        f"{size}, labels 7 days late; {report.models} models",
        "",
        f"{'test week from':<34}{'AUC':>7}{'AP':>7}{'card precision@100':>20}",
    ]
    lines += [_row(fold.start, (fold.auc, fold.ap, fold.cp100)) for fold in report.folds]
    lines += [
        _row("mean", tuple(report.mean[name] for name in _MEASURES)),
        _row("spread (standard deviation)", tuple(report.spread[name] for name in _MEASURES)),
        "",
        f"{report.events_per_s:,.0f} scored events/s on one core, features and learning included",
        "",
        "published, means of the same weeks:",
    ]
    return "\n".join(lines + [_row(name, row) for name, row in PUBLISHED.items()])


def _row(name: str, figures: tuple[float, ...]) -> str:
    auc, ap, cp100 = figures
    return f"{name:<34}{auc:>7.3f}{ap:>7.3f}{cp100:>20.3f}"
