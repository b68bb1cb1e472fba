"""The contract of every stage of the engine that has state."""

from collections import Counter
from collections.abc import Mapping
from typing import Protocol, Self, runtime_checkable

from sentinel.model.step import Limit

Buffer = bytes | memoryview
"""Bytes, or a view of an array."""

Parts = Mapping[str, Buffer]
"""A stage's state by the names of its parts."""

WHOLE_STATE = "state"
"""The name of the part where there is only one."""


@runtime_checkable
class Stage(Protocol):
    """State that is saved, restored and carried over, and bounds that are counted when reached."""

    limits: Counter[Limit]
    """The bounds that were reached; the engine clears it when it has counted them."""

    def snapshot(self) -> Parts:
        """All state; equal states give equal bytes, and no later change touches them."""

    def restore(self, parts: Parts) -> None:
        """Continue from what :meth:`snapshot` gave, under the same configuration."""

    def carry(self, old: Self) -> None:
        """Continue from ``old``, which ran under another configuration; this stage is empty.

        What means the same is kept, what is new starts empty, what is gone is dropped.
        """

    def spot(self) -> Buffer:
        """What changed last, and how much state there is: equal after equal steps; O(one step)."""


def under(name: str, parts: Parts) -> dict[str, Buffer]:
    """The parts of a stage among those of all, without its name."""
    prefix = f"{name}."
    return {each.removeprefix(prefix): parts[each] for each in parts if each.startswith(prefix)}
