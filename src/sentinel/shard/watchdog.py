"""The watchdog: ends a process that has input and gets nowhere; a supervisor starts it again.

It looks from a thread of its own, so it also sees an event loop that stands still.  It counts its
own looks, not the clock: a process that was stopped and goes on is not taken for a stuck one.
"""

import threading
from collections.abc import Callable

LOOK_S = 5.0
LOOKS = 24
"""In a row without progress, though there is something to do, before the process ends."""


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
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def look(self) -> bool:
        """Look once; whether the process is stuck."""
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
