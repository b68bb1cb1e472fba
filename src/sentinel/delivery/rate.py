"""The rate of a receiver: how many pages it accepts in any length of time."""

from collections import deque

_RED_SHARE = 4  # one page in so many is kept for red alerts


class Rate:
    """At most ``pages`` in any ``period_ms``, as chat robots count; beyond it they shut out.

    A quarter of them is kept for red alerts: others wait when no more is left.
    """

    def __init__(self, pages: int, period_ms: int) -> None:
        self._pages, self._period_ms = pages, period_ms
        self._others = pages - pages // _RED_SHARE
        self._sent_ms: deque[int] = deque()

    def left(self, now_ms: int) -> int:
        """How many pages that are not red may be sent at once."""
        self._forget(now_ms)
        return max(0, self._others - len(self._sent_ms))

    def acquire(self, now_ms: int, *, is_red: bool, messages: int = 1) -> float:
        """Note that so many messages are sent now; without room, the seconds until there is.

        What is more than the rate itself goes when nothing else has been sent.
        """
        self._forget(now_ms)
        most = self._pages if is_red else self._others
        over = len(self._sent_ms) + min(messages, most) - most
        if over <= 0:
            self._sent_ms.extend([now_ms] * messages)
            return 0.0
        return max(0.001, (self._sent_ms[over - 1] + self._period_ms - now_ms) / 1000)

    def _forget(self, now_ms: int) -> None:
        sent_ms = self._sent_ms
        while sent_ms and sent_ms[0] <= now_ms - self._period_ms:
            sent_ms.popleft()
        if sent_ms and sent_ms[-1] > now_ms:  # the clock was set back
            self._sent_ms = deque(min(each, now_ms) for each in sent_ms)
