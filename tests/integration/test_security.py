"""A worker, its topics and a producer on a real Kafka that asks who they are."""

import re
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin import ResourcePatternType as Pattern
from confluent_kafka.admin import ResourceType as Resource
from sqlalchemy import Table, select
from tests.complaint_steps import complaint_records
from tests.delivery.alerts import alert
from tests.integration.stage import PARTITIONS, Stage, WorkerProcess, lively, wait_for
from tests.kafka.secure import WAYS, SecureBroker
from tests.zygote import run

from sentinel.alerting.cloudevent import decode, encode
from sentinel.engine import Emitted
from sentinel.history.store import Store
from sentinel.history.tables import ALERTS, COMPLAINT_STEPS, DEAD_LETTERS
from sentinel.kafka.masking import read_masking
from sentinel.kafka.security import client_config
from sentinel.kafka.topics import Topics
from sentinel.model.events import Stream
from sentinel.model.step import DeadLetter, DeadLetterReason
from sentinel.settings import Settings, shipped_configs
from sentinel.shard.journal import StepRecord
from sentinel.shard.sink import Sink
from sentinel.simulate.feed import Feed

pytestmark = pytest.mark.process
_DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
SCHEMA = DeadLetterReason.SCHEMA
_ROW = re.compile(r"\| (\w+) \| (topic|group|transactional id|cluster) \| `(.+?)` \| (.+) \|")
_RESOURCES = {
    "topic": Resource.TOPIC,
    "group": Resource.GROUP,
    "transactional id": Resource.TRANSACTIONAL_ID,
}


def _documented(prefix: str) -> list[AclBinding]:
    """The ACLs that docs/security.md lists, for this prefix."""
    return [
        AclBinding(
            _RESOURCES[kind],
            name.removesuffix("*").replace("sentinel", prefix),
            Pattern.PREFIXED if name.endswith("*") else Pattern.LITERAL,
            f"User:{role}",
            "*",
            AclOperation[operation.upper()],
            AclPermissionType.ALLOW,
        )
        for role, kind, name, operations in _ROW.findall(_DOCUMENT.read_text())
        for operation in operations.split(", ")
    ]


@pytest.mark.parametrize("way", WAYS)
def test_alerts_with_no_more_rights_than_documented(
    secure_kafka: SecureBroker, prefix: str, way: str, tmp_path: Path
) -> None:
    """Topics, worker, producer, analyst and pager with only their own ACLs: alerts are paged."""
    secure_kafka.allow(_documented(prefix))
    operator = {
        **secure_kafka.environment(way, "operator"),
        "SENTINEL_TOPIC_PREFIX": prefix,
        "SENTINEL_PARTITIONS": str(PARTITIONS),
    }
    made = run("topics", "create", environment=operator)
    assert (made.returncode, made.stdout.split()) == (0, Topics(prefix).all()), made.stderr
    stage = Stage(secure_kafka.address, prefix)
    producer = Settings.from_environment(secure_kafka.environment(way, "producer"))
    feed = Feed(client_config(producer), stage.topics.inputs)
    analyst = {
        **secure_kafka.environment(way, "analyst"),
        "SENTINEL_TOPIC_PREFIX": prefix,
        "SENTINEL_APP_ID": prefix,
    }
    events = lively(2_000, seed=8)
    for part in (events[:1_000], events[1_000:]):  # the second worker recovers from the journal
        worker = stage.worker(**secure_kafka.environment(way, "worker"))
        try:
            worker.wait_ready()
            for event in part:
                feed.send(*event)
            feed.flush()
            wait_for(stage.everything_applied, "all events applied")
            newest = [decode(each.value()) for each in stage.read(stage.topics.alerts)]
            alert = next(each for each in reversed(newest) if each.resolution is None)
            acknowledged = run("ack", alert.alert_id, "--by", "li.wei", environment=analyst)
        finally:
            code = worker.end(signal.SIGTERM)
        assert code == 0
        assert acknowledged.returncode == 0, acknowledged.stderr
    assert len(stage.read(stage.topics.alerts)) > 20
    silence = ("silence", "add", "tier=blue", "--for", "1h", "--comment", "test", "--by", "li.wei")
    silenced = run(*silence, environment=analyst)
    assert silenced.returncode == 0, silenced.stderr
    listed = run("silence", "list", environment=analyst)
    assert silenced.stdout.strip() in listed.stdout
    expired = run("silence", "expire", silenced.stdout.strip(), environment=analyst)
    assert expired.returncode == 0, expired.stderr
    assert run("silence", "list", environment=analyst).stdout == ""
    everything = run("silence", "list", "--all", environment=analyst)
    assert "over" in everything.stdout
    assert len(stage.read(stage.topics.responses)) == 2
    assert len(stage.read(stage.topics.silences)) == 2
    outbox = {"SENTINEL_OUTBOX": f"sqlite:///{tmp_path}/outbox.db"}
    pager = WorkerProcess(
        stage.settings, {**secure_kafka.environment(way, "pager"), **outbox}, "pager"
    )
    try:
        pager.wait_ready()  # the simulator's alerts are old, or nobody listens: either is counted
        wait_for(lambda: pager.counted("sentinel_unsent_pages_total") > 0, "alerts read")
    finally:
        code = pager.end(signal.SIGTERM)
    assert code == 0


