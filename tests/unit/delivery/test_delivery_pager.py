"""The pager takes in every alert, whatever the outbox, a record or a task does."""

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.delivery.alerts import NOW, alert
from tests.delivery.box import PLAN
from tests.delivery.listener import Listener
from tests.delivery.plans import TEXT, plan
from tests.fetches import fetched_of
from tests.pages.clockwork import VirtualLoop, run

from sentinel.alerting.cloudevent import decode, encode
from sentinel.delivery import intake
from sentinel.delivery.channels import open_heartbeat
from sentinel.delivery.clock import Clock
from sentinel.delivery.entries import ChannelError, HeartbeatEntry, Secret
from sentinel.delivery.outbox import Outbox
from sentinel.delivery.page import Content
from sentinel.delivery.page import content as content_of
from sentinel.delivery.pager import Pager
from sentinel.delivery.watch import PagerMetrics
from sentinel.kafka.unread import Spans
from sentinel.model.alert import Alert
from sentinel.supervised import Supervised

AT_NOW = Clock(lambda: NOW, lambda: NOW, 0)


async def no_spans() -> Spans:
    """A pager without partitions."""
    return {}


PLACE = "alerts-0"


class Ended(BaseException):
    """The process would have ended here."""


class Desk:
    """A pager whose outbox is in a folder, and which knows where Kafka's records begin."""

    def __init__(self, path: Path) -> None:
        self.path = path / "outbox.db"
        self.outbox = Outbox(f"sqlite:///{self.path}")
        self.registry = CollectorRegistry()
        metrics = PagerMetrics(self.registry, [])
        self.pager = Pager(self.outbox, PLAN, {}, metrics, AT_NOW, {"alerts": decode})
        self.first_offset = 0
        self.pager.assign()

    async def accept(self, start: int, *values: bytes, end: int | None = None) -> None:
        """Records one after the other, from an offset on."""

        async def earliest() -> int:
            return self.first_offset

        await self.pager.accept(fetched_of("alerts", start, values, end), earliest)

    def due(self) -> list[str]:
        """The alerts whose pages wait on the first channel."""
        return [page.content.alert_id for page in self.outbox.due("duty", NOW, 99)]

    def counted(self, name: str, **labels: str) -> float:
        """A metric."""
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that would end raises Ended."""

    def end(_: int) -> None:
        raise Ended

    monkeypatch.setattr(os, "_exit", end)


def _play(path: Path, play: Callable[[Desk], Coroutine[Any, Any, None]]) -> Desk:
    desk = Desk(path)
    asyncio.run(play(desk))
    return desk


def test_a_locked_outbox_gets_the_same_alerts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is passed over, the pager is not ready meanwhile, and a counter tells."""
    waits: list[float] = []

    async def play(desk: Desk) -> None:
        with desk.outbox._database._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=1")
        other = sqlite3.connect(desk.path, check_same_thread=False, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        async def sleep(wait_s: float) -> None:
            waits.append(wait_s)
            assert desk.pager.health() == (
                False,
                "outbox cannot be written: database is locked",
            )
            if len(waits) == 3:
                other.execute("COMMIT")

        monkeypatch.setattr(asyncio, "sleep", sleep)
        await desk.accept(0, encode(alert("a")), encode(alert("b")))
        await desk.accept(2, encode(alert("c")))
        other.close()

    desk = _play(tmp_path, play)
    assert waits == [0.1, 0.2, 0.4]
    assert desk.due() == ["a", "b", "c"]
    assert desk.counted("sentinel_pager_failures_total", task="accept") == 3


@pytest.mark.usefixtures("ends")
def test_records_that_were_left_out_end_the_process(tmp_path: Path) -> None:
    """Kafka has them still: after a fresh start they are read."""

    async def play(desk: Desk) -> None:
        await desk.accept(0, encode(alert("a")), end=3)  # a marker lies behind it
        await desk.accept(3, encode(alert("b")))
        with pytest.raises(Ended):
            await desk.accept(5, encode(alert("d")))

    assert _play(tmp_path, play).due() == ["a", "b"]


def test_records_that_kafka_has_deleted_are_counted(tmp_path: Path) -> None:
    """Running or after a start, the pager goes on behind them."""

    async def play(desk: Desk) -> None:
        await desk.accept(0, encode(alert("a")))
        desk.first_offset = 5
        await desk.accept(5, encode(alert("f")))
        desk.pager.assign()
        desk.first_offset = 9
        await desk.accept(9, encode(alert("j")))

    desk = _play(tmp_path, play)
    assert desk.due() == ["a", "f", "j"]
    assert desk.counted("sentinel_unsent_pages_total", reason="gone") == 4 + 3


def test_an_alert_that_cannot_be_paged_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted, and so is a record that is no alert."""

    def content(of: Alert, link: str) -> Content:
        if of.alert_id == "bad":
            raise KeyError("nobody foresaw this")
        return content_of(of, link)

    monkeypatch.setattr(intake, "content", content)

    async def play(desk: Desk) -> None:
        await desk.accept(0, encode(alert("a")), encode(alert("bad")), b"{", encode(alert("c")))
        await desk.accept(4, encode(alert("d")))

    desk = _play(tmp_path, play)
    assert desk.due() == ["a", "c", "d"]
    assert desk.counted("sentinel_unsent_pages_total", reason="unmade") == 1
    assert desk.counted("sentinel_unsent_pages_total", reason="unreadable") == 1


def test_a_task_goes_on_whatever_happens_to_it() -> None:
    """Each failure is told, it waits longer each time, and success begins anew."""
    outcomes: list[Exception | float] = [KeyError("secret"), OSError("x"), 5.0, ValueError("y")]
    failed: list[None] = []

    async def once() -> float:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def play() -> list[float]:
        task = Supervised("t", once, lambda: failed.append(None))
        return [await task.call() for _ in range(4)]

    assert asyncio.run(play()) == [0.2, 0.4, 5.0, 0.2]
    assert len(failed) == 3


def test_a_task_that_does_not_get_on_is_not_alive(tmp_path: Path) -> None:
    """`/livez` names it."""

    async def play(desk: Desk) -> None:
        assert desk.pager.is_alive() == (True, "ok")
        task = desk.pager._supervised[0]
        task.beat()
        loop = asyncio.get_running_loop()
        real = loop.time
        loop.time = lambda: real() + 1_000  # type: ignore[method-assign]
        stuck = desk.pager.is_alive()
        loop.time = real  # type: ignore[method-assign]
        assert stuck == (False, f"stuck: {task.name}")

    _play(tmp_path, play)


def test_a_pager_is_alive_while_its_tasks_have_nothing_to_do() -> None:
    """Half an hour after the start no task is stuck: one that tidies every ten minutes waits."""

    async def play(loop: VirtualLoop) -> tuple[bool, str]:
        def now_ms() -> int:
            return NOW + round(loop.time() * 1000)

        with tempfile.TemporaryDirectory() as folder:
            subject = Pager(
                Outbox(f"sqlite:///{folder}/outbox.db"),
                plan(),
                {},
                PagerMetrics(CollectorRegistry(), []),
                Clock(now_ms, now_ms, 0),
                {"alerts": decode},
            )
            subject.start(no_spans)
            await asyncio.sleep(1_805)
            alive = subject.is_alive()
            await subject.stop()
        return alive

    assert run(play) == (True, "ok")


def test_the_heart_beats_only_while_all_is_well(tmp_path: Path) -> None:
    """A monitor hears nothing of a pager without its part of the alerts, or with a full outbox."""

    async def play() -> list[bool]:
        beats = []
        async with Listener() as listener:
            url = f"{listener.url}/api/v2/alerts"
            whole = plan(TEXT.replace("keep:", f"heartbeat: {{url: '{url}', every: 1m}}\nkeep:"))
            assert whole.heartbeat is not None
            metrics = PagerMetrics(CollectorRegistry(), [])
            outbox = Outbox(f"sqlite:///{tmp_path}/outbox.db")
            heartbeat = open_heartbeat(whole.heartbeat, {})
            subject = Pager(outbox, whole, {}, metrics, AT_NOW, {"alerts": decode}, heartbeat)
            (task,) = (each for each in subject._supervised if each.name == "heartbeat")
            steps: list[Callable[[], None]] = [
                lambda: None,
                subject.assign,
                partial(subject.start, no_spans),
                partial(setattr, subject._retry, "blocked", "disk full"),
            ]
            for step in steps:
                step()
                listener.asked.clear()
                await task.call()
                beats.append(listener.asked.is_set())
            await subject.stop()
        return beats

    assert asyncio.run(play()) == [False, False, True, False]


def test_a_heartbeat_without_its_url_is_refused_at_start() -> None:
    """By name, and without the URL."""
    with pytest.raises(ChannelError, match=r"^heartbeat: BEAT is not set$"):
        open_heartbeat(HeartbeatEntry(Secret(env="BEAT")), {})
    with pytest.raises(ChannelError, match=r"^heartbeat: its url is not one of http"):
        open_heartbeat(HeartbeatEntry("beat.example/s3cret"), {})
