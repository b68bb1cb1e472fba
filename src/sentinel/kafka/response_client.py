"""The client of the tools of people: sends responses and silences, reads alerts and silences."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from confluent_kafka import KafkaException, Message

from sentinel.kafka.closing import Closing
from sentinel.kafka.letters import is_marker, read_headers
from sentinel.kafka.producer import BY_KEY, RecordProducer, UndeliveredError
from sentinel.kafka.reader import NoAnswerError, Reader
from sentinel.kafka.registry import alert_reader
from sentinel.kafka.signing import read_signing_key
from sentinel.kafka.topics import Topics
from sentinel.model.alert import Alert, AlertState
from sentinel.model.events import epoch_ms
from sentinel.model.reading import UNREADABLE
from sentinel.model.response import Response, ResponseKind, Silence
from sentinel.model.signature import payload_of, sign
from sentinel.model.silence import read_silence
from sentinel.settings import Settings

_TIMEOUT_S = 15.0
_SKEW_MS = 60_000  # how far this clock may run ahead of the broker's
_SILENCES_PARTITION = 0


class ResponseError(Exception):
    """The broker refused the record, or does not have the requested one."""


@dataclass(frozen=True, slots=True)
class Silences:
    """The silences topic: the newest record of each silence, and how many cannot be read.

    The silences are in the order of their starts, their times in epoch ms.
    """

    newest: list[Silence]
    unreadable: int


class ResponseClient(Closing):
    """A connection for responses; close it, or use it as a context."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._topics = settings, Topics(settings.topic_prefix)
        self._key = read_signing_key(settings)
        self._producer = RecordProducer(settings, _TIMEOUT_S)

    def close(self) -> None:
        """Disconnect, once all is sent."""
        self._producer.close()

    def alert(self, alert_id: str, since_ms: int) -> Alert:
        """The newest revision of an alert; raises ResponseError without one since then.

        O(revisions of all alerts since then): that part of the alerts topic is read.
        """
        newest: Alert | None = None
        wanted, read = alert_id.encode(), alert_reader(self._settings)
        for message in self._read(self._topics.alerts, since_ms):
            if wanted not in message.value():
                continue
            alert = read(message.value())
            if alert.alert_id == alert_id and (newest is None or alert.revision > newest.revision):
                newest = alert
        if newest is None:
            since = datetime.fromtimestamp(since_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
            raise ResponseError(f"{self._topics.alerts} has no alert {alert_id} since {since}")
        return newest

    def outcome(self, sent: Response, known: Alert, wait_s: float) -> Alert | None:
        """The first revision after ``known`` in which ``sent`` is applied, or the alert is over.

        Returns None if the engine has written none within ``wait_s``.  Raises ResponseError.
        """
        since_ms, read = epoch_ms(sent.event_time) - _SKEW_MS, alert_reader(self._settings)
        wanted, until = known.alert_id.encode(), time.monotonic() + wait_s
        ends = sent.kind is ResponseKind.DISPOSITION
        while time.monotonic() < until:
            for message in self._read(self._topics.alerts, since_ms):
                if wanted not in message.value():
                    continue
                alert = read(message.value())
                newer = alert.alert_id == known.alert_id and alert.revision > known.revision
                acknowledged = alert.state is AlertState.ACKNOWLEDGED and not ends
                if newer and (acknowledged or alert.state is AlertState.RESOLVED):
                    return alert
        return None

    def respond(self, response: Response) -> None:
        """Send a response; raises ResponseError unless it is readable and the broker has it."""
        value = msgspec.json.encode(response)
        try:
            msgspec.json.decode(value, type=Response)
        except ValueError as error:
            raise ResponseError(str(error)) from None
        self._send(self._topics.responses, response.key, self._signed(value, response.actor))

    def silence(self, silence: Silence, by: str, wait_s: float) -> None:
        """Send a silence; raises ResponseError unless the broker and the engine accept it.

        It is checked by the engine's own code, so no unreadable record is written.
        ``by`` is who sends it, and signs if there is a key.  A refusal by a worker's
        configuration is raised if it comes within ``wait_s``.
        """
        value = msgspec.json.encode(silence)
        try:
            read_silence(value)
        except ValueError as error:
            raise ResponseError(str(error)) from None
        since_ms = time.time_ns() // 1_000_000 - _SKEW_MS
        signed = self._signed(value, by)
        offset = self._send(self._topics.silences, silence.silence_id, signed, _SILENCES_PARTITION)
        letter_key = f"{self._topics.silences}-{_SILENCES_PARTITION}-{offset}".encode()
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            for letter in self._read(self._topics.deadletter, since_ms):
                headers = read_headers(letter.headers())
                if letter.key() == letter_key and not is_marker(headers):
                    detail = headers.get("detail", b"").decode("utf-8", "replace")
                    raise ResponseError(f"the silence is refused: {detail}")

    def silences(self) -> Silences:
        """The newest record of each silence; raises ResponseError."""
        return newest_silences(message.value() for message in self._read(self._topics.silences))

    def _signed(self, value: bytes, signer: str) -> bytes:
        if self._key is None:
            return value
        return sign(value, self._key, signer, time.time_ns() // 1_000_000)

    def _send(self, topic: str, key: str, value: bytes, partition: int = BY_KEY) -> int:
        """Send a record; returns its offset."""
        try:
            return self._producer.deliver(topic, key, value, partition)
        except UndeliveredError as error:
            raise ResponseError(str(error)) from None

    def _read(self, topic: str, since_ms: int | None = None) -> Iterator[Message]:
        """All committed messages of a topic since then, each partition in order.

        Raises ResponseError.
        """
        source = f"{topic} at {self._settings.brokers}"
        try:
            with Reader(self._settings, "answers", topic, silence_s=_TIMEOUT_S) as reader:
                yield from reader.read(reader.since(reader.partitions(), since_ms))
        except KafkaException as error:
            raise ResponseError(f"{source}: {error.args[0].str()}") from None
        except NoAnswerError as error:
            raise ResponseError(str(error)) from None


def newest_silences(values: Iterable[bytes | None]) -> Silences:
    """The silences of the records of the topic; an unreadable one changes nothing.

    The engine makes dead letters of the same records.
    """
    newest: dict[str, Silence] = {}
    unreadable = 0
    for value in values:
        try:
            silence = read_silence(payload_of(value or b""))
        except UNREADABLE:
            unreadable += 1
        else:
            newest[silence.silence_id] = silence
    ordered = sorted(newest.values(), key=lambda each: (epoch_ms(each.starts_at), each.silence_id))
    return Silences(ordered, unreadable)
