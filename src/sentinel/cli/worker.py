"""``sentinel worker``: process the inputs and emit alerts until stopped."""

import gc
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.cli.clock import wall_ms

if TYPE_CHECKING:
    from sentinel.engine import Configuration
    from sentinel.kafka.configurations import Configurations
    from sentinel.metrics import Metrics
    from sentinel.settings import Settings

_CATCH_UP_S = 30.0
_GC_THRESHOLDS = (100_000, 20, 50)


def worker() -> None:
    """Run a worker; settings come from SENTINEL_ variables (see docs/settings.md)."""
    from sentinel.cli.failure import UserError
    from sentinel.cli.log import log_to_stderr
    from sentinel.cli.serve import run_app
    from sentinel.kafka.topics import StartupError, check
    from sentinel.settings import Settings, read_configuration
    from sentinel.shard.failpoint import arm

    log_to_stderr()
    settings = Settings.from_environment(os.environ)
    try:
        arm(settings.failpoint)
        count = check(settings)
    except (StartupError, ValueError) as error:
        raise UserError(str(error)) from None
    configuration = read_configuration(Path(settings.configs) if settings.configs else None)

    from sentinel.agents.app import create_app
    from sentinel.kafka.masking import read_masking
    from sentinel.kafka.registry import open_registry
    from sentinel.metrics import Metrics
    from sentinel.metrics.web import Web
    from sentinel.shard.shards import Shards

    _compile(configuration)
    metrics = Metrics()
    masking, registry = read_masking(settings), open_registry(settings)
    configurations = _configurations(settings, configuration, metrics)
    shards = Shards(settings, count, configurations, masking, registry, metrics)
    web = Web(settings.web_host, settings.web_port, metrics.registry, shards.health)
    shards.start()
    run_app(lambda data_dir: create_app(settings, shards, web, data_dir))


def _compile(configuration: "Configuration") -> None:
    """Compile the kernels, and exempt the objects that this leaves from garbage collection."""
    import structlog

    from sentinel.engine import warm_up

    log = structlog.get_logger("sentinel.worker")
    started = time.perf_counter()
    log.info("compiling kernels; the first start takes a while, later ones use the cache")
    warm_up(configuration)
    log.info("kernels ready", seconds=round(time.perf_counter() - started, 1))
    # Fetched records are many and short-lived and form no cycles: looking for cycles among
    # them at every 700 allocations costs more than it can find.
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _configurations(
    settings: "Settings", configuration: "Configuration", metrics: "Metrics"
) -> "Configurations":
    """The published configurations, read to the end; publishes that of the files if there is none.

    Raises UserError.
    """
    import structlog

    from sentinel.cli.failure import UserError
    from sentinel.kafka.configurations import Configurations, PublishError, publish
    from sentinel.kafka.topics import Topics

    configurations = Configurations(settings, configuration, metrics)
    configurations.start()
    if not configurations.wait_caught_up(_CATCH_UP_S):
        raise UserError(f"no answer from {settings.brokers} for {_CATCH_UP_S:.0f} s")
    if not configurations.published and settings.publishers_file is not None:
        raise UserError("nothing is published: run `sentinel publish` with a publisher's key")
    try:
        if not configurations.read_key(_CATCH_UP_S):
            raise UserError(f"no key on {Topics(settings.topic_prefix).configs}")
        if not configurations.published:  # so that what the journal names can be found again
            publish(settings, configuration, wall_ms())
    except PublishError as error:
        raise UserError(f"{error}; run `sentinel publish` before") from None
    if configurations.current().version != configuration.version:
        structlog.get_logger("sentinel.worker").warning(
            "the published configuration is in force, not that of the files",
            published=configurations.current().version,
            files=configuration.version,
            hint="sentinel publish",
        )
    return configurations
