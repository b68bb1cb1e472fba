"""Repeated fetches: one response holds all batches, whatever the broker returns at once."""

import asyncio
from collections import Counter
from typing import Any

from aiokafka.protocol.fetch import FetchRequest, FetchResponse_v11
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from sentinel.kafka.record_batches import count_of, end_of
from sentinel.kafka.repeated_fetch import FOLLOW_UPS, repeated

_OUT_OF_RANGE = 1
_LIMIT = 1 << 20


def _batch(base: int, count: int) -> bytes:
    """A record batch of ``count`` records from offset ``base`` on."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 16)
    for number in range(count):
        builder.append(number, 1, None, str(base + number).encode(), [])
    encoded = builder.build()
    encoded[:8] = base.to_bytes(8, "big")
    return bytes(encoded)


class _Broker:
    """A broker that returns one batch of each partition a fetch, as the built-in cluster does."""

    def __init__(self, batches: dict[tuple[str, int], list[int]]) -> None:
        """``batches`` holds the sizes of each partition's batches."""
        self.fetches = 0
        self.waits: list[int] = []
        self.refused: set[tuple[str, int]] = set()
        self._batches: dict[tuple[str, int], dict[int, bytes]] = {}
        self._ends: Counter[tuple[str, int]] = Counter()
        for partition, sizes in batches.items():
            self._batches[partition] = {}
            for size in sizes:
                self._batches[partition][self._ends[partition]] = _batch(
                    self._ends[partition], size
                )
                self._ends[partition] += size

    async def send(self, node_id: int, request: Any, **_: Any) -> Any:
        assert node_id == 1
        if not isinstance(request, FetchRequest):
            return "another answer"
        self.fetches += 1
        self.waits.append(request._max_wait_ms)
        topics = [
            (topic, [self._answer((topic, number), at) for number, at, _ in partitions])
            for topic, partitions in request.topics
        ]
        return FetchResponse_v11(throttle_time_ms=0, error_code=0, session_id=0, topics=topics)

    def _answer(self, partition: tuple[str, int], at: int) -> tuple[Any, ...]:
        end = self._ends[partition]
        error = _OUT_OF_RANGE if partition in self.refused and at > 0 else 0
        records = b"" if error else self._batches[partition].get(at, b"")
        return partition[1], error, end, end, 0, [], -1, records


def _fetch(broker: _Broker, *wanted: tuple[str, int], limit: int = _LIMIT) -> dict[Any, list[int]]:
    """What one fetch from the beginnings brings: offsets by partition."""
    topics = [(topic, [(number, 0, limit)]) for topic, number in wanted]
    response = asyncio.run(repeated(broker.send)(1, FetchRequest(50, 1, limit, 1, topics)))
    found: dict[Any, list[int]] = {}
    for topic, partitions in response.topics:
        for number, _, _, _, _, _, _, encoded in partitions:
            records = MemoryRecords(encoded)
            offsets = found.setdefault((topic, number), [])
            while records.has_next():
                offsets.extend(record.offset for record in records.next_batch())
    return found


def test_one_fetch_reads_every_partition_to_its_end() -> None:
    """All batches come in one response, in order, and follow-ups do not wait."""
    broker = _Broker({("rollups", 0): [1, 3, 1, 2], ("logins", 0): [5], ("logins", 1): []})
    found = _fetch(broker, ("rollups", 0), ("logins", 0), ("logins", 1))
    assert found == {
        ("rollups", 0): list(range(7)),
        ("logins", 0): list(range(5)),
        ("logins", 1): [],
    }
    assert broker.fetches == 4
    assert broker.waits == [50, 0, 0, 0]


def test_nothing_more_costs_no_fetch() -> None:
    """Where each partition has at most one batch, nothing is fetched a second time."""
    broker = _Broker({("rollups", 0): [4], ("logins", 0): []})
    _fetch(broker, ("rollups", 0), ("logins", 0))
    assert broker.fetches == 1


def test_follow_ups_are_limited() -> None:
    """A long backlog is read in parts: at most FOLLOW_UPS batches, or the partition's bytes."""
    partition = ("rollups", 0)
    broker = _Broker({partition: [1] * (FOLLOW_UPS + 50)})
    assert _fetch(broker, partition) == {partition: list(range(FOLLOW_UPS + 1))}
    broker = _Broker({partition: [1] * 50})
    assert _fetch(broker, partition, limit=2 * len(_batch(0, 1))) == {partition: [0, 1]}


def test_a_refused_follow_up_keeps_what_was_read() -> None:
    """An error of a follow-up ends it; the next fetch of the consumer meets the error itself."""
    partition = ("rollups", 0)
    broker = _Broker({partition: [2, 2]})
    broker.refused.add(partition)
    assert _fetch(broker, partition) == {partition: [0, 1]}


def test_other_requests_pass() -> None:
    """Requests that are no fetches are sent once, and their answers are returned as they are."""
    broker = _Broker({})
    assert asyncio.run(repeated(broker.send)(1, MetadataRequest([]))) == "another answer"


def test_the_end_of_batches() -> None:
    """The offset behind the last batch; 0 for no batch."""
    assert end_of(b"") == 0
    assert end_of(_batch(7, 3) + _batch(10, 2)) == 12
    assert count_of(b"") == 0
    assert count_of(_batch(7, 3) + _batch(10, 2)) == 5
