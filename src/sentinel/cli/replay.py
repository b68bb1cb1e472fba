"""``sentinel replay``: files of history through the engine, alerts to stdout."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from sentinel.cli.backtest import Limit, OfStream
from sentinel.cli.events import ArchiveFolder, History, chosen

if TYPE_CHECKING:
    from sentinel.engine import Configuration, Outcome
    from sentinel.model.step import DeadLetter
    from sentinel.replay.run import Origin

_ANSWER_S = 15.0


def replay(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="JSONL, CSV, TSV or Parquet, also .gz; text logs by a mapping; - is stdin.",
            show_default=False,
        ),
    ] = None,
    map_name: Annotated[
        str | None,
        typer.Option("--map", help="A mapping file, or a shipped one (docs/mappings.md)."),
    ] = None,
    stream: OfStream = None,
    history: History = None,
    archive: ArchiveFolder = None,
    configs: Annotated[
        Path | None, typer.Option(help="A configuration folder; without it the shipped one.")
    ] = None,
    as_deployed: Annotated[
        bool,
        typer.Option(
            "--as-deployed",
            help="Give alerts the ids that they have in the deployment at SENTINEL_BROKERS.",
        ),
    ] = False,
    limit: Limit = None,
    dead_letters: Annotated[
        Path | None, typer.Option(help="Write refused rows here, as JSONL.")
    ] = None,
    summary_json: Annotated[
        Path | None, typer.Option(help="Write the summary here, as JSON.")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress bar and no summary.")
    ] = False,
) -> None:
    """Run files of history, or the archive, through the engine that runs live.

    Alerts go to stdout as JSONL (CloudEvents), the summary to stderr. Files are merged by time.
    """
    from sentinel.cli.replay_summary import print_summary, write_summary
    from sentinel.engine import Engine
    from sentinel.replay import loop, run
    from sentinel.settings import read_configuration

    events = chosen(files, map_name, stream, history, archive)
    configuration = read_configuration(configs)
    configuration = _keyed(configuration) if as_deployed else configuration
    sources = events.open()
    engine = loop.LoopBack(Engine(configuration))
    summary = run.Summary()
    started = time.perf_counter()
    outcomes = run.replay(engine, sources, summary, limit=limit)
    _write(_with_progress(outcomes, sources, quiet=quiet), dead_letters)
    seconds = time.perf_counter() - started
    events.refuse_nothing(summary.rows)
    if not quiet:
        print_summary(sources, summary, seconds)
    if summary_json:
        write_summary(summary_json, summary, seconds, configuration.version)


def _keyed(configuration: "Configuration") -> "Configuration":
    from sentinel.cli.failure import UserError
    from sentinel.cli.log import log_to_stderr
    from sentinel.kafka.configurations import read_hasher
    from sentinel.kafka.topics import StartupError, Topics, describe
    from sentinel.settings import Settings

    log_to_stderr()
    settings = Settings.from_environment(os.environ)
    topic = Topics(settings.topic_prefix).configs
    try:
        present = describe(settings)
    except StartupError as error:
        raise UserError(str(error)) from None
    hasher = read_hasher(settings, _ANSWER_S) if topic in present else None
    if hasher is None:
        raise UserError(f"{topic} at {settings.brokers} has no key: no worker has started there")
    return configuration.keyed(hasher)


def _write(outcomes: "Iterator[Outcome]", dead_letters: Path | None) -> None:
    """Write alerts to stdout, and refused rows to a file if one is named."""
    from sentinel.alerting.cloudevent import encode

    alerts = sys.stdout.buffer
    with ExitStack() as stack:
        refused = stack.enter_context(dead_letters.open("wb")) if dead_letters else None
        for outcome in outcomes:
            alerts.writelines(encode(alert) + b"\n" for alert in outcome.emitted.alerts)
            if refused is not None:
                _write_refused(refused, outcome.emitted.dead_letters)
        alerts.flush()


def _with_progress(
    outcomes: "Iterator[Outcome]", sources: "list[Origin]", *, quiet: bool
) -> "Iterator[Outcome]":
    """The outcomes; a progress bar of the bytes read is on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    total = sum(source.total_bytes for source in sources) or None
    shown = not quiet and console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not shown
    ) as bar:
        task = bar.add_task("0 events", total=total)
        events = 0
        for outcome in outcomes:
            yield outcome
            events += sum(outcome.counts.events.values())
            done = sum(source.done_bytes() for source in sources)
            bar.update(task, completed=done, description=f"{events:,} events")


def _write_refused(file: BinaryIO, letters: "list[DeadLetter]") -> None:
    import msgspec

    file.writelines(
        msgspec.json.encode(
            {
                "file": letter.topic,
                "row": letter.offset,
                "reason": letter.reason,
                "detail": letter.detail,
                **_own_bytes(letter.value or b""),
            }
        )
        + b"\n"
        for letter in letters
    )


def _own_bytes(value: bytes) -> dict[str, object]:
    """The value as text, or in base64 where it is not UTF-8."""
    try:
        return {"value": value.decode()}
    except UnicodeDecodeError:
        return {"value_base64": value}
