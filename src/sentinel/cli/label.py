"""``sentinel label``: say what an event was, whether or not there is an alert on it."""

import getpass
import os
import uuid
from typing import Annotated

import typer

from sentinel.cli.clock import wall_ms
from sentinel.model.events import Stream
from sentinel.model.response import Verdict


def label(
    event_id: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.")],
    customer: Annotated[str, typer.Option(help="The customer whose event it is.")],
    verdict: Annotated[Verdict, typer.Option(help="What it was found to be.")],
    by: Annotated[
        str, typer.Option(help="Who gives the verdict; your login name by default.")
    ] = "",
    stream: Annotated[
        Stream | None, typer.Option(help="Its stream, where events of several have this id.")
    ] = None,
    note: Annotated[
        str | None, typer.Option(help="A note for the case, such as a chargeback's id.")
    ] = None,
) -> None:
    """Say what an event was: a chargeback, or a complaint that was right."""
    from sentinel.cli.failure import UserError
    from sentinel.kafka.response_client import ResponseClient, ResponseError
    from sentinel.model.response import Response, ResponseKind
    from sentinel.settings import Settings, SettingsError

    response = Response(
        response_id=uuid.uuid4().hex,
        event_time=wall_ms(),
        key=customer,
        kind=ResponseKind.LABEL,
        actor=by or getpass.getuser(),
        event_id=event_id,
        stream=stream,
        verdict=verdict,
        note=note,
    )
    try:
        with ResponseClient(Settings.from_environment(os.environ)) as client:
            client.respond(response)
    except (SettingsError, ResponseError) as error:
        raise UserError(str(error)) from None
    typer.echo(f"{verdict} sent for event {event_id}")
