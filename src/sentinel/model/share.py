"""Shares of what the whole desk can do: each shard uses its own without asking the others."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """The ``number``-th of ``count`` equal shares; the remainder goes to the shards in turn."""

    number: int = 0
    count: int = 1

    def of(self, whole: int, turn: int) -> int:
        """The part of ``whole`` in a turn; those of all shares add up to it.

        >>> [[Share(number, 3).of(4, turn) for number in range(3)] for turn in range(2)]
        [[1, 1, 2], [1, 2, 1]]
        """
        position = (self.number + turn) % self.count
        return whole * (position + 1) // self.count - whole * position // self.count


WHOLE = Share()
"""The share of an engine that processes all inputs."""
