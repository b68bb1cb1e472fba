"""The watchdog: ends a process that has input and makes no progress; a supervisor restarts it.

It has its own thread, so it also detects a blocked event loop.  It counts its own checks, not
seconds: a process that was stopped and continues does not count as stuck.
"""

import threading
from collections.abc import Callable

LOOK_S = 5.0
LOOKS = 24
"""Checks in a row without progress, though there is input, before the process ends."""


class Watchdog:
    """Calls ``stuck`` once, when ``progress`` stays the same while ``has_work`` holds."""

    def __init__(
        self,
        progress: Callable[[], object],
        has_work: Callable[[], bool],
        stuck: Callable[[], None],
        looks: int = LOOKS,
    ) -> None:
        self._progress, self._has_work, self._stuck = progress, has_work, stuck
        self._looks, self._in_vain = looks, 0
        self._last: object = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start checking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop checking."""
        self._stopping.set()

    def look(self) -> bool:
        """Check once; returns whether the process is stuck."""
        progress = self._progress()
        if progress != self._last or not self._has_work():
            self._last, self._in_vain = progress, 0
            return False
        self._in_vain += 1
        return self._in_vain >= self._looks

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            if self.look():
                self._stuck()
                return
