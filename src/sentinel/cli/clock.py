"""The machine's clock, as commands read it."""

import time


def wall_ms() -> int:
    """Now, in milliseconds UTC."""
    return time.time_ns() // 1_000_000