def test_a_repairer_needs_no_more_rights_than_documented(
    secure_kafka: SecureBroker, prefix: str
) -> None:
    """A repairer sends a dead letter again; an analyst can list it, and send nothing."""
    secure_kafka.allow(_documented(prefix))
    stage = Stage(secure_kafka.address, prefix)
    topic = stage.topics.inputs[Stream.LOGIN]
    value = b'{"event_id":"l1","event_time":1767607200000,"customer_id":"C1","kind":"login"'
    sink = Sink(stage.settings, 0, read_masking(stage.settings), None)
    sink.start()
    letter = DeadLetter(topic, 0, 7, None, value + b',"success":true}', SCHEMA, "d")
    sink.write(Emitted(dead_letters=[letter]), StepRecord(0, 1, 1, {}, "v"))

    def deadletter(role: str, *arguments: str) -> CompletedProcess[str]:
        environment = {
            **secure_kafka.environment("scram-sha-512", role),
            "SENTINEL_TOPIC_PREFIX": prefix,
            "SENTINEL_APP_ID": prefix,
        }
        return run("deadletter", *arguments, environment=environment)

    listed = deadletter("analyst", "list")
    assert (listed.returncode, listed.stdout.count("\n")) == (0, 1), listed.stderr
    refused = deadletter("analyst", "replay", f"{topic}/0/7")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
    assert "authorization failed" in refused.stderr
    sent = deadletter("repairer", "replay", f"{topic}/0/7")
    assert (sent.returncode, sent.stdout) == (0, f"{topic}/0/7  sent, late\n"), sent.stderr
    assert len(stage.read(topic)) == 1
    assert "by " in deadletter("repairer", "list").stdout


def test_history_needs_no_more_rights_than_documented(
    secure_kafka: SecureBroker, prefix: str, tmp_path: Path
) -> None:
    """Events, alerts, complaints and dead letters are stored by a reader of their topics."""
    secure_kafka.allow(_documented(prefix))
    stage = Stage(secure_kafka.address, prefix)
    stage.feed([*lively(500, seed=8), *complaint_records(0, 20)])
    producer = Producer({"bootstrap.servers": stage.broker})
    key = f"{stage.topics.inputs[Stream.LOGIN]}-0-7"
    producer.produce(stage.topics.deadletter, b"{", key, headers={"reason": b"malformed"})
    producer.produce(stage.topics.alerts, encode(alert("a1")))
    assert producer.flush(30) == 0
    folders = {
        "SENTINEL_HISTORY": f"sqlite:///{tmp_path}/history.db",
        "SENTINEL_ARCHIVE": f"{tmp_path}/archive",
    }
    environment = {**secure_kafka.environment("scram-sha-512", "history"), **folders}
    history = WorkerProcess(stage.settings, environment, "history")
    store = Store(folders["SENTINEL_HISTORY"])

    def stored(table: Table) -> int:
        with store.database.reading() as connection:
            return len(connection.execute(select(table)).all())

    try:
        history.wait_ready()
        wait_for(lambda: stored(COMPLAINT_STEPS) == 20, "all steps are stored")
        wait_for(lambda: (stored(ALERTS), stored(DEAD_LETTERS)) == (1, 1), "all are stored")
    finally:
        code = history.end(signal.SIGTERM)
    assert code == 0, history.log
    assert list((tmp_path / "archive").rglob("*.parquet"))
    store.close()


def _configs(folder: Path, people: Mapping[str, str]) -> Path:
    """The shipped configuration with few rules, in which these people's signatures are required."""
    configs = Path(shutil.copytree(shipped_configs(), folder / "configs"))
    for rules in (configs / "rules").glob("*.yaml"):  # whose tests take a while at each publishing
        if rules.name != "feedback.yaml":
            rules.unlink()
    entries = "".join(people.values())
    (configs / "people.yaml").write_text(f"required: true\npeople:\n{entries}")
    return configs


def _keys(folder: Path, *names: str) -> dict[str, str]:
    """A new key for each name, in a file of that name; the entries for people.yaml."""
    made = {name: run("keys", "new", name, "--out", folder / name) for name in names}
    return {name: each.stdout for name, each in made.items()}


