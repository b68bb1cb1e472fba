"""The entries that changed last, of what is kept in the order of its changes."""

from itertools import islice
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")
_ENTRIES = 8


def newest(entries: dict[K, V]) -> tuple[int, list[tuple[K, V]]]:
    """How many entries there are, and the last of them, newest first: enough for a spot check."""
    return len(entries), list(islice(reversed(entries.items()), _ENTRIES))
