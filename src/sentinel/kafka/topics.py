"""The topics: their names, how they are made, and whether they fit together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigEntry, ConfigResource, NewTopic, ResourceType

from sentinel.kafka.letters import LETTER_BYTES
from sentinel.kafka.security import client_config
from sentinel.model.alert import Tier
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.settings import Settings

_log = structlog.get_logger(__name__)
_ANSWER_S = 5.0
_NOISE = re.compile(  # librdkafka's own settings and states in its messages
    r"\A\S+/bootstrap: |: broker certificate could not be verified, .*| \(after \d+ms .*\)\Z"
)
_CREATE_S = 15.0
_WEEK_MS = 7 * 86_400_000
_LEAST_RETENTION_MS = _WEEK_MS
_SNAPSHOT_SEGMENT_BYTES = 256 << 20
Timestamps = Literal["LogAppendTime", "CreateTime"]
"""Whose timestamps the records of an input have: the broker's or the producer's."""
CONFIGURATION_BYTES = 8 << 20
"""The largest configuration that may be published."""


class StartupError(Exception):
    """The worker cannot start; the message says what to correct."""


class Access(Enum):
    """Who writes and reads a topic."""

    OUTSIDE = auto()  # others write it, and Sentinel reads it
    OUTPUT = auto()  # Sentinel writes it, and others read it
    INSIDE = auto()  # Sentinel's own, of no use to others


class Kept(Enum):
    """What a topic keeps; :func:`_retention` has the settings."""

    DEFAULT = auto()  # as the broker does
    REPLAYED = auto()  # everything, well beyond the horizon of recovery
    NEWEST = auto()  # the newest of each key for good, everything as long as what is replayed
    SNAPSHOTS = auto()  # the newest of each key: superseded ones are big, and of no use
    WEEK = auto()  # bad records may hold what customers wrote: long enough to look, and no longer


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its name after the prefix, who uses it, what it keeps, how it is partitioned.

    Of a co-partitioned topic shard p owns partition p; a broadcast has one partition, of which
    every worker reads all.  ``max_bytes`` is the largest record, None for the broker's default.
    """

    name: str
    access: Access
    kept: Kept = Kept.DEFAULT
    co_partitioned: bool = False
    broadcast: bool = False
    max_bytes: int | None = None


class Topics:
    """The topics under one prefix, each declared once."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._declared: dict[str, Topic] = {}
        streams: dict[Stream | Control, str] = {
            stream: self._add(
                Topic(f"{stream}s", Access.OUTSIDE, Kept.REPLAYED, co_partitioned=True)
            )
            for stream in Stream
        }
        self.responses = self._add(
            Topic("responses", Access.OUTSIDE, Kept.REPLAYED, co_partitioned=True)
        )
        self.silences = self._add(Topic("silences", Access.OUTSIDE, Kept.NEWEST, broadcast=True))
        self.alerts = self._add(Topic("alerts", Access.OUTPUT))
        self._tiers = {tier: self._add(Topic(f"alerts.{tier}", Access.OUTPUT)) for tier in Tier}
        self.response_results = self._add(Topic("response-results", Access.OUTPUT))
        self.actions = self._add(Topic("actions", Access.OUTPUT))
        self.deadletter = self._add(
            Topic("deadletter", Access.OUTPUT, Kept.WEEK, max_bytes=LETTER_BYTES)
        )
        self.configs = self._add(
            Topic(
                "configs",
                Access.INSIDE,
                Kept.NEWEST,
                broadcast=True,
                max_bytes=CONFIGURATION_BYTES,
            )
        )
        self.rollups = self._add(
            Topic("rollups", Access.INSIDE, Kept.REPLAYED, co_partitioned=True)
        )
        # Not compacted: minutes later an entity risk means nothing, and each was seen by somebody.
        self.entity_risk = self._add(
            Topic("entity-risk", Access.INSIDE, Kept.REPLAYED, broadcast=True)
        )
        self.journal = self._add(
            Topic("journal", Access.INSIDE, Kept.REPLAYED, co_partitioned=True)
        )
        self.snapshots = self._add(
            Topic("snapshots", Access.INSIDE, Kept.SNAPSHOTS, co_partitioned=True)
        )
        self.inputs: Mapping[Stream | Control, str] = {
            **streams,
            Control.RESPONSE: self.responses,
            Control.ROLLUP: self.rollups,
        }
        """What each shard's engine reads a partition of."""
        self.broadcasts: Mapping[Control, str] = {
            Control.SILENCE: self.silences,
            Control.ENTITY_RISK: self.entity_risk,
        }
        """What every shard's engine reads all of."""

    def _add(self, topic: Topic) -> str:
        """Declare a topic; returns its name under the prefix."""
        name = f"{self._prefix}.{topic.name}"
        self._declared[name] = topic
        return name

    def __getitem__(self, name: str) -> Topic:
        """What is declared of a topic, by its whole name."""
        return self._declared[name]

    def tier(self, tier: Tier) -> str:
        """The topic of one tier's alerts."""
        return self._tiers[tier]

    def all(self) -> list[str]:
        """Every topic, inputs first."""
        return list(self._declared)

    def from_outside(self) -> list[str]:
        """The topics that other systems and people write to."""
        return [name for name, each in self._declared.items() if each.access is Access.OUTSIDE]

    def inside(self) -> list[str]:
        """Sentinel's own topics, of no use to others."""
        return [name for name, each in self._declared.items() if each.access is Access.INSIDE]

    def broadcast(self) -> list[str]:
        """The topics of one partition, of which every worker reads all."""
        return [name for name, each in self._declared.items() if each.broadcast]

    def co_partitioned(self) -> list[str]:
        """The topics of which shard p owns partition p: their partition counts are equal."""
        return [name for name, each in self._declared.items() if each.co_partitioned]


