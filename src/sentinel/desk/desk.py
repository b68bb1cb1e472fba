"""The desk's parts, and the tasks beside its pages."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import structlog
from sqlalchemy import func, select

from sentinel.database import Database
from sentinel.desk.accounts import Accounts
from sentinel.desk.audit import AuditLog
from sentinel.desk.complaints import ComplaintList
from sentinel.desk.declare import DeskPlan
from sentinel.desk.dossier import Dossiers
from sentinel.desk.live import Live
from sentinel.desk.metrics import DeskMetrics, DeskTask
from sentinel.desk.outgoing import Outgoing
from sentinel.desk.queue import Queue
from sentinel.desk.snoozes import Snoozes
from sentinel.desk.tables import SCHEMA
from sentinel.history.archive_query import ArchiveReader
from sentinel.history.store import VARIABLE, Store
from sentinel.history.tables import OFFSETS
from sentinel.model.response import Response
from sentinel.supervised import Supervised

_log = structlog.get_logger(__name__)
_IDLE_S = 0.2
_PRUNE_EVERY_S = 600.0
_STUCK_S = 60.0
P = ParamSpec("P")
T = TypeVar("T")


def now_ms() -> int:
    """Wall-clock time in ms UTC."""
    return time.time_ns() // 1_000_000


class Desk:
    """What the pages use.

    ``send`` sends a response and raises while Kafka does not answer; with ``is_secure`` browsers
    send the session's cookie over TLS only.
    """

    def __init__(
        self,
        store: Store,
        url: str,
        plan: DeskPlan,
        send: Callable[[Response], None],
        metrics: DeskMetrics,
        *,
        is_secure: bool,
        archive: ArchiveReader | None = None,
    ) -> None:
        self.is_secure, self.archive = is_secure, archive
        self.history, self.own = store.database, Database(url, SCHEMA, VARIABLE)
        self.plan, self.metrics, self._send = plan, metrics, send
        self.queue, self.dossiers = Queue(self.history), Dossiers(self.history)
        self.complaints = ComplaintList(self.history)
        self.responses = Outgoing(self.own, self.history)
        self.snoozes = Snoozes(self.own)
        self.accounts = Accounts(self.own, count=metrics.limited)
        self.audit = AuditLog(self.own)
        self.live = Live(self._position)
        self._supervised = {
            task: Supervised(task, once, partial(metrics.task_failed, task))
            for task, once in (
                (DeskTask.SEND, self._send_due),
                (DeskTask.POLL, self.live.poll),
                (DeskTask.PRUNE, self._prune),
            )
        }
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self.one_at_a_time = threading.Lock()

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a call that blocks."""
        return await asyncio.to_thread(call, *args, **kwargs)

    def is_alive(self) -> tuple[bool, str]:
        """Whether every task makes progress, with a description."""
        stuck = [each.name for each in self._supervised.values() if each.is_stuck(_STUCK_S)]
        stuck += [task.get_name() for task in self._tasks if task.done()]
        return (False, f"stuck: {', '.join(stuck)}") if stuck else (True, "ok")

    async def start(self) -> None:
        """Start the tasks."""
        self._loop = asyncio.get_running_loop()
        for each in self._supervised.values():
            self._tasks.append(asyncio.create_task(each.run(), name=each.name))

    async def stop(self) -> None:
        """Stop the tasks."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def wake_sender(self) -> None:
        """Send now what is due; for any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._supervised[DeskTask.SEND].wake)

    async def _send_due(self) -> float:
        """Send what is due; returns the seconds until there may be more."""
        sent = await asyncio.to_thread(self.responses.send_due, now_ms(), self._send)
        self.metrics.sent(sent)
        due_ms = await asyncio.to_thread(self.responses.next_due_ms)
        if due_ms is None:
            return _IDLE_S * 10
        return max(0.01, min(_IDLE_S * 10, (due_ms - now_ms()) / 1000))

    async def _prune(self) -> float:
        await asyncio.to_thread(self.responses.prune, now_ms())
        await asyncio.to_thread(self.accounts.prune, now_ms())
        return _PRUNE_EVERY_S

    def _position(self) -> int:
        """A number that grows whenever history has stored something."""
        with self.history.reading() as connection:
            return int(connection.scalar(select(func.sum(OFFSETS.c.last))) or 0)
