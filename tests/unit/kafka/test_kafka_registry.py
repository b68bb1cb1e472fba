"""Avro with the client's own mock registry: outputs read back, inputs translated, bad ones kept."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from tests.delivery.alerts import alert

from sentinel.alerting.cloudevent import encode
from sentinel.alerting.revision import request
from sentinel.engine import Engine
from sentinel.kafka.avro_schema import avro_schema
from sentinel.kafka.registry import Registry, alert_reader, open_registry
from sentinel.model.alert import ActionRequest, Alert
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.response_outcome import ResponseOutcome
from sentinel.model.step import Chunk, DeadLetterReason, Step
from sentinel.settings import Settings, read_configuration

TOPIC = "sentinel.alerts"
EXAMPLES = Path(__file__).parents[3] / "docs" / "contract" / "examples"
Serialize = Callable[[Any], bytes]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry whose server is a mock that the tests share with it."""
    client = SchemaRegistryClient.new_client({"url": "mock://sentinel"})
    monkeypatch.setattr(SchemaRegistryClient, "new_client", lambda _: client)
    return Registry("mock://sentinel")


@pytest.fixture
def serialize(registry: Registry) -> Serialize:
    """What a bank's producer does with a transaction."""
    client = SchemaRegistryClient.new_client({})
    schema = json.dumps(avro_schema(EVENT_TYPES[Stream.TRANSACTION]))
    made = AvroSerializer(client, schema)
    context = SerializationContext("sentinel.transactions", MessageField.VALUE)
    return lambda event: made(event, context)


def _example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_bytes())
    return found


def _chunk(*values: bytes | None) -> Chunk:
    n = len(values)
    whens = [_example("transaction")["event_time"]] * n
    return Chunk(
        Stream.TRANSACTION,
        "sentinel.transactions",
        0,
        list(range(n)),
        whens,
        [b"k"] * n,
        list(values),
    )


def _read(value: bytes) -> dict[str, Any]:
    deserializer = AvroDeserializer(SchemaRegistryClient.new_client({}))
    found = deserializer(value, SerializationContext(TOPIC, MessageField.VALUE))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("kind", [*EVENT_TYPES.values(), Alert, ActionRequest, ResponseOutcome])
def test_every_schema_is_one(kind: type[msgspec.Struct]) -> None:
    """Fastavro parses them."""
    fastavro.parse_schema(avro_schema(kind))


def test_an_alert_is_read_back_as_it_was(registry: Registry) -> None:
    """All of it, clauses' values of every type included; the framing is Confluent's."""
    one = alert()
    value = registry.alert(TOPIC, one)
    assert value[:1] == b"\x00"
    assert msgspec.convert(_read(value), Alert) == one


def test_a_requested_action_is_read_back_as_it_was(registry: Registry) -> None:
    """The same for what core systems read."""
    one = request(alert(), alert().actions[0])
    assert msgspec.convert(_read(registry.action("sentinel.actions", one)), ActionRequest) == one


def test_the_outcome_of_a_response_is_read_back_as_it_was(registry: Registry) -> None:
    """The same for what a desk reads, with null where nothing is known."""
    one = msgspec.convert(_example("response-result")["data"], ResponseOutcome)
    value = registry.response_outcome("sentinel.response-results", one)
    assert msgspec.convert(_read(value), ResponseOutcome) == one


def test_events_in_avro_and_json_mean_the_same(registry: Registry, serialize: Serialize) -> None:
    """The golden transaction both ways gives the same state; JSON chunks are left alone."""
    event = _example("transaction")
    plain = _chunk(json.dumps(event).encode())
    assert registry.to_json(plain) is plain
    engines = []
    for chunk in (plain, registry.to_json(_chunk(serialize(event)))):
        engine = Engine(read_configuration(None))
        outcome = engine.process(Step(event["event_time"], [chunk]))
        assert (outcome.counts.events[Stream.TRANSACTION], outcome.emitted.dead_letters) == (1, [])
        engines.append(engine)
    assert engines[0].digest() == engines[1].digest()


def test_bad_avro_becomes_a_dead_letter_with_its_own_bytes(
    registry: Registry, serialize: Serialize
) -> None:
    """Unknown schema, cut off, random, and an event that breaks a rule: byte for byte."""
    good = serialize(_example("transaction"))
    wrong = serialize({**_example("transaction"), "kind": "gift"})
    bad = [b"\x00\x00\x00\x99\x99" + good[5:], good[:9], b"\x00junk", b"\x00", wrong]
    chunk = registry.to_json(_chunk(*bad, good, None))
    outcome = Engine(read_configuration(None)).process(Step(chunk.recorded_ms[0], [chunk]))
    assert outcome.counts.events[Stream.TRANSACTION] == 1
    assert [letter.value for letter in outcome.emitted.dead_letters] == [*bad, None]
    reasons = [letter.reason for letter in outcome.emitted.dead_letters]
    assert reasons[-2:] == [DeadLetterReason.SCHEMA, DeadLetterReason.EMPTY]
    assert set(reasons[:-2]) == {DeadLetterReason.MALFORMED}


def test_readers_of_alerts_read_what_the_setting_says(registry: Registry) -> None:
    """Avro with a registry, JSON without; what is no alert is a DecodeError either way."""
    one = alert()
    avro = alert_reader(Settings(schema_registry="mock://sentinel"))
    assert avro(registry.alert(TOPIC, one)) == one
    assert alert_reader(Settings())(encode(one)) == one
    for read in (avro, alert_reader(Settings())):
        with pytest.raises(msgspec.DecodeError):
            read(b"\x00junk")


def test_without_a_setting_there_is_no_registry() -> None:
    """JSON, as by default."""
    assert open_registry(Settings()) is None
