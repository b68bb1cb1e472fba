"""Whether the records of a partition follow each other: none lost without a count."""

from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger(__name__)


class LeftOutError(Exception):
    """Records were not delivered that Kafka still has: a fresh start reads them."""


class Continuity:
    """The offset that is expected next, by partition (``topic-partition``).

    ``position`` asks the store from which offset on it needs records; None if it has none.
    """

    def __init__(self, position: Callable[[str], Awaitable[int | None]]) -> None:
        self._position = position
        self._expected: dict[str, int] = {}

    def assign(self) -> None:
        """Note that the group has assigned partitions: each may continue at another offset."""
        self._expected.clear()

    def reach(self, partition: str, end: int) -> None:
        """Note that everything before ``end`` is stored."""
        self._expected[partition] = max(end, self._expected.get(partition, 0))

    async def lost_before(
        self, partition: str, start: int, earliest: Callable[[], Awaitable[int]]
    ) -> int:
        """How many offsets before ``start`` Kafka deleted before they were read.

        ``earliest`` asks for the partition's first offset that Kafka still has.  Raises
        LeftOutError where records were left out that it has.  At the first records of a partition
        the store may be behind, where processes have stores of their own and another one had the
        partition.
        """
        expected, is_first = self._expected.get(partition), False
        if expected is None:
            position = await self._position(partition)
            expected, is_first = position if position is not None else start, True
        if start <= expected:
            return 0
        if await earliest() >= start:
            _log.error("records are gone", partition=partition, since=expected, until=start)
            return start - expected
        if not is_first:
            raise LeftOutError(f"{partition}: records from {expected} to before {start}")
        _log.warning("another store's records?", partition=partition, since=expected, until=start)
        return 0
