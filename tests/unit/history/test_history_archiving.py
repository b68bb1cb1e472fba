"""Archiving: each event is in the archive once, and acknowledged once it is durable."""

import asyncio
import errno
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest
from prometheus_client import CollectorRegistry
from tests.fetches import fetched_of
from tests.unit.history.archive_events import LIMITS, NOON_MS, read, transaction

from sentinel.history.archive import Archive
from sentinel.history.archive_metrics import ArchiveMetrics
from sentinel.history.archiving import FLUSH_EVERY_S, Archiving
from sentinel.model.events import Stream
from sentinel.model.step import Chunk

DAY_MS = 86_400_000
TOPIC = "transactions"


class EndedError(Exception):
    """The process ended."""


def _end(reason: str) -> NoReturn:
    raise EndedError(reason)


class Scene:
    """An archive, what Kafka has of one partition, and what was acknowledged."""

    def __init__(
        self, folder: Path, translate: Callable[[Chunk], Chunk] = lambda chunk: chunk
    ) -> None:
        self.folder = folder
        self.registry = CollectorRegistry()
        self.failures, self.failed = 0, asyncio.Event()
        self.now_ms = NOON_MS
        self.first_offset, self.end_offset = 0, 1_000_000
        self.acked: list[int] = []
        self.work = Archiving(
            folder,
            LIMITS,
            {TOPIC: Stream.TRANSACTION},
            translate,
            ArchiveMetrics(self.registry),
            30_000 * DAY_MS,
            lambda: self.now_ms,
            self._failed,
            _end,
        )
        self.work.start(self._spans)
        self.work.assign()

    def _failed(self) -> None:
        self.failures += 1
        self.failed.set()

    async def _spans(self) -> Mapping[str, tuple[int, int]]:
        return {f"{TOPIC}-0": (self.end_offset, 0)}

    async def accept(self, start: int, end: int) -> None:
        """Transactions whose numbers are their offsets."""

        async def earliest() -> int:
            return self.first_offset

        values = [transaction(number) for number in range(start, end)]
        fetched = fetched_of(TOPIC, start, values)
        await self.work.accept(fetched, earliest, lambda: self.acked.append(end))

    def offsets(self) -> list[int]:
        """The offsets of the archive's rows."""
        return [offset for _, offset, _ in read(self.folder)]

    def count(self, name: str, **labels: str) -> float | None:
        """A metric's value."""
        return self.registry.get_sample_value(f"sentinel_archive_{name}", labels)


def _play(*calls: Callable[[], Awaitable[object]]) -> None:
    async def play() -> None:
        for call in calls:
            await call()

    asyncio.run(play())


def test_records_are_acknowledged_once_they_are_durable(tmp_path: Path) -> None:
    """A flush acknowledges the newest records of a partition, which stand for those before."""
    scene, before = Scene(tmp_path), list[list[int]]()

    async def look() -> None:
        before.append(list(scene.acked))

    _play(lambda: scene.accept(0, 5), lambda: scene.accept(5, 8), look, scene.work.flush)
    assert before == [[]]
    assert scene.acked == [8]
    assert scene.offsets() == list(range(8))
    assert scene.count("events_total", stream="transaction") == 8
    assert scene.count("buffered_records") == 0


def test_a_fresh_start_reads_again_and_archives_once(tmp_path: Path) -> None:
    """The archive's position decides: records below it are skipped, counted and acknowledged."""
    first = Scene(tmp_path)
    _play(lambda: first.accept(0, 5), first.work.flush, lambda: first.accept(5, 9))
    second = Scene(tmp_path)
    _play(lambda: second.accept(0, 4), lambda: second.accept(4, 12), second.work.flush)
    assert second.offsets() == list(range(12))
    assert second.count("repeated_total") == 5
    assert second.acked == [4, 12]


def test_a_revoked_partition_is_written_and_forgotten(tmp_path: Path) -> None:
    """Another process goes on where it ended; a later assignment goes on behind that one."""
    scene = Scene(tmp_path)
    _play(lambda: scene.accept(0, 5), scene.work.revoke)
    assert scene.offsets() == list(range(5))
    assert scene.acked == []
    other = Scene(tmp_path)
    _play(lambda: other.accept(5, 9), other.work.flush)
    scene.work.assign()
    _play(lambda: scene.accept(7, 12), scene.work.flush)
    assert scene.offsets() == list(range(12))
    assert scene.count("not_archived_total", reason="gone") == 0


