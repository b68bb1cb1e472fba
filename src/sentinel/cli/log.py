"""The log of every process: on stderr, one line per event."""

import faulthandler
import os
import sys
from collections.abc import MutableMapping
from typing import Any

from sentinel.model.visible import visible


def _visible(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Show control characters as codes: an error's text may hold what others wrote."""
    return {k: visible(v) if isinstance(v, str) else v for k, v in event.items()}


def log_to_stderr() -> None:
    """Send structlog's events to stderr, coloured on a terminal.

    A crash in native code prints the Python traceback there.
    """
    import structlog

    faulthandler.enable()

    structlog.configure(
        processors=[
            _visible,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty() and "NO_COLOR" not in os.environ
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
