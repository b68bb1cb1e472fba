"""``sentinel silence`` against a topic that others write to, too."""

import os
from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from tests.integration.stage import Stage
from typer.testing import CliRunner, Result

from sentinel.cli import app

Sentinel = Callable[..., Result]


@pytest.fixture
def stage(kafka: str, prefix: str) -> Stage:
    """Topics on a real broker."""
    return Stage(kafka, prefix)


@pytest.fixture
def sentinel(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Sentinel:
    """Run ``sentinel silence`` on the stage's topics."""
    for name in [name for name in os.environ if name.startswith("SENTINEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SENTINEL_BROKERS", stage.broker)
    monkeypatch.setenv("SENTINEL_TOPIC_PREFIX", stage.prefix)
    monkeypatch.setenv("SENTINEL_APP_ID", stage.prefix)
    return lambda *arguments: CliRunner().invoke(app, ["silence", *arguments])


def _add(sentinel: Sentinel, *arguments: str) -> Result:
    return sentinel("add", "--comment", "test", "--by", "li.wei", *arguments)


def test_records_that_nobody_can_read_are_skipped_and_counted(
    stage: Stage, sentinel: Sentinel
) -> None:
    """They take nothing from list and expire but a line on stderr."""
    added = _add(sentinel, "tier=blue", "--for", "1h")
    assert (added.exit_code, added.stderr) == (0, "")
    silence_id = added.stdout.strip()
    producer = Producer({"bootstrap.servers": stage.broker})
    for value in (b"{", None, b'{"silence_id":"S2","matchers":["tier=critical"]}'):
        producer.produce(stage.topics.silences, value, silence_id, partition=0)
    assert producer.flush(30) == 0
    skipped = "sentinel: 3 records of the silences topic cannot be read: skipped\n"
    listed = sentinel("list")
    assert (listed.exit_code, listed.stderr) == (0, skipped)
    assert listed.stdout.startswith(f"{silence_id}  active ")
    expired = sentinel("expire", silence_id)
    assert (expired.exit_code, expired.stderr) == (0, skipped)
    assert sentinel("list").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tier=blue", "--for", "36500d"], "--for 36500d ends after 2099"),
        (
            ['severity!="red"', "--for", "1h"],
            'alerts have no label "severity" (labels are tier, risk, entity_kind, entity, rule)',
        ),
        (
            ['rule="a"', 'rule="b"', "--for", "1h"],
            'no rule satisfies rule="a" and rule="b": this never matches',
        ),
        (
            ['tier=~".*"', "--for", "1h"],
            'tier=~".*" selects every alert, or nearly every one (--all if you mean it)',
        ),
    ],
)
def test_a_silence_that_nobody_would_apply_is_not_written(
    stage: Stage, sentinel: Sentinel, arguments: list[str], message: str
) -> None:
    """One line on stderr, exit code 1, and no record."""
    done = _add(sentinel, *arguments)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"sentinel: {message}\n")
    assert stage.read(stage.topics.silences) == []


def test_every_alert_is_silenced_on_demand(sentinel: Sentinel) -> None:
    """With --all."""
    added = _add(sentinel, 'tier=~".*"', "--for", "1h", "--all")
    assert added.exit_code == 0
    assert sentinel("list").stdout.startswith(added.stdout.strip())


def test_a_comment_that_is_too_long_is_one_line(stage: Stage, sentinel: Sentinel) -> None:
    """The record's own limits hold before it is written."""
    done = sentinel("add", "tier=blue", "--for", "1h", "--comment", "x" * 2_001)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "comment" in done.stderr
    assert stage.read(stage.topics.silences) == []
