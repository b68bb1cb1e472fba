"""``sentinel rules``: try out changes of single rules."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.backtest import (
    AsJson,
    Data,
    Labels,
    Limit,
    MapName,
    OfStream,
    Quiet,
    read_truth,
    watched,
)
from sentinel.cli.events import Events
from sentinel.cli.failure import UserError

if TYPE_CHECKING:
    from sentinel.backtest import Judgement

rules = typer.Typer(help="Try out changes of single rules.", no_args_is_help=True)
_MOST_VALUES = 50


@rules.command("what-if")
def what_if(
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    data: Data,
    values: Annotated[str, typer.Option(help="Thresholds to try, like 2,3,4.5.")],
    vary: Annotated[
        str | None,
        typer.Option(help="The name whose threshold is varied, where the rule has several."),
    ] = None,
    configs: Annotated[
        Path | None, typer.Option(help="A configuration folder; without it the shipped one.")
    ] = None,
    labels: Labels = None,
    map_name: MapName = None,
    stream: OfStream = None,
    limit: Limit = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Sweep a rule's threshold over history: signals, alerts, precision and recall at each value.

    Each value is a run of the live engine with that rule alone.
    """
    import msgspec

    from sentinel.backtest import RuleError, configuration_files, judge, varied
    from sentinel.engine import Configuration

    files = configuration_files(configs)
    found = []
    for value in _numbers(values):
        try:
            changed = varied(files, rule, vary, value)
        except RuleError as error:
            raise UserError(str(error)) from None
        configuration = Configuration.parse(changed).narrowed([rule])
        truth = read_truth(labels)  # read again: a run changes it
        events = Events(data, map_name, stream)
        run = watched(
            configuration, events, truth, limit=limit, quiet=quiet, what=f"{rule} at {value:g}"
        )
        judgement = judge(run, truth, 0, rule)
        found.append((value, judgement))
    if as_json:
        rows = [{"value": value, **judgement.figures()} for value, judgement in found]
        typer.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
    else:
        _print(rule, found)


def _print(rule: str, found: "list[tuple[float, Judgement]]") -> None:
    """Print a table with a row for each value of the rule's threshold."""
    from rich.console import Console
    from rich.table import Table

    headings = ("value", "signals", "alerts", "a day", "precision", "recall", "false urgent")
    table = Table(*headings, box=None)
    for value, judgement in found:
        acted = judgement.rules.get(rule)
        signals = acted.signals + acted.shadow_signals if acted else 0
        shares = (judgement.precision, judgement.whole.recall)
        table.add_row(
            f"{value:g}",
            f"{signals:,}",
            f"{judgement.alerts.total():,}",
            f"{judgement.alerts_a_day:,.1f}",
            *("–" if share is None else f"{share:.1%}" for share in shares),
            f"{judgement.false_urgent:,}" if judgement.labelled else "–",
        )
    Console().print(table)


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f'"{text}" is not a list of numbers like 2,3,4.5') from None
    if len(numbers) > _MOST_VALUES:
        raise typer.BadParameter(f"at most {_MOST_VALUES} values")
    return numbers
