"""The pager: alerts go into the outbox, what is due goes out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from sentinel.delivery.channels import Alertmanager, Channel, Heartbeat, Refused, Unreached
from sentinel.delivery.clock import Clock
from sentinel.delivery.declare import Plan
from sentinel.delivery.dispatch import Dispatcher
from sentinel.delivery.outbox import Outbox, Read
from sentinel.delivery.watch import PagerMetrics, PagerTask
from sentinel.kafka.records import Fetched
from sentinel.kafka.storing import Earliest, StoringService
from sentinel.model.alert import Alert
from sentinel.model.duration import parse_duration

_log = structlog.get_logger(__name__)
_COUNT_EVERY_S = 5.0
_TIDY_EVERY_S = 600.0
_RESEND_EVERY_S = 60.0


class Pager(StoringService[Alert, PagerMetrics]):
    """One pager process: what its agent hands over, and the tasks that send.

    ``read`` has for the topic what makes an alert of a record's value, or raises one of
    UNREADABLE.  ``heartbeat`` is called at the plan's interval while all is well, and not
    otherwise.
    """

    name = "pager"

    def __init__(
        self,
        outbox: Outbox,
        plan: Plan,
        channels: Mapping[str, Channel],
        metrics: PagerMetrics,
        clock: Clock,
        read: Mapping[str, Callable[[bytes], Alert]],
        heartbeat: Heartbeat | None = None,
    ) -> None:
        self._outbox, self._plan, self._clock = outbox, plan, clock
        self._dispatcher = Dispatcher(outbox, plan, channels, metrics, clock)
        self._resending = {
            name: each for name, each in channels.items() if isinstance(each, Alertmanager)
        }
        tasks: dict[PagerTask, Callable[[], Awaitable[float]]] = {
            PagerTask.COUNT: self._count,
            PagerTask.TIDY: self._tidy,
            PagerTask.RESEND: self._resend,
            PagerTask.FALLBACK: self._dispatcher.fall_back_overdue,
        }
        if heartbeat is not None and plan.heartbeat is not None:
            every_s = parse_duration(plan.heartbeat.every) / 1000
            tasks[PagerTask.HEARTBEAT] = partial(self._beat, heartbeat, every_s)
        super().__init__(
            "outbox",
            outbox.position,
            read,
            metrics,
            clock.now_ms,
            accepting=PagerTask.ACCEPT,
            looking=PagerTask.READ,
            tasks=tasks,
        )
        self._supervised += self._dispatcher.tasks.values()

    def longest_s(self, task: str) -> float:
        """After how long without progress a task is stuck: one may wait for a receiver."""
        return super().longest_s(task) + self._plan.timeout_ms / 1000

    async def accept(self, fetched: Fetched, earliest: Earliest) -> None:
        """Store all alerts of a fetch in the outbox, and send what is due."""
        await super().accept(fetched, earliest)
        self._dispatcher.wake()

    async def store(self, read: Read) -> None:
        """Store alerts, and retry until the outbox has them; raises UnstorableError."""
        unsent = await self._retry.until_done(
            lambda: self._outbox.accept(read, self._plan, self._clock.now_ms())
        )
        self._metrics.accepted(unsent)

    async def _count(self) -> float:
        """Update how many pages there are, and since when the oldest waits."""
        now_ms = self._clock.now_ms()
        counts = await asyncio.to_thread(self._outbox.counts)
        oldest_ms = await asyncio.to_thread(self._outbox.oldest_due_ms, now_ms)
        self._metrics.outbox(counts, oldest_ms, now_ms)
        return _COUNT_EVERY_S

    async def _tidy(self) -> float:
        """Delete alerts that ended long ago."""
        before_ms = self._clock.now_ms() - self._plan.keep_ms
        await asyncio.to_thread(self._outbox.prune, before_ms)
        return _TIDY_EVERY_S

    async def _beat(self, heartbeat: Heartbeat, every_s: float) -> float:
        """Send the monitor a heartbeat, if all is well."""
        if self.health()[0] and self.is_alive()[0]:
            await heartbeat.beat(self._clock.wall_ms())
            return every_s
        return min(every_s, _COUNT_EVERY_S)

    async def _resend(self) -> float:
        """Send the open alerts to each Alertmanager, which ends those that are not repeated."""
        for name, channel in self._resending.items():
            pages = await asyncio.to_thread(self._outbox.open_pages, name)
            try:
                await channel.resend(pages, self._clock.wall_ms())
            except (Refused, Unreached) as error:
                self._metrics.task_failed(PagerTask.RESEND)
                _log.warning("open alerts not sent again", channel=name, reason=str(error))
        return _RESEND_EVERY_S
