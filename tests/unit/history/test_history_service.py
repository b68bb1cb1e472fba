"""The history service: every record is stored or counted, whatever goes wrong meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select
from tests.delivery.alerts import NOW, alert
from tests.fetches import fetched_of
from tests.unit.history.archive_events import LIMITS, read, transaction

from sentinel.alerting.cloudevent import decode, encode
from sentinel.database import DatabaseError, UnstorableError
from sentinel.history.archive_metrics import ArchiveMetrics
from sentinel.history.archiving import Archiving
from sentinel.history.dead_letters import KEPT_BYTES, read_dead_letter
from sentinel.history.metrics import HistoryMetrics
from sentinel.history.records import Read
from sentinel.history.service import History
from sentinel.history.store import Store
from sentinel.history.tables import DEAD_LETTERS, REVISIONS
from sentinel.kafka.records import Fetched
from sentinel.model.alert import Alert
from sentinel.model.events import Stream


class Scene:
    """A service on a database of its own."""

    def __init__(self, folder: Path, store: type[Store] = Store) -> None:
        self.store = store(f"sqlite:///{folder}/history.db")
        self.registry, self.now_ms = CollectorRegistry(), NOW
        self.service = History(
            self.store,
            {"alerts": decode},
            HistoryMetrics(self.registry),
            1_000,
            lambda: self.now_ms,
        )
        self.service.assign()
        self.first_offset = 0

    async def accept(self, start: int, *values: bytes, end: int | None = None) -> None:
        """Records one after the other, from an offset on."""

        async def earliest() -> int:
            return self.first_offset

        await self.service.accept(fetched_of("alerts", start, values, end), earliest)

    def stored(self) -> list[tuple[str, int]]:
        """Which revisions there are."""
        query = select(REVISIONS.c.alert_id, REVISIONS.c.revision)
        with self.store.database.reading() as connection:
            return [(row.alert_id, row.revision) for row in connection.execute(query)]

    def count(self, name: str, **labels: str) -> float | None:
        """A counter's value."""
        return self.registry.get_sample_value(name, labels)


class Refusing(Store):
    """A database that refuses one alert for good."""

    def accept(self, read: Read) -> None:
        """Raise for the alert ``bad``."""
        if any(isinstance(each, Alert) and each.alert_id == "bad" for _, each in read.records):
            raise UnstorableError("value too long")
        super().accept(read)


class Locked(Store):
    """A database that cannot be used twice, and then can."""

    fails = 2

    def accept(self, read: Read) -> None:
        """Raise while it is locked."""
        if self.fails:
            self.fails -= 1
            raise DatabaseError("database is locked")
        super().accept(read)


def _play(scene: Scene, *calls: Callable[[], Awaitable[None]]) -> None:
    async def play() -> None:
        for call in calls:
            await call()

    asyncio.run(play())


def test_records_are_stored_and_counted(tmp_path: Path) -> None:
    """What cannot be read is counted, and keeps nobody from what follows."""
    scene = Scene(tmp_path)
    values = (encode(alert("a")), b"{", encode(alert("b")))
    _play(scene, lambda: scene.accept(0, *values))
    assert scene.stored() == [("a", 1), ("b", 1)]
    assert scene.count("sentinel_history_records_total", topic="alerts") == 2
    assert scene.count("sentinel_history_not_stored_total", reason="unreadable") == 1
    assert scene.store.position("alerts-0") == 3


def test_one_that_the_database_refuses_stops_no_other(tmp_path: Path) -> None:
    """It is counted, and the offset moves on."""
    scene = Scene(tmp_path, Refusing)
    values = [encode(alert(each)) for each in ("a", "bad", "b")]
    _play(scene, lambda: scene.accept(0, *values, end=5))
    assert scene.stored() == [("a", 1), ("b", 1)]
    assert scene.count("sentinel_history_not_stored_total", reason="unstorable") == 1
    assert scene.store.position("alerts-0") == 5


def test_a_locked_database_gets_the_same_records_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is not ready meanwhile, and a counter tells."""
    scene, seen = Scene(tmp_path, Locked), list[Mapping[str, object]]()

    async def sleep(wait_s: float) -> None:
        seen.append({"wait_s": wait_s, "health": scene.service.health()})

    monkeypatch.setattr("sentinel.database.retry.asyncio.sleep", sleep)
    _play(scene, lambda: scene.accept(0, encode(alert())))
    refused = (False, "history cannot be written: database is locked")
    assert seen == [{"wait_s": wait_s, "health": refused} for wait_s in (0.1, 0.2)]
    assert scene.stored() == [("a1", 1)]
    assert scene.count("sentinel_history_task_failures_total", task="accept") == 2


def test_records_that_wait_for_the_database_are_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where Kafka has handed over all that it has; they are read once they are stored."""
    scene, seen = Scene(tmp_path, Locked), list[float | None]()
    (look,) = (each for each in scene.service._supervised if each.name == "read")

    async def note() -> None:
        await look.call()
        seen.append(scene.count("sentinel_history_unread_seconds"))

    async def sleep(_: float) -> None:
        scene.now_ms += 5_000
        await note()

    async def spans() -> Mapping[str, tuple[int, int]]:
        return {"alerts-0": (1, 1)}

    async def play() -> None:
        scene.service.start(spans)
        monkeypatch.setattr("sentinel.database.retry.asyncio.sleep", sleep)
        await scene.accept(0, encode(alert()))
        await note()
        await scene.service.stop()

    asyncio.run(play())
    assert seen == [5, 10, 0]


