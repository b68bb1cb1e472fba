"""Failpoints: named points at which a worker can be made to fail, to test its recovery.

``SENTINEL_FAILPOINT=in_transaction:3`` kills the process as it gets there for the third time, as
SIGKILL would; ``in_transaction:3:raise`` raises :class:`FailpointError` there instead.  A
failpoint fires once.  Without the variable a failpoint does nothing and costs nothing.
"""

import os
import re
import signal
from enum import StrEnum
from threading import Lock


class Failpoint(StrEnum):
    """Where a worker can be made to fail."""

    AFTER_READ = "after_read"  # a step's records are read, nothing is processed
    AFTER_PROCESS = "after_process"  # the engine has moved on, nothing is written
    IN_TRANSACTION = "in_transaction"  # all is produced, nothing is committed
    AFTER_COMMIT = "after_commit"  # committed, not yet acked
    IN_SNAPSHOT = "in_snapshot"  # a part of a snapshot is produced
    IN_RECOVERY = "in_recovery"  # a part of the journal is replayed


class FailpointError(Exception):
    """What a failpoint raises."""


_FORM = re.compile(rf"(?P<name>{'|'.join(Failpoint)}):(?P<count>[1-9][0-9]*)(?P<raises>:raise)?")
_lock = Lock()
_left: dict[str, int] = {}
_raises = False


def arm(text: str | None) -> None:
    """Set the failpoint of this process; raises ValueError if the name is unknown."""
    global _raises
    _left.clear()
    if text is None:
        return
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is not a failpoint, such as {Failpoint.IN_TRANSACTION}:3')
    _left[found["name"]], _raises = int(found["count"]), found["raises"] is not None


def reach(failpoint: Failpoint) -> None:
    """Fail here if the process was started with this failpoint; raises FailpointError."""
    if failpoint not in _left:
        return
    with _lock:
        _left[failpoint] -= 1
        if _left[failpoint] != 0:
            return
    if _raises:
        raise FailpointError(failpoint)
    os.kill(os.getpid(), signal.SIGKILL)
