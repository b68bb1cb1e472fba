"""The transactional sink of one shard: everything a step produced, or nothing."""

from typing import NoReturn

import msgspec
import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from sentinel.alerting.cloudevent import encode as encode_alert
from sentinel.alerting.cloudevent import encode_action
from sentinel.engine import Outcome
from sentinel.entities import records
from sentinel.model.alert import ActionRequest, Alert
from sentinel.model.entity import owner_key
from sentinel.model.rollup import HotProgress
from sentinel.model.step import DeadLetter
from sentinel.settings import Settings
from sentinel.stream.failpoint import Failpoint, reach
from sentinel.stream.journal import StepRecord
from sentinel.stream.journal import encode as encode_step
from sentinel.stream.letters import LETTER_BYTES, VALUE_BYTES, fewer, letter_record
from sentinel.stream.masking import Masking
from sentinel.stream.registry import Registry
from sentinel.stream.security import client_config
from sentinel.stream.topics import Topics

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 30.0
_BY_KEY = -1  # by the key
# What becomes of the records that wait when another was refused; never the reason itself.
_CONSEQUENCES = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)  # noqa: SLF001
_BROADCAST = 0  # the one partition that is followed; a cluster may create more


class SinkAbortedError(Exception):
    """The transaction was given up; nothing of the step is visible, and it may be done again."""


class SinkFatalError(Exception):
    """The producer can never commit again: another owns the shard, or its state is unknown."""


class Sink:
    """Writes the steps of shard ``partition``; a second sink of that shard fences the first."""

    def __init__(
        self, settings: Settings, partition: int, masking: Masking, registry: Registry | None
    ) -> None:
        self._masking, self._registry = masking, registry
        self._topics, self._partition = Topics(settings.topic_prefix), partition
        self._refused = ""
        self._most_letter_bytes = VALUE_BYTES
        self._partitions = 0  # of the rollups; known from the start on
        self._producer = Producer(
            {
                **client_config(settings),
                "transactional.id": f"{settings.app_id}-{partition}",
                "transaction.timeout.ms": 60_000,
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                "linger.ms": 1,
                "queue.buffering.max.messages": 1_000_000,
                "message.max.bytes": LETTER_BYTES,
            }
        )

    def start(self) -> None:
        """Fence every earlier owner of the shard and end what it had open."""
        try:
            self._producer.init_transactions(_TIMEOUT_S)
            rollups = self._producer.list_topics(self._topics.rollups, _TIMEOUT_S).topics
            self._partitions = len(rollups[self._topics.rollups].partitions)
        except KafkaException as error:
            raise SinkFatalError(error.args[0].str()) from None

    def write(self, outcome: Outcome, record: StepRecord) -> int:
        """Commit a step; the journal's offset of it.  Raises SinkAbortedError, SinkFatalError."""
        journalled: list[int] = []

        def note(error: KafkaError | None, message: Message) -> None:
            self._reported(error, message)
            journalled.append(message.offset())

        self._refused = ""
        try:
            self._producer.begin_transaction()
            masking = self._masking
            for alert in outcome.emitted.alerts:
                whole = masking.alert(alert, masking.alerts)
                brief = masking.alert(alert, masking.tiers)
                for topic, seen in (
                    (self._topics.alerts, whole),
                    (self._topics.tier(alert.tier), brief),
                ):
                    self._produce(topic, seen.key.encode(), self._alert(topic, seen))
            for each in outcome.emitted.action_requests:
                request, topic = masking.action(each), self._topics.actions
                self._produce(topic, request.key.encode(), self._action(topic, request))
            for letter in outcome.emitted.dead_letters:
                # Every shard reads every broadcast record; one of them puts the bad ones aside.
                if letter.topic != self._topics.silences or self._partition == 0:
                    self._put_aside(letter)
            for target, value in records(
                outcome.emitted.rollups,
                self._partition,
                self._partitions,
                outcome.emitted.progress,
                tells_all=outcome.emitted.tells_all,
            ):
                self._produce(self._topics.rollups, None, value, partition=target)
            for entry in outcome.emitted.hot:
                key = owner_key(entry.kind, entry.id).encode()
                self._produce(
                    self._topics.hot, key, msgspec.json.encode(entry), partition=_BROADCAST
                )
            if outcome.emitted.hot_until_ms is not None:
                until_ms = outcome.emitted.hot_until_ms
                told = HotProgress(owner=self._partition, owners=self._partitions, until=until_ms)
                value = msgspec.json.encode(told)
                self._produce(self._topics.hot, None, value, partition=_BROADCAST)
            self._producer.produce(
                self._topics.journal,
                encode_step(record),
                partition=self._partition,
                on_delivery=note,
            )
            reach(Failpoint.IN_TRANSACTION)
            self._commit()
        except KafkaException as exception:
            self._abort(exception.args[0])
        if not journalled:
            self._producer.poll(0)  # the report of what is committed is there already
        return journalled[0]

    def _alert(self, topic: str, alert: Alert) -> bytes:
        return encode_alert(alert) if not self._registry else self._registry.alert(topic, alert)

    def _action(self, topic: str, request: ActionRequest) -> bytes:
        registry = self._registry
        return encode_action(request) if not registry else registry.action(topic, request)

    def _commit(self) -> None:
        while True:
            try:
                self._producer.commit_transaction(_TIMEOUT_S)
            except KafkaException as exception:
                error: KafkaError = exception.args[0]
                if not error.retriable():
                    raise
            else:
                return

    def _abort(self, error: KafkaError) -> NoReturn:
        if error.fatal() or not error.txn_requires_abort():
            self._producer.poll(0)
            raise SinkFatalError(self._refused or error.str())
        try:
            self._producer.abort_transaction(_TIMEOUT_S)
        except KafkaException as exception:
            raise SinkFatalError(exception.args[0].str()) from None
        self._producer.poll(0)  # only now every record of the transaction has its report
        raise SinkAbortedError(self._refused or error.str())

    def _produce(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: dict[str, bytes | None] | None = None,
        partition: int = _BY_KEY,
    ) -> None:
        while True:
            try:
                self._producer.produce(
                    topic, value, key, partition, self._reported, headers=headers or {}
                )
            except BufferError:  # the queue is full: let some of it go
                self._producer.poll(0.1)
            else:
                return

    def _reported(self, error: KafkaError | None, message: Message) -> None:
        """Keep what the broker refused first: the transaction's own error does not say it."""
        if error is None or error.code() in _CONSEQUENCES:
            return
        if not self._refused:
            self._refused = f"{message.topic()}: {error.str()}"
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE and self._is_letter(message):
            # Done again, the step's letters are shorter: they must not end the worker.
            self._most_letter_bytes = fewer(self._most_letter_bytes)
            _log.error(
                "the topic of dead letters takes less than it should; they are cut",
                topic=message.topic(),
                value_bytes=self._most_letter_bytes,
            )

    def _is_letter(self, message: Message) -> bool:
        return bool(message.topic() == self._topics.deadletter)

    def _put_aside(self, letter: DeadLetter) -> None:
        place, value, headers = letter_record(letter, self._most_letter_bytes)
        self._produce(self._topics.deadletter, place, value, dict(headers))
