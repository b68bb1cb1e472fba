"""Rows of faults in what is kept or published: snapshots, configurations, events sent twice."""

import shutil
import signal
import tempfile
import time
from functools import partial
from pathlib import Path

import msgspec
from confluent_kafka import Message, Producer
from tests.faults.scene import Lab, Result, Scene

from sentinel.kafka.configurations import publish
from sentinel.settings import read_configuration, shipped_configs
from sentinel.shard.journal import decode as decode_step
from sentinel.shard.snapshot import Manifest
from sentinel.shard.snapshot import decode as decode_manifest
from sentinel.shard.snapshot import encode as encode_manifest

_MANIFEST = b"manifest-"


def torn_snapshot(lab: Lab, seed: int, repeats: int) -> Result:
    """The newest snapshot lacks a part: the one before it serves, and the journal since."""
    often = {"SENTINEL_SNAPSHOT_STEPS": "10"}
    with lab.scene("torn_snapshot", seed, environment=often) as scene:
        ok = scene.wait(lambda: scene.workers.ready)
        for count in range(repeats):
            with scene.flowing():
                ok &= scene.wait(lambda least=2 + count: len(_manifests(scene)) >= least)  # type: ignore[misc]
            scene.workers.remove(signal.SIGKILL)
            _tear(scene, _manifests(scene)[-1])
            scene.workers.add()
            ok &= scene.wait(lambda: scene.workers.ready)
        passed_over = scene.log.read_text("utf-8").count("snapshot passed over")
        complaint = "" if ok else "not in time"
        complaint += "" if passed_over >= repeats else f" {passed_over} were passed over"
        return scene.finish(repeats, f"{passed_over} snapshots passed over", complaint)


def _manifests(scene: Scene) -> list[Message]:
    """Manifests of all shards, the newest last."""
    found = [
        message
        for message in scene.stage.read(scene.stage.topics.snapshots)
        if message.key().startswith(_MANIFEST)
    ]
    return sorted(found, key=lambda message: message.timestamp()[1])


def _tear(scene: Scene, message: Message) -> None:
    """Write the manifest of a next snapshot, of which there is half a chunk only."""
    whole: Manifest = decode_manifest(message.value())
    number = whole.number + 1
    topic = scene.stage.topics.snapshots
    headers = {"snapshot": str(number).encode()}
    producer = Producer({"bootstrap.servers": scene.broker.address})
    torn = msgspec.structs.replace(
        whole, number=number, first_chunk=message.offset() + 1, next_step=whole.next_step + 5
    )
    for key, value in (
        (f"{number % 2}-0".encode(), b"half a chunk"),
        (_MANIFEST + str(number % 2).encode(), encode_manifest(torn)),
    ):
        producer.produce(topic, value, key, partition=message.partition(), headers=dict(headers))
    assert producer.flush(30) == 0


def config_published(lab: Lab, seed: int, repeats: int) -> Result:
    """Another configuration is published under load, and the workers are killed."""
    with tempfile.TemporaryDirectory(prefix="sentinel-configs-") as folder:
        other = Path(folder) / "configs"
        shutil.copytree(shipped_configs(), other)
        tiers = other / "tiers.yaml"
        text = tiers.read_text("utf-8")
        tiers.write_text(text.replace("{threshold: 35,", "{threshold: 30,"), "utf-8")
        versions = [read_configuration(None), read_configuration(other)]
        assert versions[0].version != versions[1].version
        with lab.scene("config_published", seed, logins=True, workers=2) as scene:
            with scene.flowing():
                ok = scene.wait(lambda: scene.workers.ready)
                for count in range(1, repeats + 1):
                    now_ms = time.time_ns() // 1_000_000
                    publish(scene.stage.settings, versions[count % 2], now_ms)
                    scene.pause(0, 0.5)
                    for index in range(2):
                        scene.workers.send(index, signal.SIGKILL)
                    ok &= scene.wait(partial(_in_force, scene, versions[count % 2].version))
            return scene.finish(repeats, complaint="" if ok else "never in force")


def _in_force(scene: Scene, version: str) -> bool:
    """Whether the last step of every shard was taken under a configuration."""
    last = {
        message.partition(): decode_step(message.value())
        for message in scene.stage.read(scene.stage.topics.journal)
    }
    return all(record.config_version == version for record in last.values())


def duplicates(lab: Lab, seed: int, repeats: int) -> Result:
    """A producer sends events again, some at once, some later, across kill -9."""
    with lab.scene("producer_duplicates", seed, logins=False) as scene:
        ok = scene.wait(lambda: scene.workers.ready)
        again = 0
        for _ in range(repeats):
            part = scene.ledger.more(1_500)
            scene.feed(part)
            repeated = scene.ledger.add([each for each in part if scene.draw.random() < 0.3])
            again += len(repeated)
            scene.feed(repeated)
            scene.pause(0.05, 0.4)
            scene.workers.send(0, signal.SIGKILL)
            ok &= scene.wait(lambda: scene.workers.ready)
        note = f"{again} events were sent twice"
        return scene.finish(repeats, note, "" if ok else "never ready again")
