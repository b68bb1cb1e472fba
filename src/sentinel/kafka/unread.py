"""Since when alerts are in Kafka that the pager has not stored."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

Spans = Mapping[str, tuple[int, int]]
"""By partition: the offset after the last record, and the one up to which has been read."""
_ASK_S = 10.0


class Unread:
    """Asks where the topic ends, and remembers an end that has not been reached yet."""

    def __init__(self, ask: Callable[[], Awaitable[Spans]]) -> None:
        self._ask = ask
        self._asking: asyncio.Future[Spans] | None = None
        self._behind: dict[str, tuple[int, int]] = {}

    async def look(self, now_ms: int) -> float:
        """Seconds since the oldest unread record was first seen; 0 if all are read.

        Raises TimeoutError where Kafka does not answer, and what asking it raises.
        """
        if self._asking is None:  # a question that hangs is not asked twice
            self._asking = asyncio.ensure_future(self._ask())
        await asyncio.wait({self._asking}, timeout=_ASK_S)
        if not self._asking.done():
            raise TimeoutError
        answered, self._asking = self._asking, None
        return self._oldest_s(answered.result(), now_ms)

    def _oldest_s(self, spans: Spans, now_ms: int) -> float:
        found = {}
        for partition, (end, reached) in spans.items():
            awaited, since_ms = self._behind.get(partition, (0, 0))
            if awaited > reached:
                found[partition] = (awaited, since_ms)
            elif end > reached:
                found[partition] = (end, now_ms)
        self._behind = found
        return max((now_ms - since_ms for _, since_ms in found.values()), default=0) / 1000
