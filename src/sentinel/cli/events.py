"""Where a command reads events from: files, or a span of the archive."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.failure import UserError
from sentinel.model.events import Stream

if TYPE_CHECKING:
    from sentinel.replay.run import Origin

History = Annotated[
    str | None,
    typer.Option(
        "--history",
        metavar="FROM..TO",
        help="Instead of files, events of the archive from FROM to before TO (UTC).",
        show_default=False,
    ),
]
ArchiveFolder = Annotated[
    Path | None,
    typer.Option("--archive", help="The archive's folder; without it SENTINEL_ARCHIVE."),
]


@dataclass(frozen=True, slots=True)
class Span:
    """A span of event time: from ``from_ms`` to before ``to_ms``, and as it was written."""

    from_ms: int
    to_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Events:
    """The events that a command reads: of files, or of a span of the archive in ``folder``."""

    files: list[str]
    map_name: str | None = None
    stream: Stream | None = None
    span: Span | None = None
    folder: Path | None = None

    @property
    def names(self) -> list[str]:
        """What is read, for people."""
        return self.files if self.span is None else [f"{self.folder}, {self.span.text}"]

    def open(self) -> "list[Origin]":
        """Open the files, or the archive's streams; raises OSError and ReplayError."""
        if self.span is None or self.folder is None:
            from sentinel.replay import mapping, source

            mapped = mapping.read(self.map_name) if self.map_name is not None else None
            return [source.open_source(name, mapped, self.stream) for name in self.files]

        from sentinel.replay.archived import ArchiveSource

        span = self.span.from_ms, self.span.to_ms
        streams = tuple(Stream) if self.stream is None else (self.stream,)
        return [ArchiveSource(self.folder, stream, span) for stream in streams]

    def refuse_nothing(self, rows: int) -> None:
        """Raise UserError if there were no rows in the archive's span."""
        if self.span is not None and not rows:
            raise UserError(f"{self.folder}: no events in {self.span.text}")


def chosen(
    files: list[str] | None,
    map_name: str | None,
    stream: Stream | None,
    history: str | None,
    archive: Path | None,
) -> Events:
    """The events that the options name; raises BadParameter, SettingsError and UserError."""
    if history is None:
        if archive is not None:
            raise typer.BadParameter("--archive goes with --history FROM..TO")
        if not files:
            raise typer.BadParameter("name files, or give --history FROM..TO")
        return Events(files, map_name, stream)
    if files or map_name is not None:
        raise typer.BadParameter("--history reads the archive: give no files and no --map")
    return Events([], None, stream, read_span(history), archive or configured_folder())


def read_span(text: str) -> Span:
    """A span written as ``2026-09-01..2026-10-01``, also with times; raises BadParameter."""
    start, _, end = text.partition("..")
    try:
        from_ms, to_ms = _time_ms(start), _time_ms(end)
    except ValueError:
        example = "2026-09-01..2026-10-01"
        raise typer.BadParameter(f'"{text}" is not FROM..TO, like {example}') from None
    if from_ms >= to_ms:
        raise typer.BadParameter(f'"{text}": FROM is not before TO')
    return Span(from_ms, to_ms, text)


def _time_ms(text: str) -> int:
    moment = datetime.fromisoformat(text.strip())
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def configured_folder() -> Path:
    """The folder of the settings; raises SettingsError, and UserError if there is no archive."""
    from sentinel.settings import Settings, variable

    folder = Settings.from_environment(os.environ).archive_folder
    if folder is None:
        raise UserError(f"{variable('archive')}: there is no archive; give --archive FOLDER")
    return folder


def lines(events: Events) -> Iterator[bytes]:
    """Events as JSON lines with their stream, in the order of a replay."""
    from sentinel.replay.order import in_order

    names = [f'{{"stream":"{stream}",'.encode() for stream in Stream]
    for sequence in in_order({each.name: each.blocks() for each in events.open()}):
        block = sequence.block
        for index, value in zip(block.streams.tolist(), block.values, strict=True):
            yield names[index] + value[1:] + b"\n"
