"""Errors that are the user's to mend: one line on stderr and exit 1, never a traceback."""

import errno

import typer
from typer.core import TyperGroup

from sentinel.model.document import ConfigError

INTERRUPTED = 130
FAILED = 1
LINT = 3


class UserError(Exception):
    """What a verb cannot do, said so that its user can mend it."""


class Verbs(TyperGroup):
    """The root command: what verbs raise becomes a message and an exit code."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own Context
        """Run the verb."""
        from sentinel.replay.block import ReplayError
        from sentinel.settings import SettingsError

        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (ConfigError, ReplayError, SettingsError, UserError) as error:
            message = str(error)
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of our output has gone: typer is quiet
                raise
            message = _readable(error)
        typer.echo(f"sentinel: {message}", err=True)
        raise typer.Exit(FAILED)


def _readable(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
