"""Two producers: of transactions, whose records are all visible or none, and of single records."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from sentinel.kafka.closing import Closing
from sentinel.kafka.security import client_config
from sentinel.settings import Settings

_TIMEOUT_S = 30.0
_FULL_QUEUE_S = 0.1
_BY_JAVAS_HASH = "murmur2_random"  # the partition in which Java's clients look for a key
BY_KEY = -1
"""The partition by the key's hash."""

# The errors of records that waited when another was refused: consequences, not the reason.
_CONSEQUENCES = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)  # noqa: SLF001
_FENCED = (
    KafkaError._FENCED,  # noqa: SLF001
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)
OnRefused = Callable[[KafkaError, Message], None]


class TransactionAbortedError(Exception):
    """The transaction was aborted; nothing of it is visible, and it may be done again."""


class ProducerFatalError(Exception):
    """The producer can never commit again: another has its id, or its state is unknown."""

    def __init__(self, reason: str, *, is_fenced: bool = False, is_unknown: bool = False) -> None:
        """``is_unknown``: the last transaction may have been committed."""
        super().__init__(reason)
        self.is_fenced, self.is_unknown = is_fenced, is_unknown


class TransactionalProducer:
    """A producer with its own id: a second one with the same id fences the first.

    ``settings`` are librdkafka's beside those of the connection.  ``on_refused`` is called for each
    record that the broker refused; ``commit_attempts`` bounds how often a commit is tried while
    the broker does not answer, without it there is no bound.  ``logger`` gets what the client
    itself logs; without one it goes to stderr.
    """

    def __init__(
        self,
        connection: Settings,
        transactional_id: str,
        settings: Mapping[str, str | int],
        on_refused: OnRefused = lambda *_: None,
        commit_attempts: int | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        self._on_refused, self._commit_attempts = on_refused, commit_attempts
        self._refused = ""
        self._producer = Producer(
            {
                **client_config(connection),
                "transactional.id": transactional_id,
                "partitioner": _BY_JAVAS_HASH,
                **settings,
            },
            **({"logger": logger} if logger else {}),
        )

    def start(self) -> None:
        """Fence every earlier producer of this id and abort its open transaction.

        Raises ProducerFatalError.
        """
        try:
            self._producer.init_transactions(_TIMEOUT_S)
        except KafkaException as error:
            raise _fatal(error.args[0]) from None

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has; raises ProducerFatalError."""
        try:
            return len(self._producer.list_topics(topic, _TIMEOUT_S).topics[topic].partitions)
        except KafkaException as error:
            raise _fatal(error.args[0]) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: what is sent within is committed at the end, or aborted.

        Raises TransactionAbortedError and ProducerFatalError.
        """
        self._refused = ""
        try:
            self._producer.begin_transaction()
            yield
            self._commit()
        except KafkaException as exception:
            self._abort(exception.args[0])
        self._producer.poll(0)  # the reports of what is committed are there already

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        headers: Mapping[str, bytes | None] | None = None,
        partition: int = BY_KEY,
        offsets: list[int] | None = None,
    ) -> None:
        """Add a record to the transaction; its offset is appended to ``offsets`` in time."""

        def report(error: KafkaError | None, message: Message) -> None:
            self._note(error, message)
            if offsets is not None:
                offsets.append(message.offset())

        while True:
            try:
                self._producer.produce(
                    topic,
                    value,
                    key,
                    partition,
                    self._note if offsets is None else report,
                    headers=dict(headers or {}),
                )
            except BufferError:  # the queue is full: send some of it
                self._producer.poll(_FULL_QUEUE_S)
            else:
                return

    def flush(self) -> None:
        """Wait until the broker has all that was sent, and its offsets are known."""
        self._producer.flush(_TIMEOUT_S)

    def _note(self, error: KafkaError | None, message: Message) -> None:
        """Keep the first refusal of the broker: the transaction's own error does not have it."""
        if error is None or error.code() in _CONSEQUENCES:
            return
        if not self._refused:
            self._refused = f"{message.topic()}: {error.str()}"
        self._on_refused(error, message)

    def _commit(self) -> None:
        attempts = 0
        while True:
            try:
                self._producer.commit_transaction(_TIMEOUT_S)
            except KafkaException as exception:
                error: KafkaError = exception.args[0]
                attempts += 1
                if not error.retriable():
                    raise
                if attempts == self._commit_attempts:
                    raise ProducerFatalError(error.str(), is_unknown=True) from None
            else:
                return

    def _abort(self, error: KafkaError) -> NoReturn:
        fatal: KafkaError | None = error
        if error.code() not in _FENCED and not error.fatal() and error.txn_requires_abort():
            fatal = None
            try:
                self._producer.abort_transaction(_TIMEOUT_S)
            except KafkaException as exception:
                fatal = exception.args[0]
        self._producer.poll(0)  # only now every record of the transaction has its report
        if fatal is not None:
            raise _fatal(fatal, self._refused)
        raise TransactionAbortedError(self._refused or error.str())


class UndeliveredError(Exception):
    """The broker refused a record, or did not confirm it in time."""


class RecordProducer(Closing):
    """A producer of single records that waits until the broker has each; use it as a context.

    ``settings`` are librdkafka's beside those of the connection; ``timeout_s`` is how long
    :meth:`deliver` and :meth:`close` wait.
    """

    def __init__(
        self,
        connection: Settings,
        timeout_s: float,
        settings: Mapping[str, str | int] | None = None,
    ) -> None:
        self._brokers, self._timeout_s = connection.brokers, timeout_s
        self._producer = Producer(
            {
                **client_config(connection),
                "partitioner": _BY_JAVAS_HASH,
                "enable.idempotence": True,
                **(settings or {}),
            }
        )

    def close(self) -> None:
        """Disconnect, once all is sent."""
        self._producer.flush(self._timeout_s)

    def deliver(self, topic: str, key: str, value: bytes, partition: int = BY_KEY) -> int:
        """Send a record and wait for its offset, which is returned; raises UndeliveredError."""
        failures: list[str] = []
        offsets: list[int] = []

        def report(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failures.append(error.str())
            else:
                offsets.append(message.offset())

        try:
            self._producer.produce(topic, value, key, partition, report)
        except KafkaException as error:
            raise UndeliveredError(f"{topic}: {error.args[0].str()}") from None
        if self._producer.flush(self._timeout_s) or failures:
            reason = failures[0] if failures else f"{self._brokers} did not answer"
            raise UndeliveredError(f"{topic}: {reason}")
        return offsets[0]


def _fatal(error: KafkaError, refused: str = "") -> ProducerFatalError:
    return ProducerFatalError(refused or error.str(), is_fenced=error.code() in _FENCED)
