"""``sentinel ack``: answer an alert from the command line."""

import getpass
import os
import time
import uuid
from typing import Annotated

import typer

from sentinel.model.response import Verdict


def ack(
    alert_id: Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")],
    by: Annotated[str, typer.Option(help="Who answers.")] = "",
    verdict: Annotated[
        Verdict | None, typer.Option(help="End the alert with this disposition.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="For the case.")] = None,
    since: Annotated[
        str, typer.Option(help="How far back to look for the alert, like 12h, 30d.")
    ] = "7d",
) -> None:
    """Acknowledge an alert, or end it with a verdict."""
    from sentinel.cli.failure import UserError
    from sentinel.model.duration import parse_duration
    from sentinel.model.response import Response, ResponseKind
    from sentinel.settings import Settings, SettingsError
    from sentinel.stream.answers import AnswerError, Answers

    now_ms = time.time_ns() // 1_000_000
    try:
        since_ms = max(0, now_ms - parse_duration(since))
    except ValueError as error:
        raise UserError(f"--since: {error}") from None
    try:
        with Answers(Settings.from_environment(os.environ)) as answers:
            alert = answers.alert(alert_id, since_ms)
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
            answers.respond(response)
    except (SettingsError, AnswerError) as error:
        raise UserError(str(error)) from None
    typer.echo(f"{response.kind} sent for {alert.tier} alert {alert_id}: {alert.title.en}")
