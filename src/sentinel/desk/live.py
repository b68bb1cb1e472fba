"""Live changes: one task looks at the database, and wakes every page that waits."""

import asyncio
import contextlib
from collections.abc import Callable

_EVERY_S = 0.25
MOST_STREAMS = 1_000
"""Pages that may wait for changes at once; further ones try again later."""


class Live:
    """Counts how often history has changed; ``look`` gives a number that differs afterwards.

    ``streams`` is how many pages wait for changes.
    """

    def __init__(self, look: Callable[[], int]) -> None:
        self._look = look
        self._seen: int | None = None
        self._changed = asyncio.Condition()
        self.version = 0
        self.streams = 0

    async def poll(self) -> float:
        """Look once; returns the seconds until the next look."""
        seen = await asyncio.to_thread(self._look)
        if seen != self._seen:
            self._seen = seen
            async with self._changed:
                self.version += 1
                self._changed.notify_all()
        return _EVERY_S

    async def after(self, version: int, wait_s: float) -> int:
        """The version once it is another than ``version``, or when ``wait_s`` are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s), self._changed:
                await self._changed.wait_for(lambda: self.version != version)
        return self.version
