"""Configurations as data: published to a compacted topic under the hash of their content.

The newest valid one is in force; the journal has the version of each step, which a replay uses
again.  An invalid one is skipped: a worker never runs it.

The same topic has the deployment's key, by which ids are hashed and alert ids are made.  A worker
that finds none writes one.  Keys are never compacted, and the first of them counts: so workers that
start at once agree, and a later key changes nothing.
"""

import secrets
import threading
import time
import uuid
from collections.abc import Iterable

import msgspec
import structlog
from confluent_kafka import Message
from msgspec import Struct

from sentinel.engine import Configuration
from sentinel.kafka.broadcast import Broadcast
from sentinel.kafka.producer import RecordProducer, UndeliveredError
from sentinel.kafka.signing import read_publishers, read_signing_key
from sentinel.kafka.topics import CONFIGURATION_BYTES, Topics
from sentinel.metrics import Metrics
from sentinel.model.document import ConfigError
from sentinel.model.ids import KEY_BYTES, Hasher
from sentinel.model.reading import UNREADABLE
from sentinel.model.signature import SignatureError, payload_of, sign
from sentinel.settings import Settings

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 30.0
_POLL_S = 0.02
_KEY = "key/"
_ANY_TIME = 0


class NoConfigurationError(Exception):
    """A version that a step was processed under is gone, or not valid any more."""


class PublishError(Exception):
    """The broker refused the configuration, or did not confirm it in time."""


class _Key(Struct, frozen=True):
    """A key for the deployment, in hexadecimal."""

    key: str


class Bundle(Struct, frozen=True):
    """The files of a configuration, text by path, and when (ms UTC) they were published."""

    files: dict[str, str]
    published_at: int


def publish(
    settings: Settings, configuration: Configuration, now_ms: int, publisher: str = ""
) -> None:
    """Put a configuration in force for all workers; raises PublishError, SettingsError.

    It is signed in the name of ``publisher`` if there is a signing key.
    """
    value = msgspec.json.encode(Bundle(dict(configuration.files), now_ms))
    key = read_signing_key(settings)
    if key is not None:
        value = sign(value, key, publisher, now_ms)
    _write(settings, configuration.version, value)


def _write(settings: Settings, key: str, value: bytes) -> None:
    """Write a record of the topic; raises PublishError."""
    options: dict[str, str | int] = {
        "compression.type": "zstd",
        "message.max.bytes": CONFIGURATION_BYTES,
        "message.timeout.ms": int(_TIMEOUT_S * 1000),
    }
    try:
        with RecordProducer(settings, 2 * _TIMEOUT_S, options) as producer:
            producer.deliver(Topics(settings.topic_prefix).configs, key, value, partition=0)
    except UndeliveredError as error:
        raise PublishError(str(error)) from None


def write_key(settings: Settings) -> None:
    """Write a new key, which is the deployment's if it is the first; raises PublishError."""
    value = msgspec.json.encode(_Key(secrets.token_hex(KEY_BYTES)))
    _write(settings, f"{_KEY}{uuid.uuid4().hex}", value)


def hasher_of(records: Iterable[tuple[bytes | None, bytes | None]]) -> Hasher | None:
    """The hasher under the first key among the topic's records (key, value), None without one."""
    for name, value in records:
        if _is_key(name):
            try:
                return Hasher(bytes.fromhex(msgspec.json.decode(value or b"", type=_Key).key))
            except UNREADABLE:
                _log.warning("a record under the name of a key holds none")
    return None


def read_hasher(settings: Settings, timeout_s: float) -> Hasher | None:
    """The hasher of a deployment that runs; None if there is no key, or no answer in time."""
    broadcast = Broadcast(settings, None, Topics(settings.topic_prefix).configs)
    broadcast.start()
    try:
        broadcast.wait_caught_up(timeout_s)
        found = broadcast.messages_after(-1)
        return hasher_of((message.key(), message.value()) for message in found)
    finally:
        broadcast.stop()


def _is_key(name: bytes | None) -> bool:
    return name is not None and name.startswith(_KEY.encode())


