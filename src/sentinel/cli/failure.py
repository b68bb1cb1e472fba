"""Errors that the user can correct: one line on stderr and exit code 1, without a traceback."""

import errno

import typer
from typer.core import TyperGroup

from sentinel.model.document import ConfigError

INTERRUPTED = 130
FAILED = 1
LINT = 3


class UserError(Exception):
    """A verb cannot do what was asked; the message tells the user what to correct."""


class Verbs(TyperGroup):
    """The root command: makes a message and an exit code of the errors that verbs raise."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own Context
        """Run the verb; raises Exit."""
        from sentinel.replay.block import ReplayError
        from sentinel.settings import SettingsError

        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (ConfigError, ReplayError, SettingsError, UserError) as error:
            message = str(error)
        except OSError as error:
            if error.errno == errno.EPIPE:  # nobody reads our output: typer exits silently
                raise
            message = _readable(error)
        typer.echo(f"sentinel: {message}", err=True)
        raise typer.Exit(FAILED)


def _readable(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
