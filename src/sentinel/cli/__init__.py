"""The command line: one verb a file, data on stdout, everything else on stderr.

Exit codes: 0 done, 1 failed (one line on stderr has the reason), 2 wrong usage, 3 lint
findings, 130 interrupted.  Verbs import what they need when they run, so that
``sentinel --help`` is quick.
"""

from typing import Annotated

import typer

from sentinel import DISTRIBUTION, __version__
from sentinel.cli.ack import ack
from sentinel.cli.audit import audit
from sentinel.cli.backtest import backtest
from sentinel.cli.check import check
from sentinel.cli.deadletter import deadletter
from sentinel.cli.demo import demo
from sentinel.cli.desk import desk
from sentinel.cli.evaluate import evaluate
from sentinel.cli.failure import Verbs
from sentinel.cli.history import history
from sentinel.cli.keys import keys
from sentinel.cli.label import label
from sentinel.cli.pager import pager
from sentinel.cli.publish import publish
from sentinel.cli.recover import recover
from sentinel.cli.replay import replay
from sentinel.cli.routes import routes
from sentinel.cli.rules import rules
from sentinel.cli.silence import silence
from sentinel.cli.simulate import simulate
from sentinel.cli.test import test
from sentinel.cli.topics import topics
from sentinel.cli.worker import worker

app = typer.Typer(
    cls=Verbs,
    name="sentinel",
    help="Real-time early warning of financial risk.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(worker)
app.command()(check)
app.command()(test)
app.command()(publish)
app.command()(replay)
app.command()(backtest)
app.command()(recover)
app.command()(simulate)
app.command()(ack)
app.command()(label)
app.add_typer(evaluate, name="evaluate")
app.add_typer(deadletter, name="deadletter")
app.add_typer(silence, name="silence")
app.add_typer(keys, name="keys")
app.add_typer(pager, name="pager")
app.add_typer(history, name="history")
app.add_typer(desk, name="desk")
app.add_typer(audit, name="audit")
app.add_typer(routes, name="routes")
app.add_typer(topics, name="topics")
app.add_typer(rules, name="rules")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sentinel {__version__} (distribution {DISTRIBUTION})")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options of the root command itself."""


def main() -> None:
    """Run the command line; the entry point ``sentinel``."""
    app()
