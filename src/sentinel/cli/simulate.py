"""``sentinel simulate``: simulated customers and labelled fraud, to files or to Kafka."""

import os
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from sentinel.cli.clock import wall_ms

if TYPE_CHECKING:
    from sentinel.simulate import Item, Simulation

Days = Annotated[
    float | None,
    typer.Option(
        min=0, help="How many days; 2 by default, endless for --kafka with --events-per-second."
    ),
]
Start = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"],
        help="Start, like 2026-01-05T00:00+08:00; with --kafka by default now, or --days ago.",
    ),
]
_FIRST_MONDAY_MS = 1_767_542_400_000  # 2026-01-05 00:00 in Shanghai: same seed, same bytes
_DAY_MS = 86_400_000


def simulate(
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 7,
    days: Days = None,
    start: Start = None,
    history_days: Annotated[
        float, typer.Option(min=0, help="Days without fraud before the start.")
    ] = 0,
    attacks_per_day: Annotated[
        float, typer.Option(min=0, help="Labelled scenarios that start in a day.")
    ] = 20,
    events_per_second: Annotated[
        float | None,
        typer.Option(min=0.001, help="A steady rate instead of the rhythm of the day."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for events.jsonl and labels.jsonl.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="A file for the labels, without --out.")
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(metavar="BROKERS", help="Produce to these brokers.")
    ] = None,
    topic_prefix: Annotated[
        str, typer.Option(help="Prefix of the topics for --kafka.")
    ] = "sentinel",
) -> None:
    """Simulate customers with transactions, logins and complaints, and labelled fraud.

    Events go to stdout as JSON lines, to --out, or to --kafka (past ones at once, others
    when their time comes).
    """
    from sentinel.simulate import Simulation

    if kafka and out:
        raise typer.BadParameter("give either --out or --kafka; --labels goes with --kafka")
    endless = kafka is not None and events_per_second is not None
    length = days if days is not None or endless else 2.0
    simulation = Simulation(
        customers=customers,
        seed=seed,
        days=length,
        start_ms=_start_ms(start, None if endless else length, live=kafka is not None),
        history_days=history_days,
        attacks_per_day=attacks_per_day,
        events_per_second=events_per_second,
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        labels = labels or out / "labels.jsonl"
    with labels.open("wb") if labels else nullcontext() as truth:
        if kafka:
            _produce(simulation, truth, kafka, topic_prefix)
        else:
            _write(simulation, truth, out)


def _start_ms(start: datetime | None, days: float | None, *, live: bool) -> int:
    """The start: the given one; if ``live``, now or ``days`` ago; else always the same (ms UTC)."""
    if start is not None:
        return int(start.timestamp() * 1000)
    return wall_ms() - round((days or 0) * _DAY_MS) if live else _FIRST_MONDAY_MS


def _write(simulation: "Simulation", truth: BinaryIO | None, out: Path | None) -> None:
    from sentinel.simulate.files import event_lines

    with (out / "events.jsonl").open("wb") if out else nullcontext(sys.stdout.buffer) as events:
        for block in _labelling(simulation, truth):
            events.writelines(event_lines(block))
        events.flush()


def _produce(
    simulation: "Simulation", truth: BinaryIO | None, brokers: str, topic_prefix: str
) -> None:
    import msgspec

    from sentinel.cli.failure import UserError
    from sentinel.kafka.security import client_config
    from sentinel.kafka.topics import StartupError, Topics, describe
    from sentinel.settings import Settings
    from sentinel.simulate.feed import Feed, UndeliveredError

    settings = msgspec.structs.replace(Settings.from_environment(os.environ), brokers=brokers)
    try:
        describe(settings)  # a producer would wait for ever for a broker that refuses it
    except StartupError as error:
        raise UserError(str(error)) from None
    feed = Feed(client_config(settings), Topics(topic_prefix).inputs)
    try:
        feed.play(_labelling(simulation, truth), wall_ms, Flag())
        feed.flush()
    except UndeliveredError as error:
        raise UserError(f"{brokers}: {error}") from None
    finally:
        typer.echo(f"{feed.sent:,} events sent", err=True)


def _labelling(simulation: "Simulation", truth: BinaryIO | None) -> "Iterable[list[Item]]":
    """The simulation's blocks; writes the labels of each to ``truth``."""
    from sentinel.simulate.files import label_lines

    for block in simulation.blocks():
        if truth is not None:
            truth.writelines(label_lines(block))
        yield block
