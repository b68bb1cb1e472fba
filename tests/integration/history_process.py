"""``sentinel history`` that flushes often, for tests that kill it."""

from sentinel.history import archiving


def flush_every(seconds: str) -> None:
    """Called in the process before it becomes ``sentinel history``."""
    archiving.FLUSH_EVERY_S = float(seconds)
