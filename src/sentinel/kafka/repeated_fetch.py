"""Fetches from a broker that returns one record batch a partition, repeated up to the end.

Kafka fills a fetch response with batches up to ``max_bytes``.  librdkafka's built-in cluster
returns one batch of each partition ("FIXME: Multiple messageSets?" in rdkafka_mock_handlers.c).
Each step of each shard appends a batch to the rollups of each owner, so rollups arrive faster than
single-batch fetches read them, and the backlog grows without bound.  Here the follow-up fetches
return at once and their batches are merged: the consumer sees the response that Kafka would send.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from aiokafka.protocol.fetch import FetchRequest

from sentinel.kafka.record_batches import end_of

Partition = tuple[str, int]
"""Topic and partition."""
Send = Callable[..., Coroutine[Any, Any, Any]]
FOLLOW_UPS = 200
"""At most so many follow-up fetches for one fetch; what is left comes with the next one."""
_NO_WAIT_MS = 0
_PARTITION, _ERROR, _HIGHWATER, _RECORDS = 0, 1, 2, -1  # of a partition in a fetch response


def repeated(send: Send) -> Send:
    """Wrap ``AIOKafkaClient.send`` so that a fetch reads each partition up to its end."""

    async def send_repeated(node_id: int, request: Any, **options: Any) -> Any:
        response = await send(node_id, request, **options)
        if not isinstance(request, FetchRequest):
            return response
        limits = {
            (topic, partition): limit
            for topic, partitions in request.topics
            for partition, _, limit in partitions
        }
        merged = _partitions(response)
        read = merged
        for _ in range(FOLLOW_UPS):
            unread = _unread(read, merged, limits)
            if not unread:
                break
            follow_up = FetchRequest(
                _NO_WAIT_MS,
                1,
                sum(limit for partitions in unread.values() for _, _, limit in partitions),
                request._isolation_level,  # noqa: SLF001
                list(unread.items()),
            )
            read = _partitions(await send(node_id, follow_up, **options))
            for partition, found in read.items():
                if not found[_ERROR]:
                    records = merged[partition][_RECORDS] + (found[_RECORDS] or b"")
                    merged[partition] = (*found[:_RECORDS], records)
        response.topics = [
            (topic, [merged[topic, each[_PARTITION]] for each in partitions])
            for topic, partitions in response.topics
        ]
        return response

    return send_repeated


def _partitions(response: Any) -> dict[Partition, tuple[Any, ...]]:
    return {
        (topic, each[_PARTITION]): tuple(each)
        for topic, partitions in response.topics
        for each in partitions
    }


def _unread(
    read: dict[Partition, tuple[Any, ...]],
    merged: dict[Partition, tuple[Any, ...]],
    limits: dict[Partition, int],
) -> dict[str, list[tuple[int, int, int]]]:
    """What is to be fetched next: partition, offset and limit in bytes, by topic."""
    unread: dict[str, list[tuple[int, int, int]]] = {}
    for (topic, partition), found in read.items():
        left = limits[topic, partition] - len(merged[topic, partition][_RECORDS] or b"")
        if found[_ERROR] or not found[_RECORDS] or left <= 0:
            continue
        offset = end_of(found[_RECORDS])
        if offset < found[_HIGHWATER]:
            unread.setdefault(topic, []).append((partition, offset, left))
    return unread
