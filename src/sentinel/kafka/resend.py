"""Dead letters sent again: the mended events and the letters' markers, in one transaction.

Readers of committed records see both or neither, so no letter is sent twice: a second sender of the
same topics fences the first, and reads the topic after that.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sentinel.kafka.letter_topic import LetterError
from sentinel.kafka.letters import (
    LETTER_BYTES,
    event_headers,
    letter_key,
    marker_headers,
)
from sentinel.kafka.producer import (
    ProducerFatalError,
    TransactionAbortedError,
    TransactionalProducer,
)
from sentinel.kafka.topics import Topics
from sentinel.model.letter import Letter
from sentinel.settings import Settings

_TRANSACTION_MS = 10_000  # readers of the inputs wait for a transaction that was left open
_COMMITS = 3  # attempts to commit while the broker does not answer

_SILENT = logging.getLogger(f"{__name__}.client")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


@dataclass(frozen=True, slots=True)
class Mended:
    """A letter and the events that replace it: their keys and values."""

    letter: Letter
    events: Sequence[tuple[bytes, bytes]]


class Resender:
    """Sends letters again to the topics from which they came, in the name of ``by``."""

    def __init__(self, settings: Settings, by: str) -> None:
        self._by, self._letters = by, Topics(settings.topic_prefix).deadletter
        self._producer = TransactionalProducer(
            settings,
            # By prefix: two that send the letters of the same topics must fence each other.
            f"{settings.topic_prefix}-resend",
            {
                "transaction.timeout.ms": _TRANSACTION_MS,
                "message.max.bytes": LETTER_BYTES,
                "linger.ms": 1,
            },
            commit_attempts=_COMMITS,
            logger=_SILENT,  # what the client logs of a fatal error is in the LetterError
        )

    def start(self) -> None:
        """Fence every earlier sender and abort its transaction; raises LetterError."""
        try:
            self._producer.start()
        except ProducerFatalError as error:
            raise LetterError(f"dead letters cannot be sent: {error}") from None

    def send(self, batch: Sequence[Mended]) -> None:
        """Send all events of the letters and mark these, or do nothing; raises LetterError."""
        try:
            with self._producer.transaction():
                for each in batch:
                    self._send(each)
        except TransactionAbortedError as error:
            raise LetterError(f"not sent: {error}") from None
        except ProducerFatalError as error:
            if error.is_unknown:
                reason = (
                    "the broker does not answer: `sentinel deadletter list` will show whether the "
                    "last letters are repaired"
                )
            elif error.is_fenced:
                reason = "another `sentinel deadletter replay` has started: this one has ended"
            else:
                reason = f"not sent: {error}"
            raise LetterError(reason) from None

    def _send(self, mended: Mended) -> None:
        position = mended.letter.position
        for key, value in mended.events:
            headers = event_headers(position, self._by)
            self._producer.send(position.topic, key, value, headers=dict(headers))
        self._producer.send(
            self._letters,
            letter_key(position),
            None,
            headers=dict(marker_headers(self._by)),
            partition=mended.letter.spot[0],  # behind its letter
        )
