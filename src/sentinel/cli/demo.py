"""``sentinel demo``: the whole pipeline on this machine, shown in the terminal."""

from typing import Annotated

import typer

from sentinel.cli.failure import FAILED, UserError


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End after so many seconds; by default on Ctrl-C.")
    ] = None,
    events_per_second: Annotated[
        float, typer.Option(min=1, max=2_000, help="Events per second of the simulated bank.")
    ] = 300,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bank.")] = 7,
) -> None:
    """Watch alerts live, and answer them in a browser: a Kafka of its own, an invented bank."""
    from rich.console import Console

    from sentinel.demo.child import ChildError
    from sentinel.demo.cluster import ClusterError
    from sentinel.demo.run import Demo

    try:
        all_tiers = Demo(Console(), seconds, events_per_second, seed).run()
    except (ClusterError, ChildError) as error:
        raise UserError(str(error)) from None
    if seconds is not None and seconds >= 30 and not all_tiers:
        typer.echo("sentinel: some tier had no alert", err=True)
        raise typer.Exit(FAILED)
