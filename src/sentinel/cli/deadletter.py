"""``sentinel deadletter``: list, show, repair and resend dead letters."""

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.clock import wall_ms
from sentinel.cli.failure import FAILED, UserError

if TYPE_CHECKING:
    from sentinel.model.letter import RecordPosition
    from sentinel.settings import Settings

_MOST_LISTED = 10_000
_MOST_SENT = 100_000

deadletter = typer.Typer(help="Dead letters: records that are not events.", no_args_is_help=True)

_Reason = Annotated[str | None, typer.Option(help="Only letters with this reason.")]
_Topic = Annotated[str | None, typer.Option(help="Only records of this topic.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@deadletter.command("list")
def list_letters(
    reason: _Reason = None,
    topic: _Topic = None,
    since: Annotated[str, typer.Option(help="How far back to look, like 12h, 30d.")] = "7d",
    limit: Annotated[
        int, typer.Option(min=1, max=_MOST_SENT, help="At most so many, the newest.")
    ] = _MOST_LISTED,
    as_json: _Json = False,
) -> None:
    """List dead letters, newest last, without their values; a summary goes to stderr."""
    from sentinel.cli.deadletter_text import bar, letter_line, summary
    from sentinel.kafka.letter_topic import LetterError, LetterTopic, selection

    wanted, since_ms = selection(reason, topic), _since_ms(since)
    try:
        with LetterTopic(_settings()) as letters, bar("dead letters") as advance:
            found = letters.letters(wanted, since_ms, limit, advance)
    except LetterError as error:
        raise UserError(str(error)) from None
    for each in found.letters:
        typer.echo(letter_line(each, as_json=as_json))
    typer.echo(summary(found), err=True)


@deadletter.command()
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` prints it.")],
    as_json: _Json = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the value to stdout, byte for byte.")
    ] = False,
) -> None:
    """Show one dead letter with its headers and its whole value, as text or in base64."""
    from sentinel.cli.deadletter_text import bar, whole_letter
    from sentinel.kafka.letter_topic import LetterError, LetterTopic

    position = _position(letter_id)
    try:
        with LetterTopic(_settings()) as letters, bar("dead letters") as advance:
            found = letters.letters(lambda each: each.position == position, None, 1, advance)
            if not found.letters:
                raise UserError(f"there is no dead letter {position}")
            (whole,) = letters.whole(found.letters)
    except LetterError as error:
        raise UserError(str(error)) from None
    if raw:
        sys.stdout.buffer.write(whole.value or b"")
    else:
        typer.echo(whole_letter(whole, as_json=as_json))


@deadletter.command()
def replay(
    letter_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="As `list` prints them.")
    ] = None,
    reason: _Reason = None,
    topic: _Topic = None,
    since: Annotated[str | None, typer.Option(help="How far back to look, like 12h, 30d.")] = None,
    map_name: Annotated[
        str | None, typer.Option("--map", help="A mapping file that makes events of the values.")
    ] = None,
    configs: Annotated[
        Path | None,
        typer.Option(help="The configuration folder in force; without it the shipped one."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the results and send nothing.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who sends them; your login name by default.")] = "",
    as_json: _Json = False,
) -> None:
    """Send dead letters again, as they are or by a mapping; each letter is sent once.

    What is still not an event stays a dead letter: it is listed with the reason, and the exit
    code is 1.
    """
    from sentinel.cli.deadletter_replay import Replay
    from sentinel.cli.deadletter_text import bar, resent, resent_summary
    from sentinel.kafka.letter_topic import LetterError, selection
    from sentinel.replay import mapping, repair
    from sentinel.settings import read_configuration

    if not (letter_ids or reason or topic or since):
        raise typer.BadParameter("name letters by ID, --reason, --topic or --since")
    settings = _settings()
    limits = read_configuration(configs).bounds.ingest
    mapped = mapping.read(map_name) if map_name is not None else None
    positions = [_position(each) for each in letter_ids or ()]
    since_ms = None if since is None else _since_ms(since)
    try:
        work = Replay(
            settings,
            lambda to_json: repair.Repairer(mapped, limits, to_json),
            by or getpass.getuser(),
            dry_run=dry_run,
        )
        with work:
            with bar("dead letters") as advance:
                work.choose(selection(reason, topic, positions), since_ms, _MOST_SENT, advance)
            work.require(positions)
            with bar("letters") as advance:
                for result in work.results(advance):
                    typer.echo(resent(result, as_json=as_json))
    except LetterError as error:
        raise UserError(str(error)) from None
    typer.echo(resent_summary(work.counts, limits.lateness_ms), err=True)
    if work.counts.stay:
        raise typer.Exit(FAILED)


def _settings() -> "Settings":
    from sentinel.settings import Settings

    return Settings.from_environment(os.environ)


def _position(text: str) -> "RecordPosition":
    from sentinel.model.letter import parse_position

    try:
        return parse_position(text)
    except ValueError as error:
        raise UserError(str(error)) from None


def _since_ms(text: str) -> int:
    from sentinel.model.duration import parse_duration

    try:
        return max(0, wall_ms() - parse_duration(text))
    except ValueError as error:
        raise UserError(f"--since: {error}") from None