def test_records_whose_partition_is_revoked_meanwhile_are_not_buffered(tmp_path: Path) -> None:
    """They are not acknowledged either, so whoever has the partition next reads them."""

    def slow(chunk: Chunk) -> Chunk:
        raise ConnectionError

    scene = Scene(tmp_path, slow)

    async def play() -> None:
        accepting = asyncio.create_task(scene.accept(0, 5))
        await scene.failed.wait()
        await scene.work.revoke()
        await accepting

    asyncio.run(play())
    assert (scene.offsets(), scene.acked) == ([], [])


def test_a_registry_that_does_not_answer_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile the service is not ready; translated records are archived as JSON."""
    answers: list[Exception | None] = [ConnectionError(), ConnectionError(), None]
    healths: list[str] = []

    def translate(chunk: Chunk) -> Chunk:
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return chunk

    scene = Scene(tmp_path, translate)

    async def sleep(_: float) -> None:
        healths.append(scene.work.health())

    monkeypatch.setattr("sentinel.history.archiving.asyncio.sleep", sleep)
    _play(lambda: scene.accept(0, 2), scene.work.flush)
    assert healths == ["archive cannot be written: schema registry: ConnectionError"] * 2
    assert scene.failures == 2
    assert scene.work.health() == ""
    assert scene.offsets() == [0, 1]


def test_a_full_disk_keeps_what_is_buffered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flush fails and is repeated by its task; nothing is acknowledged before."""
    scene = Scene(tmp_path)

    def full(_: Archive) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Archive, "flush", full)
        with pytest.raises(Exception, match="No space left"):
            _play(lambda: scene.accept(0, 3), scene.work.flush)
        assert scene.work.health() == "archive cannot be written: No space left on device"
        with pytest.raises(EndedError, match="cannot write what was revoked"):
            _play(scene.work.revoke)
    assert scene.acked == []


def test_what_kafka_deleted_before_it_was_read_is_counted(tmp_path: Path) -> None:
    """A gap between what is archived and what comes is counted, and archiving goes on."""
    scene = Scene(tmp_path)
    _play(lambda: scene.accept(0, 3), scene.work.flush)
    scene.first_offset = 7
    scene.work.assign()
    _play(lambda: scene.accept(7, 9), scene.work.flush)
    assert scene.count("not_archived_total", reason="gone") == 4
    assert scene.offsets() == [0, 1, 2, 7, 8]


def test_records_that_were_left_out_end_the_process(tmp_path: Path) -> None:
    """Kafka still has them, so a fresh start reads them."""
    scene = Scene(tmp_path)
    with pytest.raises(EndedError, match="left out: transactions-0: records from 3 to before 5"):
        _play(lambda: scene.accept(0, 3), lambda: scene.accept(5, 9))


@pytest.mark.parametrize("is_restarted", [True, False])
def test_a_recreated_topic_is_an_error_that_stays(tmp_path: Path, is_restarted: bool) -> None:
    """Its records are counted and not acknowledged: they are read once the archive is moved."""
    scene = Scene(tmp_path)
    _play(lambda: scene.accept(0, 8), scene.work.flush)
    scene = Scene(tmp_path) if is_restarted else scene
    scene.acked.clear()
    scene.end_offset = 3
    scene.work.assign()
    _play(lambda: scene.accept(0, 3), scene.work.flush)
    assert scene.work.health() == (
        "transactions-0 ends at 3, the archive has it up to 8: if its topic was recreated, move "
        "the archive"
    )
    assert scene.count("not_archived_total", reason="recreated") == 3
    assert scene.acked == []


def test_a_refused_record_is_counted_and_covered(tmp_path: Path) -> None:
    """What is no event has no row, and is not read again."""
    scene = Scene(tmp_path)

    async def earliest() -> int:
        return 0

    async def accept() -> None:
        fetched = fetched_of(TOPIC, 0, [transaction(0), b"nonsense", b"{"])
        await scene.work.accept(fetched, earliest, lambda: scene.acked.append(3))

    _play(accept, scene.work.flush)
    assert scene.count("refused_total", reason="malformed") == 2
    assert scene.acked == [3]
    assert Archive(tmp_path, LIMITS).position(Stream.TRANSACTION, 0) == 3


def test_upkeep_runs_beside_and_tells_the_size(tmp_path: Path) -> None:
    """Files of a day that is over are merged, and files and bytes are gauges afterwards."""
    scene = Scene(tmp_path)
    _play(lambda: scene.accept(0, 5), scene.work.flush, lambda: scene.accept(5, 9))
    _play(scene.work.flush)
    scene.now_ms = NOON_MS + DAY_MS
    _play(scene.work.tend)
    assert scene.count("files") == 1
    assert (scene.count("bytes") or 0) > 1_000
    assert scene.count("file_changes_total", change="written") == 3
    assert scene.offsets() == list(range(9))
    assert asyncio.run(scene.work.flush()) == FLUSH_EVERY_S
