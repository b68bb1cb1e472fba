"""Snapshots on their compacted topic: each is one transaction, its manifest the last record.

Keys repeat from one snapshot to the second after it, so compaction leaves the two newest whole.
"""

from collections.abc import Iterator

import structlog
from confluent_kafka import Message

from sentinel.kafka.partition import Partition
from sentinel.kafka.producer import TransactionalProducer
from sentinel.kafka.topics import Topics
from sentinel.model.reading import UNREADABLE
from sentinel.settings import Settings
from sentinel.shard import snapshot as form
from sentinel.shard.failpoint import Failpoint, reach
from sentinel.shard.snapshot import Manifest, Snapshot, SnapshotError

_log = structlog.get_logger(__name__)
_TRANSACTION_MS = 300_000
_MANIFEST = b"manifest"
_LOOK_BACK = 16  # records at the end of the partition that are looked at first


class SnapshotWriter:
    """Writes the snapshots of one shard; a second writer of that shard fences the first."""

    def __init__(self, settings: Settings, partition: int) -> None:
        self._topic, self._partition = Topics(settings.topic_prefix).snapshots, partition
        self._producer = TransactionalProducer(
            settings,
            f"{settings.app_id}-snapshot-{partition}",
            {
                "transaction.timeout.ms": _TRANSACTION_MS,
                "compression.type": "zstd",
                "linger.ms": 5,
                "message.max.bytes": 2 * form.CHUNK_BYTES,
            },
        )

    def start(self) -> None:
        """Fence every earlier writer of the shard; raises ProducerFatalError."""
        self._producer.start()

    def write(self, snapshot: Snapshot) -> int:
        """Write all of it or nothing; its bytes.

        Raises TransactionAbortedError and ProducerFatalError.
        """
        offsets: list[int] = []
        written = 0
        with self._producer.transaction():
            for number, chunk in enumerate(form.chunks_of(snapshot)):
                self._send(f"{snapshot.number % form.KEPT}-{number}", chunk, snapshot, offsets)
                written += len(chunk)
                reach(Failpoint.IN_SNAPSHOT)
            self._producer.flush()
            manifest = form.manifest_of(snapshot, min(offsets, default=0))
            key = f"{_MANIFEST.decode()}-{snapshot.number % form.KEPT}"
            self._send(key, form.encode(manifest), snapshot, offsets)
        return written

    def _send(self, key: str, value: bytes, snapshot: Snapshot, offsets: list[int]) -> None:
        headers = {"snapshot": str(snapshot.number).encode()}
        self._producer.send(
            self._topic,
            key.encode(),
            value,
            headers=headers,
            partition=self._partition,
            offsets=offsets,
        )


def newest(partition: Partition) -> Snapshot | None:
    """The newest whole snapshot on a partition of the topic; None where there is none."""
    tried: set[int] = set()
    for offset, manifest in _manifests(partition):
        if manifest.number in tried:
            continue
        tried.add(manifest.number)
        try:
            return form.assemble(manifest, _chunks(partition, manifest, offset))
        except SnapshotError as error:
            _log.warning("snapshot passed over", number=manifest.number, reason=str(error))
    return None


def next_number(partition: Partition) -> int:
    """The number after that of the newest snapshot, whole or not; 0 where there is none."""
    return next((manifest.number + 1 for _, manifest in _manifests(partition)), 0)


def _manifests(partition: Partition) -> Iterator[tuple[int, Manifest]]:
    """Manifests with their offsets, newest first: the end of the partition, then more of it."""
    back, end = _LOOK_BACK, partition.high
    while end > partition.low:
        start = max(partition.low, partition.high - back)
        found = [
            (message.offset(), manifest)
            for message in partition.read(start, end)
            if message.key() and message.key().startswith(_MANIFEST)
            if (manifest := _manifest(message)) is not None
        ]
        yield from reversed(found)
        end, back = start, back * 8


def _manifest(message: Message) -> Manifest | None:
    try:
        return form.decode(message.value() or b"")
    except UNREADABLE:
        if message.value():
            _log.warning("snapshot passed over", offset=message.offset(), reason="no manifest")
        return None


def _chunks(partition: Partition, manifest: Manifest, end: int) -> Iterator[bytes]:
    own = str(manifest.number).encode()
    for message in partition.read(manifest.first_chunk, end):
        if dict(message.headers() or [])["snapshot"] == own:
            yield message.value()
