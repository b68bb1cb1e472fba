"""The end of the history process where only a fresh start is right."""

import os
import sys
from typing import NoReturn

import structlog

_log = structlog.get_logger(__name__)


def end_process(reason: str) -> NoReturn:
    """End the process: after a fresh start the records are read again."""
    _log.error("history ends", reason=reason)
    sys.stderr.flush()
    os._exit(1)
