"""Published configurations: whatever is wrong with one, it is refused, told and counted."""

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from sentinel.engine import Configuration
from sentinel.kafka.configurations import Bundle, Configurations
from sentinel.metrics import Metrics
from sentinel.model.signature import public_text, sign
from sentinel.settings import Settings, read_configuration

OWN = read_configuration(None)


@dataclass
class Published:
    """A record of the configurations topic."""

    bytes_: bytes | None
    version: bytes | None = b"v2"
    at: int = 0

    def offset(self) -> int:
        """Where it stands."""
        return self.at

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


class _Read:
    """A topic that has been read."""

    def __init__(self, *messages: Published) -> None:
        self.messages = messages

    def messages_after(self, offset: int) -> list[Published]:
        """What is beyond the offset."""
        return [each for each in self.messages if each.offset() > offset]


KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))


@pytest.fixture
def pinned(tmp_path: Path) -> Configurations:
    """Configurations of a worker that takes those of one publisher only."""
    path = tmp_path / "publishers.yaml"
    path.write_text(f'required: true\npeople: {{releases: {{key: "{public_text(KEY)}"}}}}\n')
    settings = Settings(brokers="127.0.0.1:9", publishers_file=str(path))
    return Configurations(settings, OWN, Metrics(CollectorRegistry()))


def _published(offset: int, text: str, at_ms: int, key: Ed25519PrivateKey | None) -> Published:
    files = {**OWN.files, "tiers.yaml": OWN.files["tiers.yaml"] + f"\n# {text}\n"}
    value = msgspec.json.encode(Bundle(files, at_ms))
    if key is not None:
        value = sign(value, key, "releases", at_ms)
    return Published(value, Configuration.parse(files).version.encode(), offset)


def test_only_what_a_publisher_has_signed_comes_into_force(pinned: Configurations) -> None:
    """Unsigned, forged and older bundles are told and counted; the newest signed is in force."""
    right, newer = _published(0, "a", 10, KEY), _published(4, "b", 20, KEY)
    wrong = [_published(1, "c", 30, None), _published(2, "d", 30, OTHER)]
    wrong.append(Published(b"eyJ", b"e", 3))
    pinned._broadcast = _Read(right, *wrong)  # type: ignore[assignment]
    with capture_logs() as logs:
        assert pinned.current().version == (right.version or b"").decode()
    refused = [each["reason"] for each in logs if each["event"].endswith("refused")]
    assert refused == [
        "it is not signed, and people.yaml asks for that",
        "it is not signed by the key of releases",
        "it is no signed record (RFC 7515, compact, EdDSA)",
    ]
    again = replace(right, at=5)  # somebody sends the old one again
    pinned._broadcast = _Read(newer, again)  # type: ignore[assignment]
    assert pinned.current().version == (newer.version or b"").decode()
    pinned._broadcast = _Read(replace(right, at=6))  # type: ignore[assignment]
    with capture_logs() as logs:
        assert pinned.current().version == (newer.version or b"").decode()
    assert [each["reason"] for each in logs] == ["it is older than what is in force"]
