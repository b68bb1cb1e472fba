"""What a fetch brings, for tests of services that store it."""

from collections.abc import Sequence

from sentinel.kafka.records import Fetched


def fetched_of(
    topic: str, start: int, values: Sequence[bytes | None], end: int | None = None
) -> Fetched:
    """Records of partition 0 one after the other, from offset ``start`` on."""
    offsets = list(range(start, start + len(values)))
    end = start + len(values) if end is None else end
    return Fetched(topic, 0, start, end, offsets, offsets, [None] * len(values), list(values))
