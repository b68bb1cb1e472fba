"""Snapshots on their compacted topic: each is one transaction, its manifest the last record.

Keys repeat from one snapshot to the second after it, so compaction leaves the two newest whole.
"""

from collections.abc import Iterator

import structlog
from confluent_kafka import KafkaException, Message, Producer

from sentinel.model.reading import UNREADABLE
from sentinel.settings import Settings
from sentinel.stream import snapshot as form
from sentinel.stream.failpoint import Failpoint, reach
from sentinel.stream.partition import Partition
from sentinel.stream.security import client_config
from sentinel.stream.sink import SinkAbortedError, SinkFatalError
from sentinel.stream.snapshot import Manifest, Snapshot, SnapshotError
from sentinel.stream.topics import Topics

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 60.0
_TRANSACTION_MS = 300_000
_MANIFEST = b"manifest"
_LOOK_BACK = 16  # records at the end of the partition that are looked at first


class SnapshotWriter:
    """Writes the snapshots of one shard; a second writer of that shard fences the first."""

    def __init__(self, settings: Settings, partition: int) -> None:
        self._topic, self._partition = Topics(settings.topic_prefix).snapshots, partition
        self._producer = Producer(
            {
                **client_config(settings),
                "transactional.id": f"{settings.app_id}-snapshot-{partition}",
                "transaction.timeout.ms": _TRANSACTION_MS,
                "compression.type": "zstd",
                "linger.ms": 5,
                "message.max.bytes": 2 * form.CHUNK_BYTES,
            }
        )

    def start(self) -> None:
        """Fence every earlier writer of the shard; raises SinkFatalError."""
        try:
            self._producer.init_transactions(_TIMEOUT_S)
        except KafkaException as error:
            raise SinkFatalError(error.args[0].str()) from None

    def write(self, snapshot: Snapshot) -> int:
        """Write all of it or nothing; its bytes.  Raises SinkAbortedError or SinkFatalError."""
        places: list[int] = []
        written = 0

        def note(_: object, message: Message) -> None:
            places.append(message.offset())

        try:
            self._producer.begin_transaction()
            for number, chunk in enumerate(form.chunks_of(snapshot)):
                key = f"{snapshot.number % form.KEPT}-{number}".encode()
                self._produce(key, chunk, snapshot.number, note)
                written += len(chunk)
                reach(Failpoint.IN_SNAPSHOT)
            self._producer.flush(_TIMEOUT_S)
            manifest = form.manifest_of(snapshot, min(places, default=0))
            key = _MANIFEST + f"-{snapshot.number % form.KEPT}".encode()
            self._produce(key, form.encode(manifest), snapshot.number, note)
            self._producer.commit_transaction(_TIMEOUT_S)
        except KafkaException as exception:
            error = exception.args[0]
            if error.fatal() or not error.txn_requires_abort():
                raise SinkFatalError(error.str()) from None
            self._abort()
            raise SinkAbortedError(error.str()) from None
        return written

    def _abort(self) -> None:
        try:
            self._producer.abort_transaction(_TIMEOUT_S)
        except KafkaException as exception:
            raise SinkFatalError(exception.args[0].str()) from None

    def _produce(self, key: bytes, value: bytes, number: int, note: object) -> None:
        headers = {"snapshot": str(number).encode()}
        while True:
            try:
                self._producer.produce(
                    self._topic,
                    value,
                    key,
                    partition=self._partition,
                    headers=dict(headers),
                    on_delivery=note,
                )
            except BufferError:  # the queue is full: let some of it go
                self._producer.poll(0.1)
            else:
                return


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
