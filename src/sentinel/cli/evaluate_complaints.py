"""``sentinel evaluate complaints``: predict the product of a complaint from its text."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sentinel.evaluate.complaints import Report


def complaints(
    data: Annotated[Path, typer.Option(help="A CSV file with product and narrative (or text).")],
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """Predict the product of each complaint from its text, then learn it."""
    import msgspec

    from sentinel.cli.failure import UserError
    from sentinel.evaluate.complaints import DataError, read_narratives
    from sentinel.evaluate.complaints import evaluate as measure

    try:
        report = measure(read_narratives(data))
    except (DataError, UnicodeDecodeError) as error:
        raise UserError(str(error)) from None
    typer.echo(msgspec.json.encode(_document(report)).decode() if as_json else _table(report))


def _document(report: "Report") -> dict[str, object]:
    """The figures as plain data: the protocol's one fold is the file in its order.

    The folds of the shuffled file stand beside it.
    """
    accuracy = {"accuracy": report.accuracy}
    return {
        "complaints": report.complaints,
        "scored": report.scored,
        "mean": accuracy,
        "folds": [accuracy],
        "shuffled": {"mean": report.mean, "spread": report.spread, "folds": report.folds},
        "products": report.products,
        "confusion": report.confusion,
    }


def _table(report: "Report") -> str:
    """The figures as a table."""
    folds = " ".join(f"{fold:.3f}" for fold in report.folds)
    width = max(len(name) for name in report.products)
    scope = f"{report.complaints}, each predicted before it is learnt"
    lines = [
        f"accuracy, file order   {report.accuracy:.3f}   last {report.scored} of {scope}",
        f"accuracy, shuffled     {report.mean:.3f} ± {report.spread:.3f}   folds {folds}",
        "",
        f"{'product':{width}}  count  precision  recall  mistaken for",
    ]
    for name, figures in report.products.items():
        wrong = sorted(report.confusion[name].items(), key=lambda each: (-each[1], each[0]))
        confused = ", ".join(
            f"{guess or 'none'} {count}" for guess, count in wrong if guess != name
        )
        lines.append(
            f"{name:{width}}  {figures.count:5}  {_shown(figures.precision):>9}"
            f"  {_shown(figures.recall):>6}  {confused}"
        )
    return "\n".join(lines)


def _shown(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
