"""``sentinel publish``: put a configuration in force for all workers, between two steps."""

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.clock import wall_ms
from sentinel.cli.failure import FAILED, UserError

_ANSWER_S = 15.0


def publish(
    configs: Annotated[
        Path | None, typer.Argument(help="Configuration folder; the shipped one by default.")
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            help="Who publishes, and signs if there is a key; your login name by default."
        ),
    ] = "",
) -> None:
    """Check a configuration, run its rules' tests and publish it; prints its version."""
    from sentinel.cli.log import log_to_stderr
    from sentinel.kafka.configurations import PublishError, read_hasher, write_key
    from sentinel.kafka.configurations import publish as put_in_force
    from sentinel.kafka.topics import StartupError, check
    from sentinel.replay.ruletests import read_tests, run_alone
    from sentinel.settings import Settings, read_configuration

    log_to_stderr()
    settings = Settings.from_environment(os.environ)
    configuration = read_configuration(configs)
    tests = read_tests(configuration.rule_documents)
    with typer.progressbar(tests, label="rule tests", file=sys.stderr) as bar:
        results = [run_alone(each, configuration) for each in bar]
    failed = [each.test for each in results if not each.passed]
    for test in failed:
        typer.echo(f"{test.rule_id}: {test.name}: failed", err=True)
    if failed:
        typer.echo("not published; `sentinel test` shows what was expected", err=True)
        raise typer.Exit(FAILED)
    try:
        check(settings)
        if read_hasher(settings, _ANSWER_S) is None:
            write_key(settings)
        put_in_force(settings, configuration, wall_ms(), by or getpass.getuser())
    except (StartupError, PublishError) as error:
        raise UserError(str(error)) from None
    typer.echo(configuration.version)
