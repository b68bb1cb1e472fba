"""Dead letters sent again: the mended events and the letters' markers, in one transaction.

Whoever reads committed records sees both or neither, so that no letter is sent twice: a second
sender of the same topics fences the first, and reads the topic after that.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from sentinel.model.letter import Letter
from sentinel.settings import Settings
from sentinel.stream.letter_topic import LetterError
from sentinel.stream.letters import (
    LETTER_BYTES,
    Headers,
    event_headers,
    letter_key,
    marker_headers,
)
from sentinel.stream.security import client_config
from sentinel.stream.topics import Topics

_TIMEOUT_S = 30.0
_TRANSACTION_MS = 10_000  # readers of the inputs wait for a transaction that was left open
_COMMITS = 3  # attempts to commit while the broker does not answer
_BY_KEY = -1
_FENCED = (
    KafkaError._FENCED,  # noqa: SLF001
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)
_SILENT = logging.getLogger(f"{__name__}.client")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_CONSEQUENCES = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)  # noqa: SLF001


@dataclass(frozen=True, slots=True)
class Mended:
    """A letter and the events that take its place: their keys and values."""

    letter: Letter
    events: Sequence[tuple[bytes, bytes]]


class Resender:
    """Sends letters again to the topics from which they came, in the name of ``by``."""

    def __init__(self, settings: Settings, by: str) -> None:
        self._by, self._letters = by, Topics(settings.topic_prefix).deadletter
        self._refused = ""
        self._producer = Producer(
            {
                **client_config(settings),
                # By prefix: two that send the letters of the same topics must fence each other.
                "transactional.id": f"{settings.topic_prefix}-resend",
                "transaction.timeout.ms": _TRANSACTION_MS,
                "partitioner": "murmur2_random",
                "message.max.bytes": LETTER_BYTES,
                "linger.ms": 1,
            },
            logger=_SILENT,  # what the client logs of a fatal error is in the LetterError
        )

    def start(self) -> None:
        """Fence every earlier sender and end what it had open; raises LetterError."""
        try:
            self._producer.init_transactions(_TIMEOUT_S)
        except KafkaException as error:
            raise LetterError(f"dead letters cannot be sent: {error.args[0].str()}") from None

    def send(self, batch: Sequence[Mended]) -> None:
        """Send all events of the letters and mark these, or do nothing; raises LetterError."""
        self._refused = ""
        try:
            self._producer.begin_transaction()
            for each in batch:
                place = each.letter.place
                for key, value in each.events:
                    self._produce(place.topic, key, value, event_headers(place, self._by))
                number = each.letter.spot[0]  # behind its letter
                headers = marker_headers(self._by)
                self._produce(self._letters, letter_key(place), None, headers, number)
            self._commit()
        except KafkaException as exception:
            self._abort(exception.args[0])

    def _commit(self) -> None:
        for _ in range(_COMMITS):
            try:
                self._producer.commit_transaction(_TIMEOUT_S)
            except KafkaException as exception:
                error: KafkaError = exception.args[0]
                if not error.retriable():
                    raise
            else:
                return
        raise LetterError(
            "the broker does not answer: `sentinel deadletter list` will show whether the last "
            "letters are repaired"
        )

    def _abort(self, error: KafkaError) -> NoReturn:
        if error.code() in _FENCED:
            raise LetterError(
                "another `sentinel deadletter replay` has started: this one has ended"
            ) from None
        if not error.fatal() and error.txn_requires_abort():
            try:
                self._producer.abort_transaction(_TIMEOUT_S)
            except KafkaException as exception:  # the broker gives it up in time
                error = exception.args[0]
        self._producer.poll(0)  # only now every record of the transaction has its report
        raise LetterError(f"not sent: {self._refused or error.str()}") from None

    def _produce(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        headers: Headers,
        partition: int = _BY_KEY,
    ) -> None:
        while True:
            try:
                self._producer.produce(
                    topic, value, key, partition, self._reported, headers=dict(headers)
                )
            except BufferError:  # the queue is full: let some of it go
                self._producer.poll(0.1)
            else:
                return

    def _reported(self, error: KafkaError | None, message: Message) -> None:
        """Keep what the broker refused first: the transaction's own error does not say it."""
        if error is not None and error.code() not in _CONSEQUENCES and not self._refused:
            self._refused = f"{message.topic()}: {error.str()}"