def _retention(settings: Settings, kept: Kept) -> dict[str, str]:
    """The settings of what a topic keeps.

    They are set explicitly: a broker's default may be to compact, or to keep records for hours.
    """
    kept_ms = max(_LEAST_RETENTION_MS, 2 * settings.horizon_ms)
    match kept:
        case Kept.REPLAYED:
            return {"cleanup.policy": "delete", "retention.ms": str(kept_ms)}
        case Kept.NEWEST:
            return {"cleanup.policy": "compact", "min.compaction.lag.ms": str(kept_ms)}
        case Kept.SNAPSHOTS:
            return {"cleanup.policy": "compact", "segment.bytes": str(_SNAPSHOT_SEGMENT_BYTES)}
        case Kept.WEEK:
            return {"cleanup.policy": "delete", "retention.ms": str(_WEEK_MS)}
        case Kept.DEFAULT:
            return {}


def _new(settings: Settings, name: str, topic: Topic, timestamps: Timestamps) -> NewTopic:
    """A topic as it is created; ``timestamps`` is whose the records of others have."""
    config = _retention(settings, topic.kept)
    if topic.max_bytes is not None:
        config["max.message.bytes"] = str(topic.max_bytes)
    if topic.access is Access.OUTSIDE:
        config["message.timestamp.type"] = timestamps
    partitions = 1 if topic.broadcast else settings.partitions
    return NewTopic(name, partitions, settings.replication, config=config)


def describe(settings: Settings) -> dict[str, int]:
    """Partition count of each of our topics that exists; raises StartupError, SettingsError."""
    troubles: list[KafkaError] = []
    admin = AdminClient({**client_config(settings), "error_cb": troubles.append})
    try:
        found = admin.list_topics(timeout=_ANSWER_S).topics
    except KafkaException as error:
        admin.poll(0)  # delivers the troubles behind the timeout
        raise StartupError(_unreachable(settings, error.args[0], troubles)) from None
    return {
        name: len(found[name].partitions)
        for name in Topics(settings.topic_prefix).all()
        if name in found and found[name].error is None
    }


def _unreachable(settings: Settings, error: KafkaError, troubles: list[KafkaError]) -> str:
    """Why no broker answers: our credentials, its certificate, or the address."""
    for trouble in troubles:
        cause = _NOISE.sub("", trouble.str())
        if trouble.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001
            return (
                f"Kafka at {settings.brokers} does not let us in ({cause}); see "
                "SENTINEL_SASL_USERNAME, its password and SENTINEL_SASL_MECHANISM"
            )
        if trouble.code() == KafkaError._SSL or "SSL alert" in cause:  # noqa: SLF001
            return (
                f"no TLS with Kafka at {settings.brokers} ({cause}); see SENTINEL_TLS_CA_FILE, "
                "SENTINEL_TLS_CERT_FILE and whether the brokers' certificates name these hosts"
            )
    return (
        f"no Kafka broker answers at {settings.brokers} ({error.str()}); "
        "see SENTINEL_BROKERS and SENTINEL_SECURITY"
    )


