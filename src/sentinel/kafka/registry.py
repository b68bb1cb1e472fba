"""Avro with a Schema Registry, where there is one: optional, by SENTINEL_SCHEMA_REGISTRY.

Alerts, requested actions and outcomes of responses are written as Avro in Confluent's framing; the
registry's subject is ``<topic>-value``.  Inputs may come as Avro, too: they are translated to the
JSON that ingest reads, and the record's own bytes go along for the dead letters.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import msgspec

from sentinel import DISTRIBUTION
from sentinel.alerting.cloudevent import decode, decode_action, decode_outcome
from sentinel.kafka.avro_schema import avro_schema
from sentinel.kafka.topics import Topics
from sentinel.model.alert import ActionRequest, Alert
from sentinel.model.response_outcome import ResponseOutcome
from sentinel.model.step import Chunk
from sentinel.settings import Settings, SettingsError, variable

_MAGIC = b"\x00"
_NOT_FOUND = 404
T = TypeVar("T")


class Registry:
    """The serializers of one process; what it has looked up is kept.

    Raises SettingsError if the extra for Avro is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: PLC0415
            from confluent_kafka.schema_registry.avro import (  # noqa: PLC0415
                AvroDeserializer,
                AvroSerializer,
            )
        except ImportError as error:
            name = variable("schema_registry")
            raise SettingsError(f"{name}: pip install '{DISTRIBUTION}[avro]' ({error})") from None
        client = SchemaRegistryClient.new_client({"url": url})
        self._alert = AvroSerializer(client, json.dumps(avro_schema(Alert)))
        self._action = AvroSerializer(client, json.dumps(avro_schema(ActionRequest)))
        self._outcome = AvroSerializer(client, json.dumps(avro_schema(ResponseOutcome)))
        self._read = AvroDeserializer(client)

    def alert(self, topic: str, alert: Alert) -> bytes:
        """The alert in Avro, its schema registered under the topic."""
        return _bytes(self._alert(msgspec.to_builtins(alert), _context(topic)))

    def action(self, topic: str, request: ActionRequest) -> bytes:
        """The requested action in Avro."""
        return _bytes(self._action(msgspec.to_builtins(request), _context(topic)))

    def response_outcome(self, topic: str, outcome: ResponseOutcome) -> bytes:
        """The outcome of a response in Avro."""
        return _bytes(self._outcome(msgspec.to_builtins(outcome), _context(topic)))

    def read(self, topic: str, kind: type[T], value: bytes) -> T:
        """An alert or action that was written so; raises msgspec.DecodeError if it is none."""
        from confluent_kafka.serialization import SerializationError  # noqa: PLC0415

        try:
            return msgspec.convert(self._read(value, _context(topic)), kind)
        except (SerializationError, ValueError, EOFError, IndexError, StopIteration) as error:
            raise msgspec.DecodeError(str(error)) from None

    def to_json(self, chunk: Chunk) -> Chunk:
        """The chunk with values in Avro as JSON, and their own bytes beside.

        What is no Avro of a known schema stays as it is, and becomes a dead letter.  Raises
        SchemaRegistryError or an error of the connection while the registry does not answer.
        """
        if not any(value and value[:1] == _MAGIC for value in chunk.values):
            return chunk
        values = [
            self._translated(chunk.topic, value) if value and value[:1] == _MAGIC else value
            for value in chunk.values
        ]
        return replace(chunk, values=values, raw=chunk.values)

    def value_to_json(self, topic: str, value: bytes) -> bytes:
        """One value of a topic as :meth:`to_json` gives it; raises what that raises."""
        return self._translated(topic, value) if value[:1] == _MAGIC else value

    def _translated(self, topic: str, value: bytes) -> bytes:
        from confluent_kafka.schema_registry.error import SchemaRegistryError  # noqa: PLC0415
        from confluent_kafka.serialization import SerializationError  # noqa: PLC0415

        try:
            found = self._read(value, _context(topic))
        except SchemaRegistryError as error:
            if error.http_status_code != _NOT_FOUND:
                raise
            return value
        except (SerializationError, ValueError, EOFError, IndexError, StopIteration):
            return value
        present = {name: each for name, each in found.items() if each is not None}
        return msgspec.json.encode(present)


def alert_reader(settings: Settings) -> Callable[[bytes], Alert]:
    """How the records of the alerts topic are read under these settings; raises SettingsError."""
    registry, topic = open_registry(settings), Topics(settings.topic_prefix).alerts
    return decode if registry is None else partial(registry.read, topic, Alert)


def action_reader(settings: Settings) -> Callable[[bytes], ActionRequest]:
    """How the records of the actions topic are read; raises SettingsError."""
    registry, topic = open_registry(settings), Topics(settings.topic_prefix).actions
    return decode_action if registry is None else partial(registry.read, topic, ActionRequest)


def outcome_reader(settings: Settings) -> Callable[[bytes], ResponseOutcome]:
    """How the records of the topic of response results are read; raises SettingsError."""
    registry, topic = open_registry(settings), Topics(settings.topic_prefix).response_results
    return decode_outcome if registry is None else partial(registry.read, topic, ResponseOutcome)


def open_registry(settings: Settings) -> Registry | None:
    """The registry of the settings, if they name one; raises SettingsError."""
    return Registry(settings.schema_registry) if settings.schema_registry else None


def _context(topic: str) -> Any:
    from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: PLC0415

    return SerializationContext(topic, MessageField.VALUE)


def _bytes(made: bytes | None) -> bytes:
    assert made is not None  # noqa: S101 - only None is serialized to None
    return made
