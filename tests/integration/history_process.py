"""``sentinel history`` with other intervals, for tests that kill it."""

from typing import Any

import faust

from sentinel.history import archiving

_COMMIT_EVERY_S = 0.1


def flush_every(seconds: str) -> None:
    """Called in the process before it becomes ``sentinel history``; commits offsets often, too."""
    archiving.FLUSH_EVERY_S = float(seconds)
    init = faust.App.__init__

    def commits_often(self: faust.App, *args: Any, **options: Any) -> None:
        init(self, *args, **options, broker_commit_interval=_COMMIT_EVERY_S)

    faust.App.__init__ = commits_often
