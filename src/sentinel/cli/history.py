"""``sentinel history``: keep alerts and what people did in a database, and forget them."""

import logging
import os
import tempfile
import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sentinel.history.store import Store
    from sentinel.settings import Settings

history = typer.Typer(help="The durable record of alerts and answers: run it, or delete from it.")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@history.callback(invoke_without_command=True)
def run(context: typer.Context) -> None:
    """Keep alerts, actions and responses in a database until stopped (SENTINEL_ variables)."""
    if context.invoked_subcommand is not None:
        return
    from sentinel.cli.failure import UserError
    from sentinel.cli.log import log_to_stderr
    from sentinel.kafka.topics import StartupError, check
    from sentinel.settings import Settings

    log_to_stderr()
    settings = Settings.from_environment(os.environ)
    store = _open(settings)
    try:
        check(settings)
    except StartupError as error:
        raise UserError(str(error)) from None
    _serve(settings, store)


def _serve(settings: "Settings", store: "Store") -> None:
    import faust
    from prometheus_client import CollectorRegistry

    from sentinel.agents.history import create_app
    from sentinel.history.metrics import HistoryMetrics
    from sentinel.history.service import History
    from sentinel.history.topics import readers
    from sentinel.metrics.web import Web

    metrics = HistoryMetrics(CollectorRegistry())
    service = History(store, readers(settings), metrics, settings.history_keep_ms, _now_ms)
    web = Web(
        settings.web_host, settings.web_port, metrics.registry, service.health, service.is_alive
    )
    with tempfile.TemporaryDirectory(prefix="sentinel-faust-") as data_dir:
        app = create_app(settings, service, web, data_dir)
        faust.Worker(
            app, loglevel=logging.WARNING, redirect_stdouts=False
        ).execute_from_commandline()


@history.command("erase")
def erase(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete everything about one customer from the database; it cannot be undone."""
    from sentinel.settings import Settings

    store = _open(Settings.from_environment(os.environ))
    if not yes:
        typer.confirm("Delete every alert about this customer, with its answers?", abort=True)
    _report(store.erase(customer))


@history.command("prune")
def prune(
    keep: Annotated[
        str,
        typer.Option(help="How long to keep what has ended; SENTINEL_HISTORY_KEEP if not given."),
    ] = "",
) -> None:
    """Delete what ended longer ago than it is kept; the service does this every hour."""
    from sentinel.cli.failure import UserError
    from sentinel.model.duration import parse_duration
    from sentinel.settings import Settings

    settings = Settings.from_environment(os.environ)
    try:
        keep_ms = parse_duration(keep) if keep else settings.history_keep_ms
    except ValueError as error:
        raise UserError(f"--keep: {error}") from None
    _report(_open(settings).prune(_now_ms() - keep_ms))


def _open(settings: "Settings") -> "Store":
    from sentinel.cli.failure import UserError
    from sentinel.database import DatabaseError
    from sentinel.history.store import Store

    try:
        return Store(settings.history)
    except DatabaseError as error:
        raise UserError(str(error)) from None


def _report(deleted: dict[str, int]) -> None:
    """Print how many rows of each table are gone."""
    for table, rows in sorted(deleted.items()):
        typer.echo(f"{table.removeprefix('history_')}\t{rows}")
    if not deleted:
        typer.echo("nothing to delete", err=True)