class Configurations:
    """The published configurations as far as they have been read; parsed on access."""

    def __init__(self, settings: Settings, own: Configuration, metrics: Metrics) -> None:
        """``own`` is in force while nothing valid was published."""
        self._broadcast = Broadcast(settings, None, Topics(settings.topic_prefix).configs)
        self._settings, self._publishers = settings, read_publishers(settings)
        self._published_at = 0  # an older configuration is not put in force again
        self._parsed: dict[str, Configuration | None] = {own.version: own}
        self._current, self._seen = own, -1
        self._metrics, self._lock = metrics, threading.Lock()
        metrics.built(own)

    def start(self) -> None:
        """Begin to read."""
        self._broadcast.start()

    def stop(self) -> None:
        """Stop reading."""
        self._broadcast.stop()

    def wait_caught_up(self, timeout_s: float) -> bool:
        """Wait until all that was there at the start has been read; False if not in time."""
        return self._broadcast.wait_caught_up(timeout_s)

    def read_key(self, timeout_s: float) -> bool:
        """Read the deployment's key once the topic's start has been read.

        Where there is none, one is written; False if it cannot be read within the time.  Raises
        PublishError.
        """
        wrote, end = False, time.monotonic() + timeout_s
        while (hasher := self._hasher()) is None:
            if not wrote:
                write_key(self._settings)
                wrote = True
            if time.monotonic() > end:
                return False
            time.sleep(_POLL_S)
        with self._lock:
            own = self._current.keyed(hasher)
            self._current = self._parsed[own.version] = own
        return True

    @property
    def published(self) -> bool:
        """Whether any configuration was, valid or not."""
        return bool(self._bundles(-1))

    def current(self) -> Configuration:
        """The newest valid one; parses what is new, which takes a second."""
        with self._lock:
            news = self._bundles(self._seen)
            for published_at, message in self._newest_first(news):
                found = self._parse(message)
                if found is not None:
                    self._current, self._published_at = found, published_at
                    self._metrics.built(found)
                    _log.info("configuration in force", version=found.version)
                    break
            if news:
                self._seen = news[-1].offset()
            return self._current

    def get(self, version: str) -> Configuration:
        """The configuration of that version; raises NoConfigurationError where there is none."""
        with self._lock:
            if version not in self._parsed:
                for message in self._bundles(-1):
                    if message.key() == version.encode():
                        self._parse(message)
            found = self._parsed.get(version)
        if found is None:
            raise NoConfigurationError(
                f"a step was processed under configuration {version}, which is not on "
                f"{self._broadcast.topic} or not valid in this version of Sentinel"
            )
        return found

    def _bundles(self, after: int) -> list[Message]:
        found = self._broadcast.messages_after(after)
        return [message for message in found if not _is_key(message.key())]

    def _hasher(self) -> Hasher | None:
        found = self._broadcast.messages_after(-1)
        return hasher_of((message.key(), message.value()) for message in found)

    def _parse(self, message: Message) -> Configuration | None:
        version = (message.key() or b"").decode("utf-8", "replace")
        if version not in self._parsed:
            self._parsed[version] = self._checked(version, message)
        return self._parsed[version]

    def _newest_first(self, news: list[Message]) -> list[tuple[int, Message]]:
        """When each that may come into force was published (ms UTC), and its record.

        With publishers only theirs count, and nothing older than what is in force.  The
        configuration of a past step is found by its hash instead.
        """
        if self._publishers is None:
            return [(0, message) for message in reversed(news)]
        found = []
        for message in news:
            try:
                signed = self._publishers.read(message.value() or b"", _ANY_TIME)
                published_at = msgspec.json.decode(signed.payload, type=Bundle).published_at
                if published_at < self._published_at:
                    raise SignatureError("it is older than what is in force")
            except UNREADABLE as error:
                version = (message.key() or b"").decode("utf-8", "replace")
                self._refuse(version, str(error) or type(error).__name__)
            else:
                found.append((published_at, message))
        return sorted(found, key=lambda each: (each[0], each[1].offset()), reverse=True)

    def _refuse(self, version: str, reason: str) -> None:
        _log.error("published configuration refused", version=version, reason=reason)
        self._metrics.refused()

    def _checked(self, version: str, message: Message) -> Configuration | None:
        try:
            bundle = msgspec.json.decode(payload_of(message.value() or b""), type=Bundle)
            configuration = Configuration.parse(bundle.files).keyed(self._current.hasher)
            configuration.build()  # is there room for it?
        except (ConfigError, msgspec.DecodeError) as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - after any error the workers go on without it
            reason = f"{type(error).__name__}: {error}"
        else:
            if configuration.version == version:
                return configuration
            reason = f"its content has the hash {configuration.version}"
        self._refuse(version, reason)
        return None
