"""The transactional sink of one shard: everything a step produced, or nothing."""

import msgspec
import structlog
from confluent_kafka import KafkaError, Message

from sentinel.alerting.cloudevent import encode as encode_alert
from sentinel.alerting.cloudevent import encode_action, encode_response_outcome
from sentinel.engine import Emitted
from sentinel.entities import records
from sentinel.kafka.letters import LETTER_BYTES, VALUE_BYTES, fewer, letter_record
from sentinel.kafka.masking import Masking
from sentinel.kafka.producer import TransactionalProducer
from sentinel.kafka.registry import Registry
from sentinel.kafka.topics import Topics
from sentinel.model.alert import ActionRequest, Alert
from sentinel.model.entity import owner_key
from sentinel.model.response_outcome import ResponseOutcome
from sentinel.model.rollup import EntityRiskProgress
from sentinel.settings import Settings
from sentinel.shard.failpoint import Failpoint, reach
from sentinel.shard.journal import StepRecord
from sentinel.shard.journal import encode as encode_step

_log = structlog.get_logger(__name__)
_BROADCAST = 0  # the one partition that is followed; a cluster may create more


class Sink:
    """Writes the steps of shard ``partition``; a second sink of that shard fences the first."""

    def __init__(
        self, settings: Settings, partition: int, masking: Masking, registry: Registry | None
    ) -> None:
        self._masking, self._registry = masking, registry
        self._topics, self._partition = Topics(settings.topic_prefix), partition
        self._most_letter_bytes = VALUE_BYTES
        self._partitions = 0  # of the rollups; known from the start on
        self._producer = TransactionalProducer(
            settings,
            f"{settings.app_id}-{partition}",
            {
                "transaction.timeout.ms": 60_000,
                "compression.type": "lz4",
                "linger.ms": 1,
                "queue.buffering.max.messages": 1_000_000,
                "message.max.bytes": LETTER_BYTES,
            },
            self._refused,
        )

    def start(self) -> None:
        """Fence every earlier owner of the shard and end what it had open."""
        self._producer.start()
        self._partitions = self._producer.partitions(self._topics.rollups)

    def write(self, emitted: Emitted, record: StepRecord) -> int:
        """Commit a step; the journal's offset of it.

        Raises TransactionAbortedError and ProducerFatalError.
        """
        journalled: list[int] = []
        with self._producer.transaction():
            self._write_alerts(emitted)
            self._write_response_outcomes(emitted)
            self._write_dead_letters(emitted)
            self._write_shared(emitted)
            self._producer.send(
                self._topics.journal,
                None,
                encode_step(record),
                partition=self._partition,
                offsets=journalled,
            )
            reach(Failpoint.IN_TRANSACTION)
        return journalled[0]

    def _write_alerts(self, emitted: Emitted) -> None:
        """Alerts and requested actions, each as its topic's readers may see it."""
        masking = self._masking
        for alert in emitted.alerts:
            whole = masking.alert(alert, masking.alerts)
            brief = masking.alert(alert, masking.tiers)
            for topic, seen in (
                (self._topics.alerts, whole),
                (self._topics.tier(alert.tier), brief),
            ):
                self._producer.send(topic, seen.key.encode(), self._alert(topic, seen))
        for each in emitted.action_requests:
            request, topic = masking.action(each), self._topics.actions
            self._producer.send(topic, request.key.encode(), self._action(topic, request))

    def _write_response_outcomes(self, emitted: Emitted) -> None:
        """What became of each response, as the topic's readers may see it."""
        topic = self._topics.response_results
        for each in emitted.response_outcomes:
            outcome = self._masking.response_outcome(each)
            self._producer.send(topic, outcome.key.encode(), self._outcome(topic, outcome))

    def _write_dead_letters(self, emitted: Emitted) -> None:
        for letter in emitted.dead_letters:
            # Every shard reads every broadcast record; one of them writes the bad ones.
            if letter.topic != self._topics.silences or self._partition == 0:
                key, value, headers = letter_record(letter, self._most_letter_bytes)
                self._producer.send(self._topics.deadletter, key, value, headers=dict(headers))

    def _write_shared(self, emitted: Emitted) -> None:
        """What other shards have to know of shared entities, and of this shard's progress."""
        for target, value in records(
            emitted.rollups,
            self._partition,
            self._partitions,
            emitted.progress,
            tells_all=emitted.tells_all,
        ):
            self._producer.send(self._topics.rollups, None, value, partition=target)
        for entry in emitted.entity_risks:
            key, value = owner_key(entry.kind, entry.id).encode(), msgspec.json.encode(entry)
            self._producer.send(self._topics.entity_risk, key, value, partition=_BROADCAST)
        if emitted.entity_risk_until_ms is not None:
            until_ms = emitted.entity_risk_until_ms
            progress = EntityRiskProgress(
                owner=self._partition, owners=self._partitions, until=until_ms
            )
            value = msgspec.json.encode(progress)
            self._producer.send(self._topics.entity_risk, None, value, partition=_BROADCAST)

    def _alert(self, topic: str, alert: Alert) -> bytes:
        return encode_alert(alert) if not self._registry else self._registry.alert(topic, alert)

    def _action(self, topic: str, request: ActionRequest) -> bytes:
        registry = self._registry
        return encode_action(request) if not registry else registry.action(topic, request)

    def _outcome(self, topic: str, outcome: ResponseOutcome) -> bytes:
        registry = self._registry
        if registry:
            return registry.response_outcome(topic, outcome)
        return encode_response_outcome(outcome)

    def _refused(self, error: KafkaError, message: Message) -> None:
        is_letter = message.topic() == self._topics.deadletter
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE and is_letter:
            # Done again, the step's letters are shorter: they must not end the worker.
            self._most_letter_bytes = fewer(self._most_letter_bytes)
            _log.error(
                "the topic of dead letters accepts less than it should; they are cut",
                topic=message.topic(),
                value_bytes=self._most_letter_bytes,
            )
