"""The pager: alerts go into the outbox, what is due goes out."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import structlog

from sentinel.alerting.cloudevent import decode
from sentinel.delivery.declare import Plan
from sentinel.delivery.dispatch import Dispatcher
from sentinel.delivery.outbox import Outbox
from sentinel.delivery.plan import NoPage
from sentinel.delivery.watch import PagerMetrics
from sentinel.model.alert import Alert

_log = structlog.get_logger(__name__)
_COUNT_EVERY_S = 5.0
_COUNTS_A_TIDYING = 120


class Pager:
    """One pager process: what its agent hands over, and the tasks that send.

    ``read`` makes an alert of a record's value, or raises msgspec.DecodeError.
    """

    def __init__(
        self,
        outbox: Outbox,
        plan: Plan,
        dispatcher: Dispatcher,
        metrics: PagerMetrics,
        clock_ms: Callable[[], int],
        read: Callable[[bytes], Alert] = decode,
    ) -> None:
        self._read = read
        self._outbox, self._plan, self._dispatcher = outbox, plan, dispatcher
        self._metrics, self._clock_ms = metrics, clock_ms
        self._tasks: list[asyncio.Task[None]] = []
        self.assigned = False

    @property
    def ready(self) -> bool:
        """Whether its part of the alerts topic is known, and all that should run does."""
        return self.assigned and bool(self._tasks) and not any(t.done() for t in self._tasks)

    def health(self) -> tuple[bool, str]:
        """Whether it is ready, and in words."""
        return (True, "ready") if self.ready else (False, "waiting for its part of the alerts")

    def start(self) -> None:
        """Begin to send what is due."""
        self._tasks = [
            asyncio.create_task(self._dispatcher.run(), name="dispatcher"),
            asyncio.create_task(self._tidy(), name="tidy"),
        ]

    async def stop(self) -> None:
        """Stop sending; what is under way will be sent again after the next start."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def accept(
        self, topic: str, partition: int, offsets: Sequence[int], values: Sequence[bytes | None]
    ) -> None:
        """Take in records of the alerts topic; when this returns they are in the outbox."""
        records: list[tuple[int, Alert]] = []
        unsent: Counter[NoPage] = Counter()
        for offset, value in zip(offsets, values, strict=True):
            try:
                records.append((offset, self._read(value or b"")))
            except msgspec.DecodeError:
                unsent[NoPage.UNREADABLE] += 1
                _log.error("no alert", topic=topic, partition=partition, offset=offset)
        if records:
            place, now_ms = f"{topic}-{partition}", self._clock_ms()
            unsent += await asyncio.to_thread(
                self._outbox.accept, place, records, self._plan, now_ms
            )
        self._metrics.accepted(unsent)
        self._dispatcher.wake()

    async def _tidy(self) -> None:
        """Now and then forget what is long over, and count what is there."""
        for number in itertools.count():
            if number % _COUNTS_A_TIDYING == 0:
                before_ms = self._clock_ms() - self._plan.keep_ms
                await asyncio.to_thread(self._outbox.prune, before_ms)
            self._metrics.outbox(await asyncio.to_thread(self._outbox.counts))
            await asyncio.sleep(_COUNT_EVERY_S)
