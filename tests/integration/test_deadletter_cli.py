"""``sentinel deadletter``: letters of a worker are listed, put right and sent again, each once."""

import json
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message, Producer
from tests.integration.blocks import blocks
from tests.integration.stage import Stage, wait_for
from tests.ports import free_port
from tests.zygote import run

from sentinel.engine import Emitted
from sentinel.kafka.letter_topic import LetterError, LetterTopic, selection
from sentinel.kafka.masking import read_masking
from sentinel.kafka.resend import Mended, Resender
from sentinel.model.events import Stream
from sentinel.model.letter import Letter
from sentinel.model.step import DeadLetter, DeadLetterReason
from sentinel.settings import shipped_configs
from sentinel.shard.journal import StepRecord
from sentinel.shard.sink import Sink

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
FIX = next(
    each.text
    for each in blocks("docs/operations.md", OPERATIONS.read_text("utf-8"))
    if each.lines[0] == "# fix.yaml"
)


def _transaction(number: int, **changes: object) -> bytes:
    fields: dict[str, object] = {
        "event_id": f"t{number}",
        "event_time": int(time.time() * 1000) - 60_000,
        "customer_id": f"C{number}",
        "kind": "transfer",
        "direction": "debit",
        "amount": 12.5,
        "currency": "CNY",
    }
    return json.dumps(fields | changes).encode()


def _sentinel(stage: Stage, *arguments: object) -> subprocess.CompletedProcess[str]:
    return run("deadletter", *arguments, environment=_environment(stage))


def _environment(stage: Stage) -> dict[str, str]:
    return {
        "SENTINEL_BROKERS": stage.broker,
        "SENTINEL_TOPIC_PREFIX": stage.prefix,
        "SENTINEL_APP_ID": stage.prefix,
    }


def _with_rate(folder: Path) -> Path:
    """The shipped configuration and a rate for gold."""
    configs = Path(shutil.copytree(shipped_configs(), folder / "configs"))
    engine = configs / "engine.yaml"
    engine.write_text(
        engine.read_text("utf-8").replace("{CNY: 1,", "{CNY: 1, XAU: 17000,"), "utf-8"
    )
    return configs


