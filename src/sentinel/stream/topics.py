"""The topics: their names, how they are made, and whether they fit together."""

import re
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from sentinel.model.alert import Tier
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.settings import Settings
from sentinel.stream.security import client_config

_ANSWER_S = 5.0
_NOISE = re.compile(  # what librdkafka says of its own settings and states
    r"\A\S+/bootstrap: |: broker certificate could not be verified, .*| \(after \d+ms .*\)\Z"
)
_CREATE_S = 15.0
_LEAST_RETENTION_MS = 7 * 86_400_000


class StartupError(Exception):
    """The worker cannot start; the message says what to mend."""


class Topics:
    """Topic names under one prefix."""

    def __init__(self, prefix: str) -> None:
        self.inputs: Mapping[Stream | Control, str] = {
            Stream.TRANSACTION: f"{prefix}.transactions",
            Stream.LOGIN: f"{prefix}.logins",
            Stream.COMPLAINT: f"{prefix}.complaints",
            Control.RESPONSE: f"{prefix}.responses",
            Control.ROLLUP: f"{prefix}.rollups",
        }
        self.responses = self.inputs[Control.RESPONSE]
        self.rollups = self.inputs[Control.ROLLUP]
        self.silences = f"{prefix}.silences"
        self.hot = f"{prefix}.hot"
        self.broadcasts: Mapping[Control, str] = {
            Control.SILENCE: self.silences,
            Control.HOT: self.hot,
        }
        self.alerts = f"{prefix}.alerts"
        self.actions = f"{prefix}.actions"
        self.deadletter = f"{prefix}.deadletter"
        self.journal = f"{prefix}.journal"

    def tier(self, tier: Tier) -> str:
        """The topic of one tier's alerts."""
        return f"{self.alerts}.{tier}"

    def all(self) -> list[str]:
        """Every topic, inputs first."""
        alerts = [self.alerts, *(self.tier(tier) for tier in Tier)]
        inputs = [*self.inputs.values(), *self.broadcasts.values()]
        return [*inputs, *alerts, self.actions, self.deadletter, self.journal]

    def co_partitioned(self) -> list[str]:
        """The topics of which shard p owns partition p: their partition counts are equal."""
        return [*self.inputs.values(), self.journal]


def _retention(settings: Settings, name: str) -> dict[str, str]:
    """How long a topic keeps what it has.

    What recovery replays is kept by time, well beyond the horizon; of silences the newest of
    each is kept; the rest as the broker does.  Hot entries are not compacted: a superseded one was
    seen, and a replay must see it again.

    Said outright, because a broker's default may be to compact or to keep hours only.
    """
    topics = Topics(settings.topic_prefix)
    if name == topics.silences:
        return {"cleanup.policy": "compact"}
    if name not in (*topics.co_partitioned(), topics.hot):
        return {}
    retention_ms = max(_LEAST_RETENTION_MS, 2 * settings.horizon_ms)
    return {"cleanup.policy": "delete", "retention.ms": str(retention_ms)}


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


def create(settings: Settings) -> list[str]:
    """Create the missing topics; returns their names; raises StartupError, SettingsError."""
    present = describe(settings)
    missing = [name for name in Topics(settings.topic_prefix).all() if name not in present]
    broadcasts = Topics(settings.topic_prefix).broadcasts.values()
    new = [
        NewTopic(
            name,
            1 if name in broadcasts else settings.partitions,
            settings.replication,
            config=_retention(settings, name),
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
    return next(iter(counts.values()))
