"""The pager's clock: the machine's, but it never goes back."""

import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)
_CATCHING_UP = 0.9  # of the usual speed: a duration is a tenth longer meanwhile
_WARNED_MS = 1_000


class Clock:
    """Milliseconds UTC of ``wall_ms``, without steps back.

    What waits for a moment would wait longer by such a step: a retry, a rung, a robot's rate.
    So where the machine's clock is set back this one goes on by ``steady_ms``, slower until
    both agree; where it is set ahead this one follows at once.  ``least_ms`` is a time that has
    been before the start.  Messages have ``wall_ms``, by which receivers judge signatures.
    """

    def __init__(
        self, wall_ms: Callable[[], int], steady_ms: Callable[[], int], least_ms: int
    ) -> None:
        self.wall_ms, self._steady_ms = wall_ms, steady_ms
        self._lock = threading.Lock()
        self._read_ms = steady_ms()
        self._now_ms = float(least_ms)
        self._has_warned = False

    def now_ms(self) -> int:
        """The time; called by any thread."""
        with self._lock:
            wall_ms, read_ms = self.wall_ms(), self._steady_ms()
            passed_ms, self._read_ms = read_ms - self._read_ms, read_ms
            self._now_ms = max(self._now_ms + _CATCHING_UP * passed_ms, wall_ms)
            self._log_change(self._now_ms - wall_ms)
            return round(self._now_ms)

    def _log_change(self, ahead_ms: float) -> None:
        is_ahead = ahead_ms > _WARNED_MS
        if is_ahead and not self._has_warned:
            _log.warning("the machine's clock was set back", seconds=round(ahead_ms / 1000))
        elif self._has_warned and not is_ahead:
            _log.info("the machine's clock agrees again")
        self._has_warned = is_ahead