def _listed(stage: Stage, *arguments: object) -> list[dict[str, Any]]:
    done = _sentinel(stage, "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _dead_letter(stage: Stage, *values: bytes | None, topic: str = "") -> None:
    """Write letters as a worker's sink does, of records that need not be there."""
    sink = Sink(stage.settings, 0, read_masking(stage.settings), None)
    sink.start()
    source = topic or stage.topics.inputs[Stream.TRANSACTION]
    letters = [
        DeadLetter(source, 0, 1_000 + number, b"k", value, DeadLetterReason.SCHEMA, "d")
        for number, value in enumerate(values)
    ]
    sink.write(Emitted(dead_letters=letters), StepRecord(0, 1, 1, {}, "v"))


def _letters(stage: Stage) -> list[Letter]:
    with LetterTopic(stage.settings) as topic:
        return topic.letters(selection(), None, 100).letters


@pytest.mark.process
def test_letters_of_a_worker_are_mended_and_processed_once(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    """Two events in seconds by a mapping, one as it was once its currency has a rate."""
    stage = Stage(kafka, prefix)
    seconds = int(time.time()) - 120
    old = seconds - 86_400
    fix = tmp_path / "fix.yaml"
    fix.write_text(FIX)
    stage.feed(
        [
            (Stream.TRANSACTION, "C1", _transaction(1, event_time=seconds, amount=77.5)),
            (Stream.TRANSACTION, "C2", _transaction(2, event_time=old)),
            (Stream.TRANSACTION, "C3", _transaction(3, currency="XAU")),
            (Stream.TRANSACTION, "C4", b'{"event_id": "t4"'),
        ]
    )
    worker = stage.worker()
    try:
        worker.wait_ready()
        wait_for(lambda: len(stage.read(stage.topics.deadletter)) == 4, "the letters")
        _check_list(stage)
        topic = stage.topics.inputs[Stream.TRANSACTION]
        gold = next(each["id"] for each in _listed(stage) if "XAU" in each["detail"])
        early = _sentinel(stage, "replay", gold)
        assert (early.returncode, "currency XAU has no rate" in early.stdout) == (1, True), (
            early.stderr
        )

        mended = _sentinel(stage, "replay", "--topic", topic, "--map", fix, "--by", "li.wei")
        assert mended.returncode == 1
        assert "dead letters: 2 sent, 2 stay" in mended.stderr
        assert "1 of 2 are older than `lateness` (1 h)" in mended.stderr
        configs = _with_rate(tmp_path)
        published = run("publish", configs, environment=_environment(stage))
        assert published.returncode == 0, published.stderr
        in_force = f'config_version="{published.stdout.strip()}"'
        wait_for(lambda: in_force in worker.get("/metrics"), "the rate in force")
        sent = _sentinel(stage, "replay", gold, "--configs", configs)
        assert (sent.returncode, sent.stdout) == (0, f"{gold}  sent\n"), sent.stderr

        wait_for(lambda: worker.counted("sentinel_events_total{") == 3, "three events processed")
        assert worker.counted("sentinel_late_events_total{") == 1
        wait_for(lambda: worker.counted("sentinel_lag_records{") == 0, "nothing left to apply")
        again = _sentinel(stage, "replay", "--topic", topic, "--map", fix)
        assert again.returncode == 1
        assert "dead letters: 0 sent, 1 stay, 3 skipped: sent before" in again.stderr
        assert worker.counted("sentinel_events_total{") == 3
        assert worker.counted("sentinel_dead_letters_total") == 4
    finally:
        code = worker.end(signal.SIGTERM)
    assert code == 0
    events = _repaired(stage)
    assert set(events) == {"t1", "t2", "t3"}
    first = json.loads(events["t1"].value())
    assert (first["event_time"], first["amount"]) == (seconds * 1000, 77.5)
    _check_marks(stage, events)


def _check_list(stage: Stage) -> None:
    """The four letters are listed with their reasons, without what the events hold."""
    listed = _sentinel(stage, "list")
    assert listed.stdout.count("\n") == 4
    assert "looks like seconds" in listed.stdout
    assert "77.5" not in listed.stdout
    topic = stage.topics.inputs[Stream.TRANSACTION]
    assert f"dead letters: 3 schema of {topic}, 1 malformed of {topic}" in listed.stderr
    assert _sentinel(stage, "list", "--reason", "malformed").stdout.count("\n") == 1


def _repaired(stage: Stage) -> dict[str, Message]:
    """The events that were sent again, by id."""
    return {
        json.loads(each.value())["event_id"]: each
        for each in stage.read(stage.topics.inputs[Stream.TRANSACTION])
        if dict(each.headers() or ()).get("repairs")
    }


def _check_marks(stage: Stage, events: Mapping[str, Message]) -> None:
    """Events and letters name who repaired them; an event stays in its customer's shard."""
    assert events["t1"].key() == b"C1"
    assert dict(events["t1"].headers())["repaired-by"] == b"li.wei"
    by_id = {each["id"]: each for each in _listed(stage)}
    origin = dict(events["t1"].headers())["repairs"].decode()
    assert by_id[origin]["repaired"]["by"] == "li.wei"
    assert len(by_id) == 4
    topic = stage.topics.inputs[Stream.TRANSACTION]
    originals = [each for each in stage.read(topic) if not each.headers()]
    for repaired in events.values():  # the same customer, the same shard
        (original,) = (each for each in originals if each.key() == repaired.key())
        assert original.partition() == repaired.partition()


def test_an_aborted_transaction_leaves_neither_events_nor_markers(kafka: str, prefix: str) -> None:
    """The broker refuses one event of two: nothing is sent, the error names it; later both are."""
    stage = Stage(kafka, prefix)
    topic = stage.topics.inputs[Stream.TRANSACTION]
    _dead_letter(stage, _transaction(1), _transaction(2))
    noise = random.Random(1).randbytes(2_000)
    stage.configure(topic, "max.message.bytes", "1000")
    letters = _letters(stage)
    batch = [
        Mended(letters[0], [(b"C1", _transaction(1))]),
        Mended(letters[1], [(b"C2", noise)]),
    ]
    wait_for(lambda: _is_refused(stage, batch), "the limit in force")
    assert stage.read(topic) == []
    assert [each.repair for each in _letters(stage)] == [None, None]
    resender = Resender(stage.settings, "li.wei")
    resender.start()
    resender.send([batch[0], Mended(letters[1], [(b"C2", _transaction(2))])])
    assert {each.key() for each in stage.read(topic)} == {b"C1", b"C2"}
    assert [each.repair and each.repair.by for each in _letters(stage)] == ["li.wei"] * 2


def _is_refused(stage: Stage, batch: list[Mended]) -> bool:
    """Whether the second letter is refused: the topic's limit reaches a broker some time later."""
    resender = Resender(stage.settings, "li.wei")
    resender.start()
    try:
        resender.send(batch[1:])
    except LetterError:
        pass
    else:
        return False
    resender = Resender(stage.settings, "li.wei")
    resender.start()
    with pytest.raises(LetterError, match=r"^not sent: t\w+\.transactions: .*too large$"):
        resender.send(batch)
    return True


def test_a_second_sender_fences_the_first(kafka: str, prefix: str) -> None:
    """The first sends nothing more and says so in a line; the second sends."""
    stage = Stage(kafka, prefix)
    _dead_letter(stage, _transaction(1))
    batch = [Mended(_letters(stage)[0], [(b"C1", _transaction(1))])]
    first, second = (Resender(stage.settings, name) for name in ("li.wei", "wang.fang"))
    first.start()
    second.start()
    with pytest.raises(LetterError, match=r"^another `sentinel deadletter replay` has started"):
        first.send(batch)
    assert stage.read(stage.topics.inputs[Stream.TRANSACTION]) == []
    second.send(batch)
    (letter,) = _letters(stage)
    assert letter.repair is not None
    assert letter.repair.by == "wang.fang"


def test_what_cannot_be_sent_stays_and_a_dry_run_sends_nothing(kafka: str, prefix: str) -> None:
    """Records of people and cut letters stay, exit 1; a dry run judges and leaves no trace."""
    stage = Stage(kafka, prefix)
    topic = stage.topics.inputs[Stream.TRANSACTION]
    _dead_letter(stage, _transaction(1), b"x" * (2 << 20), None)
    _dead_letter(stage, b"{}", topic=stage.topics.responses)
    done = _sentinel(stage, "replay", "--reason", "schema", "--dry-run", "--json")
    results = {each["id"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1
    assert "dead letters: 1 would be sent, 3 stay" in done.stderr
    good = results[f"{topic}/0/1000"]
    assert (good["outcome"], good["event_ids"]) == ("would be sent", ["t1"])
    assert json.loads(good["events"][0])["customer_id"] == "C1"
    assert "the letter is cut" in results[f"{topic}/0/1001"]["detail"]
    assert results[f"{topic}/0/1002"]["detail"] == "the record has no value"
    responses = results[f"{stage.topics.responses}/0/1000"]
    assert "is no topic of events" in responses["detail"]
    assert stage.read(topic) == []
    assert all(each["repaired"] is None for each in _listed(stage))
    unknown = _sentinel(stage, "replay", f"{topic}/0/7")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == f"sentinel: there is no dead letter {topic}/0/7 among those chosen\n"
    assert _sentinel(stage, "replay").returncode == 2


def test_a_letter_is_shown_whole(kafka: str, prefix: str) -> None:
    """Codes in place of control characters, base64 of what is no text, or the bytes alone."""
    stage = Stage(kafka, prefix)
    topic = stage.topics.inputs[Stream.TRANSACTION]
    _dead_letter(stage, "{\x1b[2J转账".encode(), b"\xff\x00")
    shown = _sentinel(stage, "show", f"{topic}/0/1000")
    assert shown.returncode == 0, shown.stderr
    assert "value: {\\x1b[2J转账\n" in shown.stdout
    assert "\nreason: schema\ndetail: d\nkey: k\n" in shown.stdout
    binary = json.loads(_sentinel(stage, "show", f"{topic}/0/1001", "--json").stdout)
    assert (binary["value_base64"], binary["headers"]["key"]) == ("/wA=", "k")
    raw = _sentinel(stage, "show", f"{topic}/0/1000", "--raw")
    assert raw.stdout == "{\x1b[2J转账"
    assert _sentinel(stage, "show", "17").returncode == 1
    newest = _sentinel(stage, "list", "--limit", "1")
    assert newest.stdout.count("\n") == 1
    assert "dead letters: 2 schema of" in newest.stderr
    assert "only the newest 1 are listed" in newest.stderr


def test_a_marker_behind_an_open_transaction_is_waited_for(kafka: str, prefix: str) -> None:
    """A worker's open transaction hides what was committed behind it: the letter is not taken."""
    stage = Stage(kafka, prefix)
    _dead_letter(stage, _transaction(1))
    (letter,) = _letters(stage)
    worker = Producer({"bootstrap.servers": kafka, "transactional.id": f"{prefix}-9"})
    worker.init_transactions(30)
    worker.begin_transaction()
    worker.produce(stage.topics.deadletter, b"{", partition=letter.spot[0])
    assert worker.flush(30) == 0
    resender = Resender(stage.settings, "li.wei")
    resender.start()
    resender.send([Mended(letter, [(b"C1", _transaction(1))])])
    is_reading = threading.Event()

    def read() -> list[Letter]:
        with LetterTopic(stage.settings) as topic:
            return topic.letters(selection(), None, 100, lambda *_: is_reading.set()).letters

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(read)
        assert is_reading.wait(30)
        worker.abort_transaction(30)
        (after,) = found.result(60)
    assert after.repair is not None
    assert after.repair.by == "li.wei"


def test_no_broker_and_no_topic_are_one_line(kafka: str, prefix: str) -> None:
    """Exit 1; the line names the broker, or the topic."""
    nobody = {"SENTINEL_BROKERS": f"127.0.0.1:{free_port()}"}
    done = run("deadletter", "replay", "--reason", "schema", environment=nobody)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("sentinel: no Kafka broker answers at 127.0.0.1:")
    nothing = {"SENTINEL_BROKERS": kafka, "SENTINEL_TOPIC_PREFIX": prefix}
    done = run("deadletter", "list", environment=nothing)
    assert done.returncode == 1
    assert done.stderr.startswith(f"sentinel: there is no topic {prefix}.deadletter ")
