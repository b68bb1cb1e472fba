"""``sentinel ack``: answer an alert from the command line."""

import getpass
import os
import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.clock import wall_ms
from sentinel.model.response import Verdict

if TYPE_CHECKING:
    from sentinel.model.alert import Alert

_WAIT_S = 10.0


def ack(
    alert_id: Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")],
    by: Annotated[str, typer.Option(help="Who answers; your login name by default.")] = "",
    verdict: Annotated[
        Verdict | None, typer.Option(help="End the alert with this disposition.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="A note for the case.")] = None,
    since: Annotated[
        str, typer.Option(help="How far back to look for the alert, like 12h, 30d.")
    ] = "7d",
) -> None:
    """Acknowledge an alert, or end it with a verdict."""
    from sentinel.cli.failure import UserError
    from sentinel.kafka.response_client import ResponseClient, ResponseError
    from sentinel.model.alert import AlertState
    from sentinel.model.duration import parse_duration
    from sentinel.model.response import Response, ResponseKind
    from sentinel.settings import Settings, SettingsError

    now_ms = wall_ms()
    try:
        since_ms = max(0, now_ms - parse_duration(since))
    except ValueError as error:
        raise UserError(f"--since: {error}") from None
    try:
        with ResponseClient(Settings.from_environment(os.environ)) as client:
            alert = client.alert(alert_id, since_ms)
            if alert.resolution is not None:
                raise UserError(f"alert {alert_id} is over: {alert.resolution}")
            response = Response(
                response_id=uuid.uuid4().hex,
                event_time=now_ms,
                key=alert.key,
                alert_id=alert_id,
                kind=ResponseKind.DISPOSITION if verdict else ResponseKind.ACKNOWLEDGE,
                actor=by or getpass.getuser(),
                verdict=verdict,
                note=note,
            )
            client.respond(response)
            typer.echo(f"{response.kind} sent for {alert.tier} alert {alert_id}: {alert.title.en}")
            if alert.state is AlertState.ACKNOWLEDGED and verdict is None:
                typer.echo(f"nothing changes: {alert.acknowledged_by} has acknowledged it")
            else:
                typer.echo(_result(verdict, client.outcome(response, alert, _WAIT_S)))
    except (SettingsError, ResponseError) as error:
        raise UserError(str(error)) from None


def _result(verdict: Verdict | None, after: "Alert | None") -> str:
    """What the engine did with the answer; ``after`` is the alert's revision after it, if any."""
    if after is None:
        return f"the engine has not answered within {_WAIT_S:.0f} s"
    if after.resolution is None:
        return f"applied: acknowledged by {after.acknowledged_by}"
    if verdict is not None and after.resolution.value == verdict.value:
        return f"applied: the alert is over, {after.resolution}"
    return f"not applied: the alert was already over, {after.resolution}"
