"""Where processes log to: stderr, one line an event."""

import faulthandler
import os
import sys


def log_to_stderr() -> None:
    """Send structlog's events to stderr, coloured on a terminal.

    A process that ends in native code says there where it was.
    """
    import structlog

    faulthandler.enable()

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty() and "NO_COLOR" not in os.environ
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
