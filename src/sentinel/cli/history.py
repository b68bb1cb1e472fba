"""``sentinel history``: keep alerts and answers in a database, events in files, and forget them."""

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from enum import StrEnum
from gzip import GzipFile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from sentinel.cli.clock import wall_ms
from sentinel.cli.events import ArchiveFolder, chosen, lines, read_span
from sentinel.model.events import Stream

if TYPE_CHECKING:
    from collections import Counter

    from prometheus_client import CollectorRegistry

    from sentinel.engine import Configuration
    from sentinel.history.archive import Archive
    from sentinel.history.archiving import Archiving
    from sentinel.history.metrics import HistoryMetrics
    from sentinel.history.service import History
    from sentinel.history.store import Store
    from sentinel.ingest import Limits
    from sentinel.settings import Settings

_CATCH_UP_S = 30.0
history = typer.Typer(
    help="The durable record of alerts, answers and events: run it, or delete from it."
)


class Records(StrEnum):
    """Records of the database that can be exported."""

    COMPLAINTS = "complaints"
    DEAD_LETTERS = "dead-letters"


@history.callback(invoke_without_command=True)
def run(context: typer.Context) -> None:
    """Keep alerts and answers in a database, events in an archive, until stopped."""
    if context.invoked_subcommand is not None:
        return
    from sentinel.cli.serve import serve

    serve(_service)


def _service(settings: "Settings", registry: "CollectorRegistry") -> "History":
    from sentinel.history.complaints import reschedule
    from sentinel.history.metrics import HistoryMetrics
    from sentinel.history.service import History
    from sentinel.history.store import Store
    from sentinel.history.topics import complaint_policy, readers, whole_readers

    store, metrics = Store(settings.history), HistoryMetrics(registry)
    configuration = _configuration_in_force(settings)
    reschedule(store.database, complaint_policy(configuration))
    return History(
        store,
        readers(settings),
        metrics,
        settings.history_keep_ms,
        wall_ms,
        _archiving(settings, configuration.bounds.ingest, registry, metrics),
        whole_readers(settings, configuration),
    )


def _archiving(
    settings: "Settings",
    limits: "Limits",
    registry: "CollectorRegistry",
    metrics: "HistoryMetrics",
) -> "Archiving | None":
    from functools import partial

    from sentinel.history.archive_metrics import ArchiveMetrics
    from sentinel.history.archiving import Archiving
    from sentinel.history.metrics import HistoryTask
    from sentinel.kafka.registry import open_registry
    from sentinel.kafka.topics import Topics

    if settings.archive_folder is None:
        return None
    inputs, schemas = Topics(settings.topic_prefix).inputs, open_registry(settings)
    return Archiving(
        settings.archive_folder,
        limits,
        {inputs[stream]: stream for stream in Stream},
        (lambda chunk: chunk) if schemas is None else schemas.to_json,
        ArchiveMetrics(registry),
        settings.history_keep_ms,
        wall_ms,
        partial(metrics.task_failed, HistoryTask.ARCHIVE),
    )


def _configuration(settings: "Settings") -> "Configuration":
    from sentinel.settings import read_configuration

    return read_configuration(Path(settings.configs) if settings.configs else None)


def _configuration_in_force(settings: "Settings") -> "Configuration":
    """The configuration that is published now, that of the files if none is.

    It decides what is an event, and when something is due.  Raises UserError.
    """
    from sentinel.cli.failure import UserError
    from sentinel.kafka.configurations import Configurations
    from sentinel.metrics import Metrics

    configurations = Configurations(settings, _configuration(settings), Metrics())
    configurations.start()
    try:
        if not configurations.wait_caught_up(_CATCH_UP_S):
            raise UserError(f"no answer from {settings.brokers} for {_CATCH_UP_S:.0f} s")
        return configurations.current()
    finally:
        configurations.stop()


def _open_archive(settings: "Settings") -> "Archive | None":
    """The archive, if there is one."""
    from sentinel.history.archive import Archive

    if settings.archive_folder is None or not settings.archive_folder.is_dir():
        return None
    return Archive(settings.archive_folder, _configuration(settings).bounds.ingest)


