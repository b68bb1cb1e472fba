"""The topics: their names, how they are made, and whether they fit together."""

import re
from collections.abc import Mapping
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
_NOISE = re.compile(  # what librdkafka says of its own settings and states
    r"\A\S+/bootstrap: |: broker certificate could not be verified, .*| \(after \d+ms .*\)\Z"
)
_CREATE_S = 15.0
_LEAST_RETENTION_MS = 7 * 86_400_000
_SNAPSHOT_SEGMENT_BYTES = 256 << 20
# Bad records may hold what customers wrote: long enough to look, and no longer.
_LETTERS_KEPT_MS = 7 * 86_400_000
Timestamps = Literal["LogAppendTime", "CreateTime"]
"""Whose timestamps the records of an input have: the broker's or the producer's."""
CONFIGURATION_BYTES = 8 << 20
"""The largest configuration that may be published."""


class StartupError(Exception):
    """The worker cannot start; the message says what to mend."""


class Topics:
    """Topic names under one prefix."""

    def __init__(self, prefix: str) -> None:
        self.inputs: Mapping[Stream | Control, str] = {
            **{stream: f"{prefix}.{stream}s" for stream in Stream},
            Control.RESPONSE: f"{prefix}.responses",
            Control.ROLLUP: f"{prefix}.rollups",
        }
        self.responses = self.inputs[Control.RESPONSE]
        self.rollups = self.inputs[Control.ROLLUP]
        self.silences = f"{prefix}.silences"
        self.entity_risk = f"{prefix}.entity-risk"
        self.broadcasts: Mapping[Control, str] = {
            Control.SILENCE: self.silences,
            Control.ENTITY_RISK: self.entity_risk,
        }
        """What every shard's engine reads all of."""
        self.alerts = f"{prefix}.alerts"
        self.actions = f"{prefix}.actions"
        self.deadletter = f"{prefix}.deadletter"
        self.journal = f"{prefix}.journal"
        self.snapshots = f"{prefix}.snapshots"
        self.configs = f"{prefix}.configs"

    def tier(self, tier: Tier) -> str:
        """The topic of one tier's alerts."""
        return f"{self.alerts}.{tier}"

    def from_outside(self) -> list[str]:
        """The topics that other systems and people write to."""
        streams = [topic for topic in self.inputs.values() if topic not in self.inside()]
        return [*streams, self.silences]

    def all(self) -> list[str]:
        """Every topic, inputs first."""
        alerts = [self.alerts, *(self.tier(tier) for tier in Tier)]
        outputs = [*alerts, self.actions, self.deadletter]
        return [*self.from_outside(), *outputs, *self.inside()]

    def inside(self) -> list[str]:
        """Sentinel's own topics, of no use to others."""
        return [self.configs, self.rollups, self.entity_risk, self.journal, self.snapshots]

    def broadcast(self) -> list[str]:
        """The topics of one partition, of which every worker reads all."""
        return [self.configs, *self.broadcasts.values()]

    def co_partitioned(self) -> list[str]:
        """The topics of which shard p owns partition p: their partition counts are equal."""
        return [*self.inputs.values(), self.journal, self.snapshots]


def _retention(settings: Settings, name: str) -> dict[str, str]:
    """How long a topic keeps what it has.

    What recovery replays is kept by time, well beyond the horizon; of silences and configurations
    the newest of each is kept for good, and all for as long; the rest as the broker does.
    Entity risks are not compacted: minutes later they mean nothing, and each was seen by somebody.

    Said outright, because a broker's default may be to compact or to keep hours only.
    """
    topics = Topics(settings.topic_prefix)
    kept_ms = max(_LEAST_RETENTION_MS, 2 * settings.horizon_ms)
    compacted = {"cleanup.policy": "compact", "min.compaction.lag.ms": str(kept_ms)}
    if name == topics.snapshots:  # superseded ones are big, and of no use
        size = str(_SNAPSHOT_SEGMENT_BYTES)
        return {"cleanup.policy": "compact", "segment.bytes": size}
    if name == topics.configs:
        return {**compacted, "max.message.bytes": str(CONFIGURATION_BYTES)}
    if name == topics.silences:
        return compacted
    if name == topics.deadletter:
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(_LETTERS_KEPT_MS),
            "max.message.bytes": str(LETTER_BYTES),
        }
    if name == topics.entity_risk or name in topics.co_partitioned():
        return {"cleanup.policy": "delete", "retention.ms": str(kept_ms)}
    return {}


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
    """Why no broker answers: who we are, or whom we trust, or else the address."""
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


def _timestamps(settings: Settings, name: str, timestamps: Timestamps) -> dict[str, str]:
    """Whose timestamps an input's records have; of the other topics the broker's default."""
    if name in Topics(settings.topic_prefix).from_outside():
        return {"message.timestamp.type": timestamps}
    return {}


def create(settings: Settings, timestamps: Timestamps = "LogAppendTime") -> list[str]:
    """Create the missing topics; returns their names; raises StartupError, SettingsError.

    With ``LogAppendTime`` no producer can move a shard's stream time.  ``CreateTime`` is for
    producers that set timestamps of their own: to load history, or in tests of outages.
    """
    present = describe(settings)
    missing = [name for name in Topics(settings.topic_prefix).all() if name not in present]
    new = [
        NewTopic(
            name,
            1 if name in Topics(settings.topic_prefix).broadcast() else settings.partitions,
            settings.replication,
            config=_retention(settings, name) | _timestamps(settings, name, timestamps),
        )
        for name in missing
    ]
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
    """Refuse a topic that does not take the largest records that are put aside."""
    most_bytes = int(found["max.message.bytes"].value)
    if most_bytes < LETTER_BYTES:
        raise StartupError(
            f"{name} takes records of {most_bytes} bytes, and bad records of up to "
            f"{LETTER_BYTES} go there whole; raise its max.message.bytes"
        )


def _check_retention(settings: Settings, name: str, found: Mapping[str, ConfigEntry]) -> None:
    """Refuse a topic that keeps less than recovery may have to replay."""
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
