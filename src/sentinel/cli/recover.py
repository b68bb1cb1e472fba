"""``sentinel recover``: rebuild shards whose state cannot be recovered exactly."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.failure import UserError

_CATCH_UP_S = 30.0


def recover(
    from_earliest: Annotated[
        bool,
        typer.Option(
            "--from-earliest", help="Replay all of the journal whose inputs are still there."
        ),
    ] = False,
    shard: Annotated[
        int | None, typer.Option(help="Only this shard; all of them by default.", min=0)
    ] = None,
) -> None:
    """Rebuild shards from what Kafka still has, and write snapshots of them.

    Stop the workers first. Nothing is emitted; what is missing is counted and skipped.
    """
    from prometheus_client import CollectorRegistry

    from sentinel.cli.log import log_to_stderr
    from sentinel.kafka.configurations import Configurations
    from sentinel.kafka.registry import open_registry
    from sentinel.kafka.topics import StartupError, check
    from sentinel.metrics import Metrics
    from sentinel.model.share import Share
    from sentinel.settings import Settings, read_configuration
    from sentinel.shard.rebuild import RebuildError, rebuild

    if not from_earliest:
        raise typer.BadParameter(
            "give --from-earliest: any other recovery is done by the worker itself"
        )
    log_to_stderr()
    settings = Settings.from_environment(os.environ)
    configuration = read_configuration(Path(settings.configs) if settings.configs else None)
    configurations = Configurations(settings, configuration, Metrics(CollectorRegistry()))
    try:
        count = check(settings)
        if shard is not None and shard >= count:
            raise UserError(f"there are shards 0 to {count - 1}")
        configurations.start()
        if not (
            configurations.wait_caught_up(_CATCH_UP_S) and configurations.read_key(_CATCH_UP_S)
        ):
            raise UserError(f"no answer from {settings.brokers} for {_CATCH_UP_S:.0f} s")
        for number in range(count) if shard is None else [shard]:
            with typer.progressbar(length=100, label=f"shard {number}", file=sys.stderr) as bar:

                def progress(done: int, of: int, bar: "typer.progressbar" = bar) -> None:  # type: ignore[valid-type]
                    bar.update(100 * done // of - bar.pos)  # type: ignore[attr-defined]

                share, registry = Share(number, count), open_registry(settings)
                rebuilt = rebuild(settings, share, configurations, registry, progress)
            typer.echo(
                f"shard {number}: {rebuilt.steps} steps, {rebuilt.flaws} differ from the journal"
            )
    except (StartupError, RebuildError) as error:
        raise UserError(str(error)) from None
    finally:
        configurations.stop()
