"""``sentinel desk``: the accounts of the people who work with alerts in a browser."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.clock import wall_ms
from sentinel.cli.failure import UserError

if TYPE_CHECKING:
    from sentinel.desk.accounts import Accounts, User
    from sentinel.desk.roles import Role
    from sentinel.kafka.response_client import ResponseClient
    from sentinel.settings import Settings

desk = typer.Typer(help="The desk, where people work with alerts in a browser.")
user = typer.Typer(help="Accounts of the desk.", no_args_is_help=True)
desk.add_typer(user, name="user")


@desk.callback(invoke_without_command=True)
def run(context: typer.Context) -> None:
    """Serve the desk until stopped (SENTINEL_ variables); docs/desk.md."""
    if context.invoked_subcommand is not None:
        return
    from sentinel.cli.log import log_to_stderr
    from sentinel.database import DatabaseError
    from sentinel.kafka.response_client import ResponseClient
    from sentinel.settings import Settings

    log_to_stderr()
    settings = Settings.from_environment(os.environ)
    try:
        with ResponseClient(settings) as client:
            _serve(settings, client)
    except DatabaseError as error:
        raise UserError(str(error)) from None


def _serve(settings: "Settings", client: "ResponseClient") -> None:
    import uvicorn
    from prometheus_client import CollectorRegistry

    from sentinel.desk.app import create_app
    from sentinel.desk.declare import read_folder
    from sentinel.desk.desk import Desk
    from sentinel.desk.metrics import DeskMetrics
    from sentinel.history.archive_query import ArchiveReader
    from sentinel.history.store import Store
    from sentinel.settings import shipped_configs

    folder_of_events = settings.archive_folder
    folder = Path(settings.configs) if settings.configs else shipped_configs()
    served = Desk(
        Store(settings.history),
        settings.history,
        read_folder(folder),
        client.respond,
        DeskMetrics(CollectorRegistry()),
        is_secure=settings.desk_url.startswith("https://"),
        archive=None if folder_of_events is None else ArchiveReader(folder_of_events),
    )
    uvicorn.run(
        create_app(served),
        host=settings.web_host,
        port=settings.web_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,  # pages wait for changes for good
    )


_ROLES = "viewer, analyst, senior, auditor or administrator"
_Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
_RoleName = Annotated[str, typer.Option("--role", metavar="ROLE", help=f"Its role: {_ROLES}.")]
_Owner = Annotated[
    str | None,
    typer.Option("--desk", metavar="OWNER", help="The owner of the rules that it works on."),
]
_PasswordFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A file whose only line is the password; else it is asked."),
]


@user.command()
def add(
    name: _Name, role: _RoleName, owner: _Owner = None, password_file: _PasswordFile = None
) -> None:
    """Add a user; the password is asked twice on the terminal."""
    wanted = _role(role)
    with _accounts() as (accounts, actor, now_ms):
        password = _password(password_file)
        made = accounts.add(name, wanted, password, actor=actor, now_ms=now_ms, desk=owner or "")
    typer.echo(_line(made))


@user.command("list")
def list_users(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List all users: name, role, desk, whether enabled, and the latest login."""
    import msgspec

    with _accounts() as (accounts, _, _):
        users = accounts.users()
    if as_json:
        typer.echo(msgspec.json.encode(users).decode())
        return
    for each in users:
        typer.echo(_line(each))


@user.command("set")
def change(
    name: _Name,
    *,
    role: _RoleName = "",
    owner: _Owner = None,
    enabled: Annotated[
        bool | None,
        typer.Option("--enable/--disable", help="Whether it may log in.", show_default=False),
    ] = None,
) -> None:
    """Change a user's role or desk, disable it or enable it again; its sessions end."""
    if not role and owner is None and enabled is None:
        raise UserError("nothing to set: give --role, --desk, --enable or --disable")
    wanted = _role(role) if role else None
    with _accounts() as (accounts, actor, now_ms):
        changed = accounts.change(
            name, role=wanted, desk=owner, enabled=enabled, actor=actor, now_ms=now_ms
        )
    typer.echo(_line(changed))


@user.command()
def password(name: _Name, password_file: _PasswordFile = None) -> None:
    """Give a user a new password; its sessions end."""
    with _accounts() as (accounts, actor, now_ms):
        if accounts.user(name) is None:
            raise UserError(f"there is no user {name}")
        accounts.set_password(name, _password(password_file), actor=actor, now_ms=now_ms)
    typer.echo("the password is changed", err=True)


@contextmanager
def _accounts() -> "Iterator[tuple[Accounts, str, int]]":
    """The accounts, who changes them, and the time; errors become UserError."""
    from sentinel.cli.audit import open_database, os_user
    from sentinel.database import DatabaseError
    from sentinel.desk.accounts import AccountError, Accounts

    database = open_database()
    try:
        yield Accounts(database), os_user(), wall_ms()
    except (AccountError, DatabaseError) as error:
        raise UserError(str(error)) from None
    finally:
        database.close()


def _role(name: str) -> "Role":
    from sentinel.desk.roles import Role

    try:
        return Role(name)
    except ValueError:
        raise UserError(f"--role: {name} is not {_ROLES}") from None


def _password(file: Path | None) -> str:
    """A new password from a file, or from the terminal, where it is asked twice."""
    if file is None:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt="Once more"))
    from sentinel.model.file import read_text

    lines = read_text(file, str(file)).splitlines()
    if len(lines) != 1:
        raise UserError(f"{file}: must have one line, the password")
    return lines[0]


def _line(each: "User") -> str:
    state = "enabled" if each.enabled else "disabled"
    return "\t".join((each.name, each.role, each.desk or "-", state, _moment(each.login_ms)))


def _moment(at_ms: int | None) -> str:
    from sentinel.cli.audit import moment

    return "never logged in" if at_ms is None else moment(at_ms)
