"""Calls of a database that are repeated until it answers."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog

from sentinel.database.database import DatabaseError

_log = structlog.get_logger(__name__)
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.1, 5.0
T = TypeVar("T")


class Retry:
    """Repeats a call while the database fails; ``failed`` counts each failure.

    ``blocked`` is why it fails now, empty while it answers.
    """

    def __init__(self, what: str, failed: Callable[[], None]) -> None:
        self._what, self._failed = what, failed
        self.blocked = ""

    async def until_done(self, call: Callable[[], T]) -> T:
        """The result of ``call``, which blocks and runs in a thread."""
        wait_s = _FIRST_RETRY_S
        while True:
            try:
                answer = await asyncio.to_thread(call)
            except DatabaseError as error:
                self.blocked = str(error)
                self._failed()
                _log.error(
                    "the database cannot be used",
                    database=self._what,
                    reason=self.blocked,
                    retry_s=wait_s,
                )
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_RETRY_S)
            else:
                self.blocked = ""
                return answer
