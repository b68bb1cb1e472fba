"""``sentinel keys``: make the keys with which people and publishers sign."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.failure import UserError

keys = typer.Typer(help="Signing keys.", no_args_is_help=True)
_OWNER_ONLY = 0o600


@keys.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is.")],
    out: Annotated[Path, typer.Option(help="A new file for the private key.")],
) -> None:
    """Make a key: the private half goes to a file, the entry for people.yaml to stdout."""
    import msgspec

    from sentinel.kafka.signing import new_key
    from sentinel.model.events import Word
    from sentinel.model.signature import public_text

    try:
        msgspec.convert(name, Word)
    except msgspec.ValidationError as error:
        raise UserError(f"NAME: {error}") from None
    key, kept = new_key()
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as file:
        file.write(kept)
    typer.echo(f'  {msgspec.json.encode(name).decode()}: {{key: "{public_text(key)}"}}')
