"""``sentinel evaluate scenarios``: measure detection on simulated fraud."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sentinel.replay.source import Source


def scenarios(
    data: Annotated[
        Path | None,
        typer.Option(
            help="A folder written by `sentinel simulate --out`; without it one is simulated."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the simulation; a fresh one by default.")
    ] = None,
    customers: Annotated[int, typer.Option(min=100, help="How many to simulate.")] = 3_000,
    warm_up: Annotated[
        str,
        typer.Option(
            help="Do not count what comes so soon after the first event of --data, like 7d."
        ),
    ] = "0s",
    configs: Annotated[
        Path | None, typer.Option(help="A configuration folder; without it the shipped one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Recall, false alarms and time to detect on the simulator's labelled scenarios."""
    import msgspec
    from rich.console import Console
    from rich.progress import Progress

    from sentinel.cli.backtest import duration_ms
    from sentinel.evaluate.scenarios import Bank, document, evaluate, evaluate_bank
    from sentinel.settings import read_configuration

    configuration = read_configuration(configs)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("scenarios", total=None)

        def progress(source: "Source") -> None:
            bar.update(task, total=source.total_bytes, completed=source.done_bytes())

        if data is not None:
            given = None
            found = evaluate(configuration, data, duration_ms(warm_up), progress)
        else:
            given = seed if seed is not None else time.time_ns() % 1_000_000_007
            found = evaluate_bank(configuration, Bank(given, customers), progress)
    figures = {"seed": given, **document(found)}
    typer.echo(msgspec.json.encode(figures).decode() if as_json else _table(figures))


def _table(figures: dict[str, Any]) -> str:
    mean = figures["mean"]
    seed = f", seed {figures['seed']}" if figures["seed"] is not None else ""
    bank = f"{figures['customers']:,} customers, {figures['days']:.1f} days{seed}"
    false = mean["false_urgent_per_1000_customers_a_day"]
    lines = [
        f"{bank}, {figures['events']:,} events",
        "",
        f"{'recall':<44}{mean['recall']:>8.1%}",
        f"{'false red or orange, 1,000 customers a day':<44}{false:>8.2f}",
        f"{'events behind the first decidable, median':<44}{mean['median_events_behind']:>8g}",
        "",
        f"{'scenario':<24}{'cases':>6}{'recall':>9}{'behind':>8}{'to detect':>12}{'lead':>12}",
    ]
    lines += [
        f"{fold['scenario']:<24}{fold['cases']:>6}{fold['recall']:>9.1%}"
        f"{_shown(fold['median_events_behind']):>8}"
        f"{_shown(fold['median_to_detect_s']):>10} s{_shown(fold['median_lead_s']):>10} s"
        for fold in figures["folds"]
    ]
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