def create(settings: Settings, timestamps: Timestamps = "LogAppendTime") -> list[str]:
    """Create the missing topics; returns their names; raises StartupError, SettingsError.

    With ``LogAppendTime`` no producer can move a shard's stream time.  ``CreateTime`` is for
    producers that set timestamps of their own: to load history, or in tests of outages.
    """
    present = describe(settings)
    topics = Topics(settings.topic_prefix)
    missing = [name for name in topics.all() if name not in present]
    new = [_new(settings, name, topics[name], timestamps) for name in missing]
    admin = AdminClient(client_config(settings))  # kept until its futures are done
    made = admin.create_topics(new, operation_timeout=_CREATE_S) if new else {}
    for name, future in made.items():
        try:
            future.result(_CREATE_S * 2)
        except TimeoutError:
            raise StartupError(f"cannot create {name}: {settings.brokers} did not answer") from None
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StartupError(f"cannot create {name}: {error.args[0].str()}") from None
    return missing


def check(settings: Settings) -> int:
    """The number of partitions that all inputs share; raises StartupError, SettingsError."""
    topics, present = Topics(settings.topic_prefix), describe(settings)
    missing = [name for name in topics.all() if name not in present]
    if missing:
        raise StartupError(f"missing topics: {', '.join(missing)}; run `sentinel topics create`")
    counts = {name: present[name] for name in topics.co_partitioned()}
    if len(set(counts.values())) > 1:
        shown = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise StartupError(f"inputs and journal need equal partition counts, but: {shown}")
    _check_configs(settings, [name for name in counts if name != topics.snapshots])
    return next(iter(counts.values()))


def _check_configs(settings: Settings, replayed: list[str]) -> None:
    """Refuse topics that keep too little of what recovery replays; log producers' timestamps."""
    from_outside = Topics(settings.topic_prefix).from_outside()
    admin = AdminClient(client_config(settings))
    letters = Topics(settings.topic_prefix).deadletter
    names = dict.fromkeys([*replayed, *from_outside, letters])
    asked = admin.describe_configs(
        [ConfigResource(ResourceType.TOPIC, name) for name in names], request_timeout=_ANSWER_S
    )
    by_producers: list[str] = []
    for resource, future in asked.items():
        try:
            found = future.result(2 * _ANSWER_S)
        except (KafkaException, TimeoutError) as error:
            # Not every broker answers, nor may everybody ask.
            _log.info("topic not checked", topic=resource.name, reason=str(error))
            continue
        if resource.name in replayed:
            _check_retention(settings, resource.name, found)
        if resource.name == letters:
            _check_size(letters, found)
        kind = found.get("message.timestamp.type")
        if resource.name in from_outside and kind is not None and kind.value == "CreateTime":
            by_producers.append(resource.name)
    if by_producers:
        _log.info(
            "producers set the timestamps of these topics: a record's timestamp counts only "
            "between its predecessor's and wall-clock time; message.timestamp.type=LogAppendTime "
            "leaves them to the broker",
            topics=sorted(by_producers),
        )


def _check_size(name: str, found: Mapping[str, ConfigEntry]) -> None:
    """Raise StartupError for a topic that does not accept the largest dead letters."""
    most_bytes = int(found["max.message.bytes"].value)
    if most_bytes < LETTER_BYTES:
        raise StartupError(
            f"{name} accepts records of {most_bytes} bytes, but dead letters have up to "
            f"{LETTER_BYTES}; raise its max.message.bytes"
        )


def _check_retention(settings: Settings, name: str, found: Mapping[str, ConfigEntry]) -> None:
    """Raise StartupError for a topic that keeps less than recovery may have to replay."""
    kept_ms = int(found["retention.ms"].value)
    if "delete" not in found["cleanup.policy"].value:
        raise StartupError(
            f"{name} is compacted: recovery needs every record; set cleanup.policy=delete"
        )
    if 0 <= kept_ms < settings.horizon_ms:
        raise StartupError(
            f"{name} keeps records for {kept_ms // 1000} s, less than "
            f"SENTINEL_HORIZON={settings.horizon}; raise its retention.ms"
        )
