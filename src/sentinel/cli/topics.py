"""``sentinel topics``: create and list the topics."""

import json
import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.failure import UserError

if TYPE_CHECKING:
    from sentinel.kafka.topics import Timestamps

topics = typer.Typer(help="Create and list the Kafka topics.", no_args_is_help=True)


class _Timestamps(StrEnum):
    """Whose timestamps the inputs' records have."""

    LOG_APPEND_TIME = "log-append-time"
    CREATE_TIME = "create-time"


_KAFKA: "dict[_Timestamps, Timestamps]" = {
    _Timestamps.LOG_APPEND_TIME: "LogAppendTime",
    _Timestamps.CREATE_TIME: "CreateTime",
}


@topics.command()
def create(
    timestamps: Annotated[
        _Timestamps,
        typer.Option(help="Timestamps of input records: the broker's, or the producers'."),
    ] = _Timestamps.LOG_APPEND_TIME,
) -> None:
    """Create the topics that are missing (SENTINEL_PARTITIONS, SENTINEL_REPLICATION)."""
    from sentinel.kafka.topics import StartupError
    from sentinel.kafka.topics import create as create_topics
    from sentinel.settings import Settings

    try:
        made = create_topics(Settings.from_environment(os.environ), _KAFKA[timestamps])
    except StartupError as error:
        raise UserError(str(error)) from None
    for name in made:
        typer.echo(name)
    typer.echo(f"{len(made)} created" if made else "nothing to create", err=True)


@topics.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON object.")] = False,
) -> None:
    """List Sentinel's topics with their partition counts."""
    from sentinel.kafka.topics import StartupError, describe
    from sentinel.settings import Settings

    try:
        present = describe(Settings.from_environment(os.environ))
    except StartupError as error:
        raise UserError(str(error)) from None
    if as_json:
        typer.echo(json.dumps(present))
    else:
        for name, partitions in present.items():
            typer.echo(f"{name}\t{partitions}")