def test_a_stolen_credential_neither_publishes_nor_silences_red(
    secure_kafka: SecureBroker, prefix: str, tmp_path: Path
) -> None:
    """Without the publisher's key no configuration counts, without two people's no red silence."""
    topics, way = Topics(prefix), "scram-sha-512"
    gone = ("User:worker", topics.configs, AclOperation.WRITE)  # as after the first start
    rules = _documented(prefix)
    secure_kafka.allow(
        [each for each in rules if (each.principal, each.name, each.operation) != gone]
    )
    entries = _keys(tmp_path, "li.wei", "wang.fang", "releases", "mallory")
    configs = _configs(tmp_path, {name: entries[name] for name in ("li.wei", "wang.fang")})
    publishers = tmp_path / "publishers.yaml"
    publishers.write_text(f"required: true\npeople:\n{entries['releases']}")

    def sentinel(role: str, *arguments: object, key: str = "") -> CompletedProcess[str]:
        environment = {
            **secure_kafka.environment(way, role),
            "SENTINEL_TOPIC_PREFIX": prefix,
            "SENTINEL_APP_ID": prefix,
            "SENTINEL_PARTITIONS": str(PARTITIONS),
        }
        if key:
            environment["SENTINEL_SIGNING_KEY_FILE"] = str(tmp_path / key)
        return run(*arguments, environment=environment)

    assert sentinel("operator", "topics", "create").returncode == 0
    published = sentinel("publisher", "publish", configs, "--by", "releases", key="releases")
    assert published.returncode == 0, published.stderr
    stage = Stage(secure_kafka.address, prefix)
    settings = {"SENTINEL_PUBLISHERS_FILE": str(publishers)}
    worker = stage.worker(**secure_kafka.environment(way, "worker"), **settings)
    try:
        worker.wait_ready()
        stolen = sentinel("worker", "publish", configs, key="mallory")
        assert stolen.returncode == 1
        assert "authori" in stolen.stderr
        forged = sentinel("publisher", "publish", configs, "--by", "releases", key="mallory")
        assert forged.returncode == 0  # it is on the topic, and counts for nobody
        wait_for(lambda: worker.counted("sentinel_configurations_refused_total") == 1, "refused")
        assert f'config_version="{published.stdout.strip()}"' in worker.get("/metrics")
        silence = ("silence", "add", "entity=C1", "--for", "1h", "--comment", "x")
        unsigned = sentinel("analyst", *silence, "--by", "li.wei")
        assert (unsigned.returncode, "it is not signed" in unsigned.stderr) == (1, True)
        mine = sentinel("analyst", *silence, "--by", "li.wei", key="li.wei")
        assert mine.returncode == 0, mine.stderr
        approve = ("silence", "approve", mine.stdout.strip(), "--by", "wang.fang")
        alone = sentinel("analyst", *approve, key="li.wei")
        assert (alone.returncode, "not signed by the key" in alone.stderr) == (1, True)
        two = sentinel("analyst", *approve, key="wang.fang")
        assert two.returncode == 0, two.stderr
        assert "approved by wang.fang" in sentinel("analyst", "silence", "list").stdout
    finally:
        assert worker.end(signal.SIGTERM) == 0


def test_the_simulator_is_let_in(secure_kafka: SecureBroker, prefix: str) -> None:
    """``sentinel simulate --kafka`` connects with the settings too; all that it sends arrives."""
    secure_kafka.allow(_documented(prefix))
    stage = Stage(secure_kafka.address, prefix)
    environment = secure_kafka.environment("scram-sha-512", "producer")
    options = ["--kafka", environment["SENTINEL_BROKERS"], "--topic-prefix", prefix]
    done = run("simulate", *options, "--customers", "20", environment=environment)
    assert done.returncode == 0, done.stderr
    arrived = sum(len(stage.read(topic)) for topic in stage.topics.inputs.values())
    assert done.stderr == f"{arrived:,} events sent\n"
    assert arrived > 0


@pytest.mark.parametrize("way", ["scram-sha-512", "plain"])
@pytest.mark.parametrize("verb", [["topics", "create"], ["worker"]])
def test_a_wrong_password_is_one_line_without_it(
    secure_kafka: SecureBroker, way: str, verb: list[str]
) -> None:
    """Exit 1, the address and the variables named, the password not."""
    environment = secure_kafka.environment(way, "worker")
    del environment["SENTINEL_SASL_PASSWORD_FILE"]
    environment["SENTINEL_SASL_PASSWORD"] = "open-sesame"
    done = run(*verb, environment=environment)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    address = secure_kafka.addresses["SASL_SSL"]
    assert done.stderr.startswith(f"sentinel: Kafka at {address} does not let us in (")
    assert done.stderr.endswith("its password and SENTINEL_SASL_MECHANISM\n")
    assert "open-sesame" not in done.stderr


@pytest.mark.parametrize("way", ["scram-sha-512", "ssl"])
@pytest.mark.parametrize("verb", [["topics", "create"], ["worker"]])
def test_an_unknown_authority_is_one_line(
    secure_kafka: SecureBroker, way: str, verb: list[str]
) -> None:
    """Exit 1; the line says that TLS failed and which file to look at."""
    environment = secure_kafka.environment(way, "worker")
    environment["SENTINEL_TLS_CA_FILE"] = str(secure_kafka.unknown_ca())
    done = run(*verb, environment=environment)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    address = secure_kafka.addresses[environment["SENTINEL_SECURITY"].upper()]
    assert done.stderr.startswith(f"sentinel: no TLS with Kafka at {address} (")
    assert "see SENTINEL_TLS_CA_FILE" in done.stderr
