"""What people say, on its way in: responses to alerts and silences, to and from their topics."""

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import msgspec
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from sentinel.model.alert import Alert
from sentinel.model.response import Response, Silence
from sentinel.settings import Settings
from sentinel.stream.registry import alert_reader
from sentinel.stream.security import client_config
from sentinel.stream.topics import Topics

_TIMEOUT_S = 15.0
_POLL_S = 0.1
_SILENCES_PARTITION = 0


class AnswerError(Exception):
    """The broker did not take it, or does not have what is asked for."""


class Answers:
    """A connection for answers; close it, or use it as a context."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._topics = settings, Topics(settings.topic_prefix)
        self._producer = Producer(
            {
                **client_config(settings),
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._producer.flush(_TIMEOUT_S)

    def alert(self, alert_id: str) -> Alert:
        """The newest revision of an alert; raises AnswerError if the topic has none.

        Reads the alerts topic from its beginning: that takes as long as the topic is long.
        """
        newest: Alert | None = None
        wanted, read = alert_id.encode(), alert_reader(self._settings)
        for message in self._read(self._topics.alerts):
            if wanted not in message.value():
                continue
            alert = read(message.value())
            if alert.alert_id == alert_id and (newest is None or alert.revision > newest.revision):
                newest = alert
        if newest is None:
            raise AnswerError(f"{self._topics.alerts} has no alert {alert_id}")
        return newest

    def respond(self, response: Response) -> None:
        """Send a response; raises AnswerError unless the broker has it."""
        topic = self._topics.responses
        self._send(topic, response.key, msgspec.json.encode(response))

    def silence(self, silence: Silence) -> None:
        """Send a silence; raises AnswerError unless the broker has it."""
        value = msgspec.json.encode(silence)
        self._send(self._topics.silences, silence.silence_id, value, _SILENCES_PARTITION)

    def silences(self) -> list[Silence]:
        """The newest record of each silence, in the order of their starts."""
        newest: dict[bytes, Silence] = {}
        for message in self._read(self._topics.silences):
            newest[message.key()] = msgspec.json.decode(message.value(), type=Silence)
        return sorted(newest.values(), key=lambda each: (str(each.starts_at), each.silence_id))

    def _send(self, topic: str, key: str, value: bytes, partition: int | None = None) -> None:
        failures: list[str] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error.str())

        place = {} if partition is None else {"partition": partition}
        try:
            self._producer.produce(topic, value, key, on_delivery=delivered, **place)
        except KafkaException as error:
            raise AnswerError(error.args[0].str()) from None
        if self._producer.flush(_TIMEOUT_S) or failures:
            why = failures[0] if failures else f"{self._settings.brokers} did not answer"
            raise AnswerError(f"{topic}: {why}")

    def _read(self, topic: str) -> Iterator[Message]:
        """All committed messages of a topic, each partition in order."""
        consumer = Consumer(
            {
                **client_config(self._settings),
                "group.id": f"{self._settings.app_id}-answers",  # never joined
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            }
        )
        try:
            found = consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic]
            if found.error is not None:
                raise AnswerError(f"{topic}: {found.error.str()}")
            left = set(found.partitions)
            consumer.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in left])
            until = time.monotonic() + _TIMEOUT_S
            while left:
                # It waits for so many messages or so long, whatever has come before.
                messages = consumer.consume(1_000, timeout=_POLL_S)
                if messages:
                    until = time.monotonic() + _TIMEOUT_S
                elif time.monotonic() > until:
                    raise AnswerError(f"{topic}: no answer for {_TIMEOUT_S:.0f} s")
                for message in messages:
                    error = message.error()
                    if error is None:
                        yield message
                    elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                        left.discard(message.partition())
                    else:
                        raise AnswerError(f"{topic}: {error.str()}")
        except KafkaException as error:
            place = f"{topic} at {self._settings.brokers}"
            raise AnswerError(f"{place}: {error.args[0].str()}") from None
        finally:
            consumer.close()
