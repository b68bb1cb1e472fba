"""The history service killed at any moment: no row in SQL or archive is lost or doubled."""

import json
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest
from confluent_kafka import Producer
from sqlalchemy import select
from tests.complaint_steps import complaint_records
from tests.delivery.alerts import alert
from tests.integration.stage import Stage, lively, wait_for
from tests.zygote import Call, Forked, zygote

from sentinel.alerting.cloudevent import encode
from sentinel.history.archive_query import ArchiveReader
from sentinel.history.archive_rows import OFFSET, PARTITION
from sentinel.history.store import Store
from sentinel.history.tables import COMPLAINT_STEPS, DEAD_LETTERS, REVISIONS
from sentinel.model.events import LAST_MOMENT_MS, Stream

pytestmark = pytest.mark.process
KILLS = int(os.environ.get("HISTORY_KILLS", "5"))
_EVENTS, _COMPLAINTS, _ALERTS = 60, 5, 5  # fed at once, again and again until the kill
_LONGEST_S = 0.6
_OFTEN_S, _NEVER_S = 0.05, 600.0


@dataclass
class Scene:
    """A stage, and the folder in which history keeps what it reads."""

    stage: Stage
    folder: Path
    alerts: int = 0
    events: int = 0
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        """Open the database."""
        self.store = Store(f"sqlite:///{self.folder}/history.db")

    def start(self, number: int, flush_every_s: float) -> Forked:
        """``sentinel history``, as it is started again and again."""
        settings = self.stage.settings
        environment = {
            "SENTINEL_BROKERS": settings.brokers,
            "SENTINEL_APP_ID": settings.app_id,
            "SENTINEL_TOPIC_PREFIX": settings.topic_prefix,
            "SENTINEL_WEB_PORT": "0",
            "SENTINEL_SESSION_TIMEOUT": "1s",
            "SENTINEL_HISTORY": f"sqlite:///{self.folder}/history.db",
            "SENTINEL_ARCHIVE": f"{self.folder}/archive",
        }
        out, errors = (self.folder / f"{name}-{number}" for name in ("out", "errors"))
        often = Call("tests.integration.history_process:flush_every", str(flush_every_s))
        return zygote().fork(["history"], environment, out, errors, before=[often])

    def feed(self) -> None:
        """Events and alerts that were not there before."""
        self.events += _EVENTS
        self.stage.feed(lively(_EVENTS, self.events))
        self.events += _COMPLAINTS
        self.stage.feed(complaint_records(self.events, _COMPLAINTS))
        producer = Producer({"bootstrap.servers": self.stage.broker})
        for _ in range(_ALERTS):
            producer.produce(self.stage.topics.alerts, encode(alert(f"a{self.alerts}")))
            self.alerts += 1
        letter = f"{self.stage.topics.deadletter}-0-{self.alerts}"  # its headers are read, too
        producer.produce(
            self.stage.topics.deadletter, b"{", letter, headers={"reason": b"malformed"}
        )
        assert producer.flush(30) == 0

    def files(self) -> set[Path]:
        """The files of the archive."""
        return set((self.folder / "archive").rglob("*.parquet"))

    def archived(self) -> Counter[tuple[Stream, int, int]]:
        """Stream, partition and offset of each row of the archive."""
        reader = ArchiveReader(self.folder / "archive")
        return Counter(
            (stream, partition, offset)
            for stream in Stream
            for batch in reader.rows(stream, 0, LAST_MOMENT_MS)
            for partition, offset in zip(
                batch[PARTITION].to_pylist(), batch[OFFSET].to_pylist(), strict=True
            )
        )

    def in_kafka(self) -> set[tuple[Stream, int, int]]:
        """Stream, partition and offset of each event."""
        return {
            (stream, each.partition(), each.offset())
            for stream in Stream
            for each in self.stage.read(self.stage.topics.inputs[stream])
        }

    def stored(self) -> Counter[str]:
        """The alerts of which a revision is stored."""
        with self.store.database.reading() as connection:
            return Counter(connection.scalars(select(REVISIONS.c.alert_id)))

    def steps(self) -> Counter[str]:
        """The events of complaints that are stored as steps."""
        with self.store.database.reading() as connection:
            return Counter(connection.scalars(select(COMPLAINT_STEPS.c.event_id)))

    def letters(self) -> Counter[int]:
        """The offsets in the keys of the dead letters that are stored."""
        with self.store.database.reading() as connection:
            return Counter(connection.scalars(select(DEAD_LETTERS.c.offset)))

    def in_topics(self) -> tuple[set[str], set[int]]:
        """The events of complaints, and the offsets in the keys of dead letters."""
        topics = self.stage.topics
        complaints = self.stage.read(topics.inputs[Stream.COMPLAINT])
        letters = self.stage.read(topics.deadletter)
        return (
            {json.loads(each.value() or b"")["event_id"] for each in complaints},
            {int((each.key() or b"").rpartition(b"-")[2]) for each in letters},
        )


def test_nothing_is_lost_or_doubled_whenever_history_is_killed(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    """Kills at seeded moments while it reads, buffers, writes and commits offsets."""
    scene, chance = Scene(Stage(kafka, prefix), tmp_path), random.Random(2028)
    for number in range(KILLS):
        writes = not number % 2  # else it buffers and never writes, until it is killed
        process = scene.start(number, _OFTEN_S if writes else _NEVER_S)
        files, stored = scene.files(), scene.stored()
        deadline = time.monotonic() + 30
        while not (scene.files() - files if writes else scene.stored() - stored):
            scene.feed()
            assert time.monotonic() < deadline, (tmp_path / f"errors-{number}").read_text()
        killer = threading.Timer(chance.uniform(0.0, _LONGEST_S), process.send, (SIGKILL,))
        killer.start()
        while process.code is None:
            scene.feed()
        assert process.wait(60) == -SIGKILL, (tmp_path / f"errors-{number}").read_text()
    process = scene.start(KILLS, _OFTEN_S)
    events = scene.in_kafka()
    alerts = {f"a{number}" for number in range(scene.alerts)}
    assert len(events) == scene.events
    wait_for(lambda: scene.archived().keys() >= events, "all events are archived", 40)
    wait_for(lambda: scene.stored().keys() >= alerts, "all alerts are stored", 20)
    complaints, letters = scene.in_topics()
    assert complaints
    assert letters
    wait_for(lambda: scene.steps().keys() >= complaints, "all steps of complaints are stored", 20)
    wait_for(lambda: scene.letters().keys() >= letters, "all dead letters are stored", 20)
    process.send(SIGTERM)
    assert process.wait(60) == 0
    assert scene.archived() == Counter(events)
    assert scene.stored() == Counter(alerts)
    assert (scene.steps(), scene.letters()) == (Counter(complaints), Counter(letters))
    scene.store.close()
