"""``sentinel audit``: read the audit log, and find out whether somebody has changed it."""

import os
import pwd
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.failure import FAILED, UserError

if TYPE_CHECKING:
    from sentinel.database import Database
    from sentinel.desk.audit import AuditLog

audit = typer.Typer(
    help="The audit log: who looked at whom, and who did what.", no_args_is_help=True
)
_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def os_user() -> str:
    """The actor of what is done on the command line: no user of the desk can have this name."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user has none
        name = str(os.getuid())
    return f"os:{name}"[:64]


def moment(at_ms: int) -> str:
    """A time in UTC; what is none, because somebody has changed a line, is shown as it is."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (TypeError, ValueError, OverflowError, OSError):
        return str(at_ms)


def open_database() -> "Database":
    """The database with the tables of the desk; raises UserError."""
    from sentinel.database import Database, DatabaseError
    from sentinel.desk.tables import SCHEMA
    from sentinel.history.store import VARIABLE
    from sentinel.settings import Settings

    try:
        return Database(Settings.from_environment(os.environ).history, SCHEMA, VARIABLE)
    except DatabaseError as error:
        raise UserError(str(error)) from None


@audit.command()
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NUMBER:HASH", help="A head that you noted earlier; may be given repeatedly."
        ),
    ] = None,
    *,
    as_json: _Json = False,
) -> None:
    """Check the hash chain: exit code 1 if a line was changed, removed or added.

    Without a head that you noted earlier, removed last lines are not found.
    """
    import msgspec

    heads = [_known(each) for each in head or ()]
    with _log() as log:
        last = log.head()
        broken = log.verify([*heads, last])
    whole = broken is None
    if as_json:
        problem = None if broken is None else {"number": broken.number, "problem": broken.problem}
        found = {"whole": whole, "lines": last.number, "hash": last.hash, "broken": problem}
        typer.echo(msgspec.json.encode(found).decode())
        if not whole:
            raise typer.Exit(FAILED)
    elif broken is not None:
        raise UserError(f"the audit log is broken: {broken}")
    else:
        typer.echo(f"whole\t{last.number}:{last.hash}")


@audit.command()
def show(
    after: Annotated[int, typer.Option(metavar="NUMBER", help="Lines after this one.")] = 0,
    most: Annotated[int, typer.Option(min=1, help="How many lines.")] = 100,
    actor: Annotated[str | None, typer.Option(help="Lines of this user.")] = None,
    subject: Annotated[str | None, typer.Option(help="Lines about this customer or alert.")] = None,
    *,
    as_json: _Json = False,
) -> None:
    """Print lines: number, time, actor, action, subject with its kind, detail."""
    import msgspec

    from sentinel.desk.audit import MOST_LINES

    left = most
    with _log() as log:
        while left and (lines := log.lines(after, left, actor=actor, subject=subject)):
            for each in lines:
                if as_json:
                    typer.echo(msgspec.json.encode(each._asdict()).decode())
                else:
                    shown = (moment(each.at_ms), *each[2:-1])
                    typer.echo("\t".join((str(each.number), *map(_shown, shown))))
            after, left = lines[-1].number, left - len(lines)
            if len(lines) < MOST_LINES:
                return


@contextmanager
def _log() -> "Iterator[AuditLog]":
    from sentinel.database import DatabaseError
    from sentinel.desk.audit import AuditLog

    database = open_database()
    try:
        yield AuditLog(database)
    except DatabaseError as error:
        raise UserError(str(error)) from None
    finally:
        database.close()


def _known(text: str) -> tuple[int, str]:
    found = _HEAD.fullmatch(text)
    if found is None:
        raise UserError(f"--head: {text!r} is not NUMBER:HASH, 64 hexadecimal digits")
    return int(found[1]), found[2]


def _shown(value: object) -> str:
    """A value on one line, also one that somebody has put there."""
    text = str(value)
    return text if text.isprintable() else repr(text)
