"""A supervised task: it is restarted after an error, which is logged and counted."""

import asyncio
import contextlib
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

_log = structlog.get_logger(__name__)
_FIRST_S, _LONGEST_S = 0.2, 30.0


class Supervised:
    """Calls ``once`` again and again, each time after the seconds that it returned.

    What it raises is logged and handed to ``failed``, and it is called again, later each time.
    """

    def __init__(
        self, name: str, once: Callable[[], Awaitable[float]], failed: Callable[[], None]
    ) -> None:
        self.name, self._once, self._failed = name, once, failed
        self._wake = asyncio.Event()
        self._beat_s: float | None = None
        self._failures = 0

    def wake(self) -> None:
        """Call it now."""
        self._wake.set()

    @property
    def is_woken(self) -> bool:
        """Whether another call is due."""
        return self._wake.is_set()

    def beat(self) -> None:
        """Note that it makes progress."""
        self._beat_s = asyncio.get_running_loop().time()

    def is_stuck(self, longest_s: float) -> bool:
        """Whether a call makes no progress for so long; never while it waits for the next call."""
        now_s = asyncio.get_running_loop().time()
        return self._beat_s is not None and now_s - self._beat_s > longest_s

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            self.beat()
            wait_s = await self.call()
            self._beat_s = None
            if wait_s:
                # Not wait_for: before Python 3.12 it may swallow a cancellation.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()

    async def call(self) -> float:
        """Once; returns the seconds until the next call."""
        try:
            wait_s = await self._once()
        except Exception as error:  # noqa: BLE001 - after any error the others must go on
            wait_s = min(_FIRST_S * 2**self._failures, _LONGEST_S)
            self._failures = min(self._failures + 1, 20)
            self._failed()
            _log.error("task failed, and goes on", task=self.name, **loggable(error))
        else:
            self._failures = 0
        return wait_s


def loggable(error: BaseException) -> dict[str, str]:
    """What may be logged of an error: the message of a library's error may hold a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    words = {"error": type(error).__name__}
    if frames:
        words["at"] = f"{frames[-1].filename}:{frames[-1].lineno}"
    if type(error).__module__.startswith("sentinel."):
        words["reason"] = str(error)
    return words


def end_process(reason: str) -> NoReturn:
    """End the process, because only a fresh start surely gives a sound state."""
    _log.error("the process ends", reason=reason)
    sys.stderr.flush()
    os._exit(1)