def test_what_kafka_deleted_before_it_was_read_is_counted(tmp_path: Path) -> None:
    """A gap between what is stored and what comes."""
    scene = Scene(tmp_path)
    _play(scene, lambda: scene.accept(0, encode(alert("a"))))
    scene.first_offset = 7
    _play(scene, lambda: scene.accept(7, encode(alert("b"))))
    assert scene.count("sentinel_history_not_stored_total", reason="gone") == 6


def test_a_topic_may_be_read_with_keys_and_headers(tmp_path: Path) -> None:
    """A letter whose value is longer than what is kept is counted; what is none, too."""
    scene, registry = Scene(tmp_path), CollectorRegistry()
    service = History(
        scene.store,
        {"alerts": decode},
        HistoryMetrics(registry),
        1_000,
        lambda: NOW,
        read_whole={"letters": read_dead_letter},
    )
    assert service.topics == {"alerts", "letters"}
    headers = [("reason", b"schema")]
    fetched = Fetched(
        "letters",
        0,
        0,
        3,
        [0, 1, 2],
        [NOW] * 3,
        [b"t.logins-0-7", b"t.logins-0-8", None],
        [b"{}", b"x" * (KEPT_BYTES + 1), b"{}"],
        [headers] * 3,
    )

    async def earliest() -> int:
        return 0

    async def play() -> None:
        service.assign()
        await service.accept(fetched, earliest)

    asyncio.run(play())
    with scene.store.database.reading() as connection:
        assert list(connection.scalars(select(DEAD_LETTERS.c.offset))) == [7, 8]
    count = registry.get_sample_value
    assert count("sentinel_history_limits_total", {"limit": "letter_bytes"}) == 1
    assert count("sentinel_history_not_stored_total", {"reason": "unreadable"}) == 1
    assert scene.store.position("letters-0") == 3


def test_records_that_cannot_be_read_now_end_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the schema registry does not answer nothing may be skipped: a fresh start reads it."""

    class EndedError(Exception):
        pass

    def end(reason: str) -> NoReturn:
        raise EndedError(reason)

    def fail(_: bytes) -> Alert:
        raise ConnectionError

    monkeypatch.setattr("sentinel.kafka.storing.end_process", end)
    scene = Scene(tmp_path)
    scene.service = History(
        scene.store, {"alerts": fail}, HistoryMetrics(CollectorRegistry()), 1_000, lambda: NOW
    )
    with pytest.raises(EndedError, match="cannot read alerts-0: ConnectionError"):
        _play(scene, lambda: scene.accept(0, b"x"))
    assert scene.store.position("alerts-0") is None


def test_it_is_ready_once_it_reads_and_its_tasks_run(tmp_path: Path) -> None:
    """And prunes what ended longer ago than it is kept."""
    scene, after = Scene(tmp_path), list[tuple[bool, str]]()

    async def play() -> None:
        after.append(scene.service.health())

        async def spans() -> Mapping[str, tuple[int, int]]:
            return {"alerts-0": (3, 3)}

        scene.service.start(spans)
        after.append(scene.service.health())
        assert scene.service.is_alive() == (True, "ok")
        await scene.service.stop()

    asyncio.run(play())
    assert after == [(False, "waiting for partitions"), (True, "ready")]


def test_with_an_archive_its_tasks_run_and_its_health_counts(tmp_path: Path) -> None:
    """What is buffered is written at the end; a problem of the archive makes it not ready."""
    scene, after = Scene(tmp_path), list[tuple[bool, str]]()
    archiving = Archiving(
        tmp_path / "archive",
        LIMITS,
        {"transactions": Stream.TRANSACTION},
        lambda chunk: chunk,
        ArchiveMetrics(scene.registry),
        10**13,
        lambda: NOW,
    )
    service = History(
        scene.store,
        {"alerts": decode},
        HistoryMetrics(CollectorRegistry()),
        1,
        lambda: NOW,
        archiving,
    )

    async def play() -> None:
        async def spans() -> Mapping[str, tuple[int, int]]:
            return {}

        async def earliest() -> int:
            return 0

        service.assign()
        service.start(spans)
        fetched = fetched_of("transactions", 0, [transaction(0)])
        await archiving.accept(fetched, earliest, lambda: None)
        after.append(service.health())
        archiving.health = lambda: "archive: no"  # type: ignore[method-assign]
        after.append(service.health())
        await service.stop()

    asyncio.run(play())
    assert after == [(True, "ready"), (False, "archive: no")]
    assert len(read(tmp_path / "archive")) == 1
