"""The archive: events a second of one core, and bytes an event on disk.

``python -m benchmarks.archive [EVENTS] [ROUNDS]`` appends simulated events, in chunks as fetches
bring them, and flushes once.  Each record is appended to Kafka up to two seconds after its event.
Each round writes a new archive; of the rounds the shortest processor time counts, because others
may use the machine.  It prints one line of JSON.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from benchmarks.configs import shipped
from sentinel.engine import Configuration
from sentinel.history.archive import Archive, ArchiveLimits
from sentinel.history.archive_files import files_in
from sentinel.history.archive_query import ArchiveReader
from sentinel.model.events import Stream, epoch_ms
from sentinel.model.step import Chunk
from sentinel.simulate import Simulation

START_MS = 1_795_996_800_000  # 2026-11-30
_CHUNK = 1_000
_CUSTOMERS = 100_000
_DELAY_MS = 2_000


def measure(events: int, rounds: int) -> dict[str, Any]:
    """``archive_events_per_s`` and ``archive_bytes_per_event``.

    All events are of one partition, so that files have as many of them as a busy partition's.
    """
    chunks = list(_chunks(events))
    limits = Configuration.parse(shipped()).bounds.ingest
    spent_s, timeline_ms = [], []
    for _ in range(rounds):
        with TemporaryDirectory() as name:
            archive = Archive(Path(name), limits, ArchiveLimits(buffered_records=events + 1))
            started = time.process_time()
            for chunk in chunks:
                archive.append(chunk)
            written = archive.flush()
            spent_s.append(time.process_time() - started)
            assert written == events
            files = files_in(Path(name))
            size = sum((Path(name) / file.path).stat().st_size for file in files)
            timeline_ms.append(_timeline_ms(Path(name), chunks[0].values[:3]))
    return {
        "archive_events_per_s": events / min(spent_s),
        "archive_bytes_per_event": size / events,
        "details": {
            "files": len(files),
            "events": events,
            "record_bytes": sum(len(v or b"") for c in chunks for v in c.values) / events,
            "timeline_ms": min(timeline_ms),
            "rates": [events / each for each in spent_s],
        },
    }


def _chunks(events: int) -> Iterator[Chunk]:
    """Simulated events by stream, each with offsets from 0 on."""
    rng = np.random.default_rng(7)
    values: dict[Stream, list[bytes | None]] = {stream: [] for stream in Stream}
    times: dict[Stream, list[int]] = {stream: [] for stream in Stream}
    for item in islice(Simulation(customers=_CUSTOMERS, start_ms=START_MS, days=60), events):
        values[item.stream].append(msgspec.json.encode(item.event))
        times[item.stream].append(epoch_ms(item.event.event_time))
    for stream in Stream:
        count = len(values[stream])
        happened = np.array(times[stream], np.int64)
        recorded = np.maximum.accumulate(happened + rng.integers(5, _DELAY_MS, count)).tolist()
        for first in range(0, count, _CHUNK):
            part = values[stream][first : first + _CHUNK]
            offsets = list(range(first, first + len(part)))
            recorded_ms = recorded[first : first + _CHUNK]
            yield Chunk(stream, stream, 0, offsets, recorded_ms, [None] * len(part), part)


def _timeline_ms(folder: Path, records: Sequence[bytes | None]) -> float:
    """The wall-clock time of the last query; the first one opens the database."""
    reader = ArchiveReader(folder)
    for record in records:
        started = time.perf_counter()
        customer_id = msgspec.json.decode(record or b"")["customer_id"]
        found = reader.timeline(customer_id, 0, 2 * START_MS)
        spent_s = time.perf_counter() - started
        assert found
    reader.close()
    return spent_s * 1_000


if __name__ == "__main__":
    _events, _rounds = (int(each) for each in [*sys.argv[1:], "400000", "3"][:2])
    print(json.dumps(measure(_events, _rounds)))
