"""Where partitions begin and end: for all readers, and for those of committed records only."""

from collections.abc import Iterable

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from sentinel.kafka.security import client_config
from sentinel.settings import Settings

_TIMEOUT_S = 5.0
Partition = tuple[str, int]
"""Topic and partition."""


class Ends:
    """Asks the broker where partitions begin and end."""

    def __init__(self, settings: Settings) -> None:
        self._admin = AdminClient(client_config(settings))

    def stable(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The last stable offset of each; those without an answer are left out."""
        return self._of(partitions, IsolationLevel.READ_COMMITTED)

    def whole(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The end of each, open transactions included; those without an answer are left out."""
        return self._of(partitions, IsolationLevel.READ_UNCOMMITTED)

    def first(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The first offset that each still has; those without an answer are left out."""
        return self._of(partitions, IsolationLevel.READ_UNCOMMITTED, OffsetSpec.earliest())

    def settled(self, partition: Partition) -> bool:
        """Whether every record is committed or aborted; False without an answer."""
        whole = self._of([partition], IsolationLevel.READ_UNCOMMITTED)
        stable = self._of([partition], IsolationLevel.READ_COMMITTED)
        return bool(stable and whole) and stable[partition] >= whole[partition]

    def _of(
        self,
        partitions: Iterable[Partition],
        level: IsolationLevel,
        which: OffsetSpec | None = None,
    ) -> dict[Partition, int]:
        wanted = which or OffsetSpec.latest()
        asked = {TopicPartition(*each): wanted for each in partitions}
        if not asked:
            return {}
        found: dict[Partition, int] = {}
        futures = self._admin.list_offsets(asked, isolation_level=level, request_timeout=_TIMEOUT_S)
        for partition, future in futures.items():
            try:
                found[partition.topic, partition.partition] = future.result(2 * _TIMEOUT_S).offset
            except (KafkaException, TimeoutError):  # no answer is no reason to do anything
                continue
        return found
