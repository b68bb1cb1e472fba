"""Published configurations: whatever is wrong with one, it is refused, told and counted."""

from dataclasses import dataclass

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from sentinel.configuration import Configuration
from sentinel.metrics import Metrics
from sentinel.settings import Settings, read_configuration
from sentinel.stream.configurations import Bundle, Configurations

OWN = read_configuration(None)


@dataclass
class Published:
    """A record of the configurations topic."""

    bytes_: bytes | None
    version: bytes | None = b"v2"

    def key(self) -> bytes | None:
        """The version that it claims."""
        return self.version

    def value(self) -> bytes | None:
        """The bundle."""
        return self.bytes_


def _bundle(**files: str) -> bytes:
    """The shipped configuration with other texts for some files."""
    changed = {name.replace("_", ".", 1): text for name, text in files.items()}
    return msgspec.json.encode(Bundle({**OWN.files, **changed}, 0))


ENGINE = OWN.files["engine.yaml"]
HOSTILE = {
    "no value": None,
    "no JSON": b"{",
    "no UTF-8": b'{"files":{"engine.yaml":"\\xff"},"published_at":0}',
    "nested JSON": b"[" * 100_000,
    "no files": b'{"files":{},"published_at":0}',
    "deep YAML": _bundle(engine_yaml="[" * 100_000),
    "YAML tag": _bundle(engine_yaml="a: !!int x"),
    "control character": _bundle(engine_yaml="a: \x01"),
    "too many customers": _bundle(
        engine_yaml=ENGINE.replace("max_customers: 1000000", "max_customers: 10000000000000")
    ),
    "other content": msgspec.json.encode(Bundle(dict(OWN.files), 0)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_cannot_be_run_is_refused(what: str) -> None:
    """In one line of the log that says why; the worker goes on under what it has."""
    metrics = Metrics(CollectorRegistry())
    subject = Configurations(Settings(brokers="127.0.0.1:9"), OWN, metrics)
    with capture_logs() as logs:
        found = subject._parse(Published(HOSTILE[what]))
    assert found is None
    (line,) = logs
    assert (line["event"], line["version"]) == ("published configuration refused", "v2")
    assert 0 < len(line["reason"]) < 300
    assert metrics.registry.get_sample_value("sentinel_configurations_refused_total") == 1


def test_one_for_which_there_is_no_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is built once, before any shard is to run it."""

    def build(_: Configuration) -> None:
        raise MemoryError

    monkeypatch.setattr(Configuration, "build", build)
    subject = Configurations(Settings(brokers="127.0.0.1:9"), OWN, Metrics(CollectorRegistry()))
    value = _bundle(tiers_yaml=OWN.files["tiers.yaml"] + "\n# another version\n")
    with capture_logs() as logs:
        assert subject._parse(Published(value)) is None
    assert logs[0]["reason"] == "MemoryError: "
