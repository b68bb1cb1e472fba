"""Processes that run a Faust app until they are stopped."""

import logging
import os
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import faust
    from prometheus_client import CollectorRegistry

    from sentinel.kafka.storing import StoringService
    from sentinel.settings import Settings


def serve(
    open_service: "Callable[[Settings, CollectorRegistry], StoringService[Any, Any]]",
) -> None:
    """Run a service that stores what it reads, with its web pages, until it is stopped.

    Settings come from SENTINEL_ variables; the topics are checked before the service is opened.
    Raises UserError.
    """
    from prometheus_client import CollectorRegistry

    from sentinel.agents.reader import create_app
    from sentinel.cli.failure import UserError
    from sentinel.cli.log import log_to_stderr
    from sentinel.database import DatabaseError
    from sentinel.kafka.topics import StartupError, check
    from sentinel.metrics.web import Web
    from sentinel.settings import Settings

    log_to_stderr()
    settings, registry = Settings.from_environment(os.environ), CollectorRegistry()
    try:
        check(settings)
        service = open_service(settings, registry)
    except (StartupError, DatabaseError) as error:
        raise UserError(str(error)) from None
    web = Web(settings.web_host, settings.web_port, registry, service.health, service.is_alive)
    run_app(lambda data_dir: create_app(settings, service, web, data_dir))


def run_app(create: "Callable[[str], faust.App]") -> None:
    """Run a Faust app until it is stopped; ``create`` makes it of a folder that is its scratch."""
    import faust

    with tempfile.TemporaryDirectory(prefix="sentinel-faust-") as data_dir:
        faust.Worker(
            create(data_dir), loglevel=logging.WARNING, redirect_stdouts=False
        ).execute_from_commandline()
