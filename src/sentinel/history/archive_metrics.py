"""The metrics of the archive."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

from sentinel.history.archive import ArchiveCounts, ArchiveLimit
from sentinel.model.events import Stream
from sentinel.model.step import DeadLetterReason


class NotArchived(StrEnum):
    """Why records are not in the archive, besides those that are no events."""

    GONE = "gone"  # Kafka deleted them before they were read
    RECREATED = "recreated"  # the archive's position is beyond the partition's end


class FileChange(StrEnum):
    """What happened to a file of the archive."""

    WRITTEN = "written"
    TORN = "torn"  # left by a process that ended while it wrote, and removed
    SUPERSEDED = "superseded"  # removed after it was merged into another
    EXPIRED = "expired"  # deleted at the end of its retention


class ArchiveMetrics:
    """The metrics of one process's archive."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"sentinel_archive_{name}_total", text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"sentinel_archive_{name}", text, registry=registry)

        self._events = counter("events", "Events written to the archive.", "stream")
        self._refused = counter("refused", "Records that are no events.", "reason")
        self._repeated = counter("repeated", "Records read again that are in the archive.")
        self._lost = counter("not_archived", "Records that are not in the archive.", "reason")
        self._limits = counter("limits", "Early writes because a limit was reached.", "limit")
        self._changes = counter("file_changes", "Changes of the archive's files.", "change")
        self._expired = counter("expired_events", "Events deleted at the end of their retention.")
        self._buffered = gauge("buffered_records", "Records that are not written yet.")
        self._files = gauge("files", "Files at the last upkeep.")
        self._bytes = gauge("bytes", "Bytes of all files at the last upkeep.")
        for labelled, values in (
            (self._events, Stream),
            (self._refused, DeadLetterReason),
            (self._lost, NotArchived),
            (self._limits, ArchiveLimit),
            (self._changes, FileChange),
        ):
            for value in values:
                labelled.labels(value)

    def add(self, counts: ArchiveCounts) -> None:
        """Add what an archive counted; each count is given once."""
        for labelled, found in (
            (self._events, counts.events),
            (self._refused, counts.refused),
            (self._limits, counts.limits),
        ):
            for value, count in found.items():
                labelled.labels(value).inc(count)
        for change, files in (
            (FileChange.WRITTEN, counts.files_written),
            (FileChange.TORN, counts.files_torn),
            (FileChange.SUPERSEDED, counts.files_superseded),
            (FileChange.EXPIRED, counts.files_expired),
        ):
            self._changes.labels(change).inc(files)
        self._repeated.inc(counts.repeated)
        self._expired.inc(counts.events_expired)

    def not_archived(self, reason: NotArchived, records: int) -> None:
        """Count records that are not archived."""
        self._lost.labels(reason).inc(records)

    def buffered(self, records: int) -> None:
        """Set how many records are not written yet."""
        self._buffered.set(records)

    def size(self, files: int, size_bytes: int) -> None:
        """Set the archive's size."""
        self._files.set(files)
        self._bytes.set(size_bytes)