@history.command("erase")
def erase(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete everything about one customer from database and archive; it cannot be undone."""
    from sentinel.settings import Settings

    settings = Settings.from_environment(os.environ)
    store, archive = _open(settings), _open_archive(settings)
    if not yes:
        typer.confirm(
            "Delete every alert about this customer, with its answers, every complaint, every "
            "dead letter that names the customer, and every event?",
            abort=True,
        )
    deleted = store.erase(customer)
    if archive is not None:
        deleted["events"] = archive.erase(customer)
    _report(deleted)


@history.command("prune")
def prune(
    keep: Annotated[
        str,
        typer.Option(help="How long to keep what has ended; SENTINEL_HISTORY_KEEP if not given."),
    ] = "",
) -> None:
    """Delete what ended, and events, longer ago than kept; the service does this every hour."""
    from sentinel.cli.failure import UserError
    from sentinel.model.duration import parse_duration
    from sentinel.settings import Settings

    settings = Settings.from_environment(os.environ)
    try:
        keep_ms = parse_duration(keep) if keep else settings.history_keep_ms
    except ValueError as error:
        raise UserError(f"--keep: {error}") from None
    before_ms = wall_ms() - keep_ms
    deleted, archive = _open(settings).prune(before_ms), _open_archive(settings)
    if archive is not None:
        archive.retain(before_ms)
        deleted["events"] = archive.counts.events_expired
    _report(deleted)


@history.command("export")
def export(
    to: Annotated[Path, typer.Option(help="The file to write: .jsonl or .jsonl.gz.")],
    span: Annotated[
        str,
        typer.Option("--history", metavar="FROM..TO", help="Events from FROM to before TO (UTC)."),
    ],
    stream: Annotated[Stream | None, typer.Option(help="Events of this stream only.")] = None,
    archive: ArchiveFolder = None,
    records: Annotated[
        Records | None, typer.Option(help="In place of events, these records of the database.")
    ] = None,
) -> None:
    """Write events of the archive as JSON lines, as `sentinel replay` reads them.

    With --records, complaints opened or dead letters written in that span.
    """
    if not to.name.endswith((".jsonl", ".jsonl.gz")):
        raise typer.BadParameter("--to: a name that ends in .jsonl or .jsonl.gz")
    if records is not None:
        if stream is not None or archive is not None:
            raise typer.BadParameter("--records reads the database: no --stream and no --archive")
        count = _write(to, _stored(records, span))
        typer.echo(f"{count:,} {records.replace('-', ' ')}", err=True)
        return
    events = chosen(None, None, stream, span, archive)
    count = _write(to, lines(events), events.refuse_nothing)
    typer.echo(f"{count:,} events", err=True)


def _stored(records: Records, span: str) -> Iterable[bytes]:
    """Records of the database as lines."""
    from sentinel.history.export import complaint_lines, dead_letter_lines
    from sentinel.settings import Settings

    wanted, database = read_span(span), _open(Settings.from_environment(os.environ)).database
    find = complaint_lines if records is Records.COMPLAINTS else dead_letter_lines
    return find(database, wanted.from_ms, wanted.to_ms)


def _write(
    to: Path, written: Iterable[bytes], check: Callable[[int], object] = lambda _: None
) -> int:
    """Write lines to a file that is there once it is whole; how many.

    ``check`` may refuse their number.
    """
    unfinished, count = to.with_name(f"{to.name}.part"), 0
    try:
        with ExitStack() as stack:
            file: BinaryIO | GzipFile = stack.enter_context(unfinished.open("wb"))
            if to.suffix == ".gz":
                file = stack.enter_context(GzipFile(fileobj=file, mode="wb", mtime=0))
            for line in written:
                file.write(line)
                count += 1
        check(count)
        unfinished.replace(to)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _open(settings: "Settings") -> "Store":
    from sentinel.cli.failure import UserError
    from sentinel.database import DatabaseError
    from sentinel.history.store import Store

    try:
        return Store(settings.history)
    except DatabaseError as error:
        raise UserError(str(error)) from None


def _report(deleted: "Counter[str]") -> None:
    """Print how many rows of each table, and how many events, are gone."""
    for table, rows in sorted((+deleted).items()):
        typer.echo(f"{table.removeprefix('history_')}\t{rows}")
    if not +deleted:
        typer.echo("nothing to delete", err=True)
