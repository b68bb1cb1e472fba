"""The pager: alerts go into the outbox, what is due goes out."""

import asyncio
import contextlib
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import NoReturn

import structlog

from sentinel.alerting.cloudevent import decode
from sentinel.database import Retry, UnstorableError
from sentinel.delivery.channels import Alertmanager, Channel, Heartbeat, Refused, Unreached
from sentinel.delivery.clock import Clock
from sentinel.delivery.declare import Plan
from sentinel.delivery.dispatch import Dispatcher
from sentinel.delivery.outbox import Outbox, Read
from sentinel.delivery.plan import NoPage
from sentinel.delivery.watch import PagerMetrics, PagerTask
from sentinel.kafka.continuity import Continuity, LeftOutError
from sentinel.kafka.records import Fetched
from sentinel.kafka.unread import Spans, Unread
from sentinel.model.alert import Alert
from sentinel.model.duration import parse_duration
from sentinel.model.reading import UNREADABLE
from sentinel.supervised import Supervised

_log = structlog.get_logger(__name__)
_COUNT_EVERY_S = 5.0
_TIDY_EVERY_S = 600.0
_RESEND_EVERY_S = 60.0
_LOOK_EVERY_S = 15.0
_STUCK_S = 120.0


class Pager:
    """One pager process: what its agent hands over, and the tasks that send.

    ``read`` makes an alert of a record's value, or raises one of UNREADABLE.  ``heartbeat``
    is called at the plan's interval while all is well, and not otherwise.
    """

    def __init__(
        self,
        outbox: Outbox,
        plan: Plan,
        channels: Mapping[str, Channel],
        metrics: PagerMetrics,
        clock: Clock,
        read: Callable[[bytes], Alert] = decode,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        self._outbox, self._plan, self._metrics = outbox, plan, metrics
        self._clock, self._read = clock, read
        self._dispatcher = Dispatcher(outbox, plan, channels, metrics, clock)
        self._resending = {
            name: each for name, each in channels.items() if isinstance(each, Alertmanager)
        }
        own: dict[PagerTask, Callable[[], Awaitable[float]]] = {
            PagerTask.COUNT: self._count,
            PagerTask.TIDY: self._tidy,
            PagerTask.RESEND: self._resend,
            PagerTask.FALLBACK: self._dispatcher.fall_back_overdue,
            PagerTask.READ: self._look,
        }
        if heartbeat is not None and plan.heartbeat is not None:
            every_s = parse_duration(plan.heartbeat.every) / 1000
            own[PagerTask.HEARTBEAT] = partial(self._beat, heartbeat, every_s)
        self._supervised = [
            *self._dispatcher.tasks.values(),
            *(
                Supervised(task, once, partial(metrics.task_failed, task))
                for task, once in own.items()
            ),
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._retry = Retry("outbox", partial(metrics.task_failed, PagerTask.ACCEPT))
        self._continuity = Continuity(
            lambda partition: self._retry.until_done(lambda: self._outbox.position(partition))
        )
        self._accepting_since_ms: int | None = None
        self._is_assigned = False

    def health(self) -> tuple[bool, str]:
        """Whether alerts are stored and sent, with a description."""
        if self._retry.blocked:
            return False, f"the outbox cannot be written: {self._retry.blocked}"
        if not self._is_assigned or not self._tasks:
            return False, "waiting for partitions of the alerts topic"
        return True, "ready"

    def is_alive(self) -> tuple[bool, str]:
        """Whether every task makes progress, with a description."""
        longest_s = _STUCK_S + self._plan.timeout_ms / 1000
        stuck = [each.name for each in self._supervised if each.is_stuck(longest_s)]
        return (False, f"stuck: {', '.join(stuck)}") if stuck else (True, "ok")

    def assign(self) -> None:
        """Note that the group has assigned partitions: each may continue at another offset."""
        self._continuity.assign()
        self._is_assigned = True

    def start(self, spans: Callable[[], Awaitable[Spans]]) -> None:
        """Begin to send what is due; ``spans`` returns how far the assigned partitions are read."""
        self._unread = Unread(spans)
        for each in self._supervised:
            task = asyncio.create_task(each.run(), name=each.name)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        """Stop sending; what is under way will be sent again after the next start."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def accept(self, fetched: Fetched, earliest: Callable[[], Awaitable[int]]) -> None:
        """Store all alerts of a fetch.

        When this returns they are in the outbox, however long that takes.  ``earliest`` asks
        for the partition's first offset that Kafka still has.
        """
        partition = f"{fetched.topic}-{fetched.partition}"
        self._accepting_since_ms = self._clock.now_ms()
        alerts: list[tuple[int, Alert]] = []
        unsent: Counter[NoPage] = Counter()
        for offset, value in zip(fetched.offsets, fetched.values, strict=True):
            try:
                alerts.append((offset, self._read(value or b"")))
            except UNREADABLE:
                unsent[NoPage.UNREADABLE] += 1
                _log.error("no alert", partition=partition, offset=offset)
        try:
            lost = await self._continuity.lost_before(partition, fetched.start, earliest)
        except LeftOutError as error:
            self._die(f"left out: {error}")
        unsent[NoPage.GONE] += lost
        read = Read(partition, fetched.start, fetched.end, alerts)
        try:
            unsent += await self._stored(read)
        except UnstorableError:
            for each in read.each():
                try:
                    unsent += await self._stored(each)
                except UnstorableError as error:  # one that cannot be paged stops no other
                    _log.error(
                        "no page made", partition=partition, offset=each.start, reason=str(error)
                    )
                    unsent[NoPage.UNMADE] += 1
                    await self._stored(Read(partition, each.start, each.end, []))
        self._continuity.reach(partition, fetched.end)
        self._metrics.accepted(+unsent)
        self._accepting_since_ms = None
        self._dispatcher.wake()

    async def _stored(self, read: Read) -> Counter[NoPage]:
        """Store records, and retry until the database has them; raises UnstorableError."""
        return await self._retry.until_done(
            lambda: self._outbox.accept(read, self._plan, self._clock.now_ms())
        )

    async def _count(self) -> float:
        """Update how many pages there are, and since when the oldest waits."""
        now_ms = self._clock.now_ms()
        counts = await asyncio.to_thread(self._outbox.counts)
        oldest_ms = await asyncio.to_thread(self._outbox.oldest_due_ms, now_ms)
        self._metrics.outbox(counts, oldest_ms, now_ms)
        return _COUNT_EVERY_S

    async def _look(self) -> float:
        """Update since when records are unread; raises where Kafka does not answer."""
        unread_s = await self._unread.look(self._clock.now_ms())
        if self._accepting_since_ms is not None:
            accepting_s = (self._clock.now_ms() - self._accepting_since_ms) / 1000
            unread_s = max(unread_s, accepting_s)
        self._metrics.unread(unread_s)
        return _LOOK_EVERY_S

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

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._die(f"{task.get_name()} has ended: {task.exception()!r}")

    def _die(self, reason: str) -> NoReturn:
        """End the process: after a fresh start the records are read again."""
        _log.error("pager ends", reason=reason)
        sys.stderr.flush()
        os._exit(1)
