"""``sentinel silence``: suppress the notifications of some alerts for a time."""

import getpass
import os
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.clock import wall_ms
from sentinel.model.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinel.kafka.response_client import ResponseClient
    from sentinel.model.response import Silence

_WAIT_S = 3.0

silence = typer.Typer(
    help="Silences: suppress the notifications of some alerts.", no_args_is_help=True
)


def _client() -> "ResponseClient":
    from sentinel.cli.failure import UserError
    from sentinel.kafka.response_client import ResponseClient
    from sentinel.settings import Settings, SettingsError

    try:
        return ResponseClient(Settings.from_environment(os.environ))
    except SettingsError as error:
        raise UserError(str(error)) from None


@silence.command()
def add(
    matchers: Annotated[
        list[str],
        typer.Argument(metavar="MATCHER...", help="""Such as 'risk="legal"'; all match."""),
    ],
    length: Annotated[str, typer.Option("--for", help="How long, like 30m, 2h, 1d.")],
    comment: Annotated[str, typer.Option(help="The reason.")],
    by: Annotated[str, typer.Option(help="Who acts; your login name by default.")] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Accept matchers that select every alert, or nearly.")
    ] = False,
) -> None:
    """Silence the alerts that all matchers match, from now on; prints the silence's id."""
    from sentinel.cli.failure import UserError
    from sentinel.kafka.response_client import ResponseError
    from sentinel.model.duration import parse_duration
    from sentinel.model.events import LAST_MOMENT_MS
    from sentinel.model.response import Silence
    from sentinel.model.selection import parse_alert_matcher, select_nearly_all

    now_ms = wall_ms()
    try:
        parsed = [parse_alert_matcher(text) for text in matchers]
        ends_ms = now_ms + parse_duration(length)
    except ValueError as error:
        raise UserError(str(error)) from None
    if ends_ms > LAST_MOMENT_MS:
        raise UserError(f"--for {length} ends after 2099")
    if select_nearly_all(parsed) and not every:
        selected = " ".join(map(str, parsed))
        raise UserError(
            f"{selected} selects every alert, or nearly every one (--all if you mean it)"
        )
    made = Silence(
        silence_id=uuid.uuid4().hex,
        matchers=tuple(map(str, parsed)),
        starts_at=now_ms,
        ends_at=ends_ms,
        created_by=by or getpass.getuser(),
        comment=comment,
    )
    try:
        with _client() as client:
            client.silence(made, made.created_by, _WAIT_S)
    except ResponseError as error:
        raise UserError(str(error)) from None
    typer.echo(made.silence_id)


@silence.command()
def approve(
    silence_id: Annotated[str, typer.Argument(metavar="ID")],
    by: Annotated[str, typer.Option(help="Who acts; your login name by default.")] = "",
) -> None:
    """Approve another person's silence, so that it suppresses red alerts too."""
    from msgspec.structs import replace

    from sentinel.cli.failure import UserError
    from sentinel.model.events import epoch_ms

    actor = by or getpass.getuser()

    def approved(found: "Silence", now_ms: int) -> "Silence":
        if actor == found.created_by:
            raise UserError(f"{actor} has created silence {silence_id}: another must approve it")
        if epoch_ms(found.ends_at) <= now_ms:
            raise UserError(f"silence {silence_id} is over")
        return replace(found, approved_by=actor)

    _change(silence_id, approved, actor)


@silence.command()
def expire(
    silence_id: Annotated[str, typer.Argument(metavar="ID")],
    by: Annotated[str, typer.Option(help="Who acts; your login name by default.")] = "",
) -> None:
    """End a silence now."""
    from msgspec.structs import replace

    from sentinel.model.events import epoch_ms

    def ended(found: "Silence", now_ms: int) -> "Silence":
        starts_ms = min(epoch_ms(found.starts_at), now_ms)
        return replace(found, starts_at=starts_ms, ends_at=now_ms)

    _change(silence_id, ended, by or getpass.getuser())


def _change(silence_id: str, change: "Callable[[Silence, int], Silence]", actor: str) -> None:
    from sentinel.cli.failure import UserError
    from sentinel.kafka.response_client import ResponseError

    try:
        with _client() as client:
            known = {each.silence_id: each for each in _readable(client)}
            if silence_id not in known:
                raise UserError(f"there is no silence {silence_id}")
            client.silence(change(known[silence_id], wall_ms()), actor, _WAIT_S)
    except ResponseError as error:
        raise UserError(str(error)) from None


@silence.command("list")
def show(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the silences that are on or still to come."""
    import msgspec

    from sentinel.cli.failure import UserError
    from sentinel.kafka.response_client import ResponseError
    from sentinel.model.events import epoch_ms

    try:
        with _client() as client:
            found = _readable(client)
    except ResponseError as error:
        raise UserError(str(error)) from None
    now_ms = wall_ms()
    for each in found:
        if every or epoch_ms(each.ends_at) > now_ms:
            typer.echo(msgspec.json.encode(each).decode() if as_json else _line(each, now_ms))


def _readable(client: "ResponseClient") -> "list[Silence]":
    """The silences in the topic; prints to stderr how many records cannot be read."""
    found = client.silences()
    if found.unreadable:
        note = f"{found.unreadable} records of the silences topic cannot be read: skipped"
        typer.echo(f"sentinel: {note}", err=True)
    return found.newest


def _line(each: "Silence", now_ms: int) -> str:
    from sentinel.model.events import epoch_ms

    start, end = epoch_ms(each.starts_at), epoch_ms(each.ends_at)
    state = "over" if end <= now_ms else "active" if start <= now_ms else "pending"
    until = datetime.fromtimestamp(end / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    approved = "" if each.approved_by is None else f", approved by {each.approved_by}"
    note = f"{each.created_by}{approved}: {each.comment}"
    line = f"{each.silence_id}  {state:7}  until {until}  {' '.join(each.matchers)}  {note}"
    return visible(line)
