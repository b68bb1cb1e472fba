"""``sentinel backtest``: a configuration over history, judged and compared."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel import DISTRIBUTION
from sentinel.cli.events import ArchiveFolder, Events, History, chosen
from sentinel.cli.failure import UserError
from sentinel.model.events import Stream

if TYPE_CHECKING:
    from sentinel.backtest import Differences, Judgement, Run, Truth
    from sentinel.engine import Configuration

_FILES = typer.Argument(help="Files of events, as for `sentinel replay`.", show_default=False)
Data = Annotated[list[str], _FILES]
Labels = Annotated[
    Path | None,
    typer.Option(help="Labels of the events, in the form of labels.jsonl of `sentinel simulate`."),
]
WarmUp = Annotated[
    str, typer.Option(help="Do not count what comes so soon after the first event, like 7d.")
]
MapName = Annotated[
    str | None,
    typer.Option("--map", help="A mapping file, or the name of a shipped one, like cards."),
]
OfStream = Annotated[
    Stream | None,
    typer.Option(help="The stream of events in Sentinel's own format that do not name one."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Read only so many rows.")]
AsJson = Annotated[bool, typer.Option("--json", help="Figures as JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
_RULES = "A configuration folder, or a rule file that replaces the shipped one of the same name."


def backtest(
    data: Annotated[list[str] | None, _FILES] = None,
    rules: Annotated[Path | None, typer.Option(help=_RULES)] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="The configuration to compare with, given likewise.", show_default=False),
    ] = None,
    labels: Labels = None,
    warm_up: WarmUp = "0s",
    map_name: MapName = None,
    stream: OfStream = None,
    history: History = None,
    archive: ArchiveFolder = None,
    limit: Limit = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a report with plots to this file.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run the live engine over history to see which alerts a configuration would have raised.

    With labels: precision, recall, time to detect, value caught, false urgent alerts. With
    --against: which alerts are gained and lost.
    """
    import msgspec

    from sentinel.backtest import compare, judge

    warm_up_ms = duration_ms(warm_up)
    events = chosen(data, map_name, stream, history, archive)
    truth = read_truth(labels)
    new = _run(rules, events, truth, limit=limit, quiet=quiet)
    judgement = judge(new, truth, warm_up_ms)
    old = judged = differences = None
    if against is not None:
        old = _run(against, events, None, limit=limit, quiet=quiet)
        judged = judge(old, truth, warm_up_ms)
        differences = compare(new, old, warm_up_ms)
    if html is not None:
        _write_page(html, new, judgement, old, judged, differences, events.names)
    if as_json:
        figures: dict[str, object] = {"new": judgement.figures()}
        if judged is not None and differences is not None:
            figures |= {"old": judged.figures(), "changes": differences.figures()}
        typer.echo(msgspec.json.format(msgspec.json.encode(figures)).decode())
    else:
        _print(judgement, judged, differences)


def read_truth(labels: "Path | None") -> "Truth | None":
    """The labels of a file, if there is one; raises OSError and ReplayError."""
    from sentinel.backtest import read_labels

    if labels is None:
        return None
    with labels.open("rb") as lines:
        return read_labels(lines, str(labels))


def watched(
    configuration: "Configuration",
    events: Events,
    truth: "Truth | None",
    *,
    limit: int | None,
    quiet: bool,
    what: str = "",
) -> "Run":
    """Run a configuration over events with a progress bar, of which ``what`` is the label.

    Raises UserError, OSError, ConfigError and ReplayError.
    """
    from rich.console import Console
    from rich.progress import Progress

    from sentinel.backtest import run
    from sentinel.replay import source

    if source.STDIN in events.files:
        raise UserError("standard input can be read once only: give files")
    opened = events.open()
    total = sum(each.total_bytes for each in opened) or None
    console = Console(stderr=True)
    shown = not quiet and console.is_terminal
    with Progress(console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task(what or configuration.version, total=total)

        def progress() -> None:
            bar.update(task, completed=sum(each.done_bytes() for each in opened))

        found = run(configuration, opened, truth, limit=limit, progress=progress)
    events.refuse_nothing(found.summary.rows)
    if not found.summary.events:
        raise UserError(f"{', '.join(events.names)}: no events")
    return found


def _run(
    rules: "Path | None",
    events: Events,
    truth: "Truth | None",
    *,
    limit: int | None,
    quiet: bool,
) -> "Run":
    from sentinel.backtest import configuration_files
    from sentinel.engine import Configuration

    configuration = Configuration.parse(configuration_files(rules))
    return watched(configuration, events, truth, limit=limit, quiet=quiet)


def duration_ms(text: str) -> int:
    """A duration as people write it, 0s included; raises BadParameter."""
    from sentinel.model.duration import parse_duration

    try:
        return 0 if text in {"0", "0s"} else parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _write_page(
    path: Path,
    new: "Run",
    judgement: "Judgement",
    old: "Run | None",
    judged: "Judgement | None",
    differences: "Differences | None",
    data: list[str],
) -> None:
    try:
        from sentinel.backtest.report import page
    except ModuleNotFoundError as error:
        wanted = f"pip install '{DISTRIBUTION}[report]'"
        raise UserError(f"--html needs {error.name}: {wanted}") from None
    before = (old, judged) if old is not None and judged is not None else None
    path.write_text(page((new, judgement), before, differences, data), "utf-8")


def _print(new: "Judgement", old: "Judgement | None", differences: "Differences | None") -> None:
    from rich.console import Console
    from rich.table import Table

    from sentinel.model.alert import Tier

    console = Console()
    table = Table(box=None)
    for heading in ("", "new", *(["old"] if old else [])):
        table.add_column(heading, justify="right" if heading else "left")
    columns = [new, *([old] if old else [])]

    def row(name: str, *cells: str) -> None:
        table.add_row(name, *cells)

    row("events", *(f"{each.events:,}" for each in columns))
    row("days", *(f"{each.days:,.2f}" for each in columns))
    for tier in Tier:
        row(tier.value, *(f"{each.alerts[tier]:,}" for each in columns))
    row("alerts a day", *(f"{each.alerts_a_day:,.1f}" for each in columns))
    if new.labelled:
        row("precision", *(_percent(each.precision) for each in columns))
        row("recall", *(_percent(each.whole.recall) for each in columns))
        row("false red or orange", *(f"{each.false_urgent:,}" for each in columns))
        row(
            "  per 1,000 a day",
            *(f"{each.false_urgent_per_1000_a_day or 0:.2f}" for each in columns),
        )
        row("value of all cases", *(f"{each.whole.value:,.0f}" for each in columns))
        row("of it after the alert", *(f"{each.whole.value_ahead:,.0f}" for each in columns))
        for name in sorted(new.scenarios):
            row(f"  recall {name}", *(_percent(_recall(each, name)) for each in columns))
    console.print(table)
    if differences is not None:
        console.print(
            f"{differences.gained.total():,} gained, {differences.lost.total():,} lost, "
            f"{sum(differences.moved.values()):,} of another tier, {differences.same:,} the same"
        )
        for name in sorted(differences.gained_by_rule.keys() | differences.lost_by_rule.keys()):
            gained, lost = differences.gained_by_rule[name], differences.lost_by_rule[name]
            console.print(f"  {name}  +{gained} -{lost}", highlight=False)


def _recall(judgement: "Judgement", scenario: str) -> float | None:
    caught = judgement.scenarios.get(scenario)
    return caught.recall if caught else None


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
