"""Where partitions end for those who read committed records only."""

from collections.abc import Iterable

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from sentinel.settings import Settings
from sentinel.stream.security import client_config

_TIMEOUT_S = 5.0


class CommittedEnds:
    """Asks the broker for last stable offsets."""

    def __init__(self, settings: Settings) -> None:
        self._admin = AdminClient(client_config(settings))

    def of(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """The end of each partition, by topic and number; those that are not told are left out."""
        asked = {TopicPartition(*each): OffsetSpec.latest() for each in partitions}
        if not asked:
            return {}
        found: dict[tuple[str, int], int] = {}
        futures = self._admin.list_offsets(
            asked,
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=_TIMEOUT_S,
        )
        for place, future in futures.items():
            try:
                found[place.topic, place.partition] = future.result(2 * _TIMEOUT_S).offset
            except (KafkaException, TimeoutError):  # no answer is no reason to do anything
                continue
        return found
