"""The committed contract: made from today's structs, and true of what Sentinel reads and writes."""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from sentinel.alerting.cloudevent import (
    ActionEvent,
    ResponseResultEvent,
    encode_action,
    encode_response_outcome,
)
from sentinel.alerting.cloudevent import decode as decode_alert
from sentinel.alerting.cloudevent import encode as encode_alert
from sentinel.contract.__main__ import documents, main
from sentinel.contract.asyncapi import asyncapi
from sentinel.contract.schemas import (
    action_schema,
    alert_schema,
    event_schema,
    input_schemas,
    output_schemas,
)
from sentinel.engine import Emitted, Engine
from sentinel.ingest import Limits, decode
from sentinel.kafka.masking import read_masking
from sentinel.kafka.producer import TransactionalProducer
from sentinel.kafka.topics import Topics
from sentinel.model.columns import FIELDS
from sentinel.model.events import Stream
from sentinel.model.step import Chunk, DeadLetter, DeadLetterReason, Step
from sentinel.settings import Settings, read_configuration
from sentinel.shard.sink import Sink
from sentinel.simulate import Item, Simulation
from sentinel.simulate.simulation import time_ms

FOLDER = Path(__file__).parents[3] / "docs/contract"
NOW_MS = 1_767_600_000_000  # after every golden message
SCHEMAS = {**input_schemas(), **output_schemas()}
LIMITS = Limits(
    lateness_ms=3_600_000,
    future_skew_ms=300_000,
    max_value_bytes=100_000,
    remembered_events=1_000,
    base_currency="CNY",
    rates={"CNY": 1.0},
)


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


FORMATS = FormatChecker(formats=())
FORMATS.checks("date-time", raises=ValueError)(_is_moment)


def _validate(message: object, schema: dict[str, Any]) -> None:
    Draft202012Validator(schema, format_checker=FORMATS).validate(message)


def _example(name: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads((FOLDER / f"examples/{name}.json").read_bytes())
    return message


def _judged(stream: Stream, value: bytes) -> DeadLetterReason | None:
    """Why ingest puts the record aside; None: it does not."""
    chunk = Chunk(stream, f"sentinel.{stream}s", 0, [0], [NOW_MS], [b"k"], [value])
    letters = decode(stream, [chunk], LIMITS, frozenset(FIELDS[stream])).dead_letters
    return letters[0].reason if letters else None


def _life() -> Simulation:
    return Simulation(customers=60, start_ms=1_767_542_400_000, days=1, attacks_per_day=30)


@pytest.mark.parametrize("name", documents())
def test_committed_documents_are_those_of_today(name: str) -> None:
    """Whoever changes a struct also commits what it means to others."""
    committed = (FOLDER / name).read_text(encoding="utf-8")
    assert committed == documents()[name], "run: python -m sentinel.contract docs/contract"


def test_module_writes_every_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``python -m sentinel.contract DIR`` makes the folder and fills it."""
    monkeypatch.setattr(sys, "argv", ["contract", str(tmp_path / "new")])
    main()
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "new").iterdir()}
    assert written == documents()


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_schemas(name: str) -> None:
    """Each document keeps to the dialect that it names, in which every ``$ref`` resolves."""
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert schema["$id"] == f"urn:sentinel:v1:{name}"
    with pytest.raises(ValidationError):
        _validate({}, schema)
    _validate(_example(name), schema)


@pytest.mark.parametrize("stream", Stream)
def test_golden_events_are_read(stream: Stream) -> None:
    """Ingest takes the example of each event."""
    assert _judged(stream, json.dumps(_example(stream)).encode()) is None


def test_golden_alert_is_what_would_be_written() -> None:
    """The example decodes to an alert, which encodes to the example."""
    golden = _example("alert")
    assert json.loads(encode_alert(decode_alert(json.dumps(golden).encode()))) == golden


def test_golden_action_is_what_would_be_written() -> None:
    """The example is of the golden alert, and is what its first action is written as."""
    golden, alert = _example("action"), _example("alert")["data"]
    assert golden["data"]["request_id"] == f"{alert['alert_id']}.{alert['actions'][0]}"
    request = msgspec.json.decode(json.dumps(golden), type=ActionEvent).data
    assert json.loads(encode_action(request)) == golden


def test_golden_response_result_is_what_would_be_written() -> None:
    """The example is of the golden response to the golden alert, which it resolves."""
    golden, response = _example("response-result"), _example("response")
    data, alert = golden["data"], _example("alert")["data"]
    assert {name: data[name] for name in ("response_id", "key", "kind", "actor", "alert_id")} == {
        name: response[name] for name in ("response_id", "key", "kind", "actor", "alert_id")
    }
    assert (data["alert_id"], data["revision"]) == (alert["alert_id"], alert["revision"] + 1)
    outcome = msgspec.json.decode(json.dumps(golden), type=ResponseResultEvent).data
    assert json.loads(encode_response_outcome(outcome)) == golden


def test_golden_alert_is_about_the_golden_transaction() -> None:
    """The examples tell one story: the transaction is the alert's trigger."""
    trigger, transaction = _example("alert")["data"]["trigger"], _example("transaction")
    assert trigger["event_id"] == transaction["event_id"]
    assert trigger["event_time"] == transaction["event_time"]


def test_schemas_accept_simulated_life() -> None:
    """Every kind of simulated event keeps to its schema, attacks included."""
    validators = {stream: Draft202012Validator(event_schema(stream)) for stream in Stream}
    seen = set()
    for stream, event, _ in _life():
        validators[stream].validate(msgspec.to_builtins(event))
        seen.add(stream)
    assert seen == set(Stream)


def test_schemas_accept_the_output_of_simulated_attacks() -> None:
    """What the real engine and rules say about a simulated day keeps to the schemas."""
    engine, items = Engine(read_configuration(None)), iter(_life())
    alerts, requests = [], []
    while block := list(islice(items, 100)):
        now_ms = max(time_ms(item.event) for item in block)
        chunks = [_chunk(stream, block) for stream in Stream]
        outcome = engine.process(Step(now_ms, [each for each in chunks if each.values]))
        alerts += outcome.emitted.alerts
        requests += outcome.emitted.action_requests
    assert len({alert.tier for alert in alerts}) > 2
    for alert in alerts:
        _validate(json.loads(encode_alert(alert)), alert_schema())
    assert requests
    for request in requests:
        _validate(json.loads(encode_action(request)), action_schema())


_offsets = iter(range(1 << 30))


def _chunk(stream: Stream, block: list[Item]) -> Chunk:
    events = [item.event for item in block if item.stream is stream]
    return Chunk(
        stream,
        f"sentinel.{stream}s",
        0,
        [next(_offsets) for _ in events],
        [time_ms(event) for event in events],
        [event.customer_id.encode() for event in events],
        [msgspec.json.encode(event) for event in events],
    )


REFUSED: list[tuple[Stream, dict[str, Any]]] = [
    (Stream.TRANSACTION, {"event_id": None}),
    (Stream.TRANSACTION, {"event_id": ""}),
    (Stream.TRANSACTION, {"customer_id": "c" * 129}),
    (Stream.TRANSACTION, {"event_time": "2026-01-05T00:00:00"}),
    (Stream.TRANSACTION, {"event_time": "yesterday"}),
    (Stream.TRANSACTION, {"event_time": 4_102_444_800_001}),
    (Stream.TRANSACTION, {"event_time": -1}),
    (Stream.TRANSACTION, {"event_time": 1.5}),
    (Stream.TRANSACTION, {"amount": -0.01}),
    (Stream.TRANSACTION, {"amount": "12,50"}),
    (Stream.TRANSACTION, {"amount": "-1"}),
    (Stream.TRANSACTION, {"amount": True}),
    (Stream.TRANSACTION, {"kind": "gift"}),
    (Stream.TRANSACTION, {"direction": "in"}),
    (Stream.TRANSACTION, {"currency": "yuan"}),
    (Stream.TRANSACTION, {"lat": 90.5}),
    (Stream.TRANSACTION, {"account_id": 6222}),
    (Stream.LOGIN, {"success": "yes"}),
    (Stream.LOGIN, {"success": 1}),
    (Stream.LOGIN, {"ip": "1" * 65}),
    (Stream.COMPLAINT, {"status": "angry"}),
    (Stream.COMPLAINT, {"complaint_id": None}),
    (Stream.COMPLAINT, {"text": "x" * 16_385}),
]
TAKEN: list[tuple[Stream, dict[str, Any]]] = [
    (Stream.TRANSACTION, {"event_time": "2026-01-05T00:00:00Z"}),
    (Stream.TRANSACTION, {"event_time": 631_152_000_000}),
    (Stream.TRANSACTION, {"amount": 0}),
    (Stream.TRANSACTION, {"amount": "12.50"}),
    (Stream.TRANSACTION, {"customer_id": "客" * 128}),
    (Stream.TRANSACTION, {"account_id": None}),
    (Stream.TRANSACTION, {"a_field_of_next_year": [1]}),
    (Stream.COMPLAINT, {"text": ""}),
]


@pytest.mark.parametrize(("stream", "change"), REFUSED)
def test_schema_refuses_what_ingest_puts_aside(stream: Stream, change: dict[str, Any]) -> None:
    """A producer that validates finds the mistake before it becomes a dead letter."""
    bad = _example(stream) | change
    assert _judged(stream, json.dumps(bad).encode()) is DeadLetterReason.SCHEMA
    with pytest.raises(ValidationError):
        _validate(bad, event_schema(stream))


@pytest.mark.parametrize("stream", Stream)
def test_schema_requires_what_ingest_requires(stream: Stream) -> None:
    """Without a field, the schema and ingest refuse an event, or both take it."""
    for field in _example(stream):
        rest = {name: value for name, value in _example(stream).items() if name != field}
        judged = _judged(stream, json.dumps(rest).encode())
        required = field in event_schema(stream)["required"]
        assert judged is (DeadLetterReason.SCHEMA if required else None)


@pytest.mark.parametrize(("stream", "change"), TAKEN)
def test_schema_accepts_what_ingest_takes(stream: Stream, change: dict[str, Any]) -> None:
    """No producer is told off for an event that Sentinel understands."""
    good = _example(stream) | change
    assert _judged(stream, json.dumps(good).encode()) is None
    _validate(good, event_schema(stream))


@pytest.mark.parametrize(
    "grow",
    [
        lambda data: data.update(tier="violet", previous_tier="grey"),
        lambda data: data["actions"].append("send_letter"),
        lambda data: data["title"].update(de="Viele Absender"),
        lambda data: data.update(score_band={"low": 80, "high": 88}),
    ],
)
def test_alert_schema_lets_alerts_grow(grow: Callable[[dict[str, Any]], None]) -> None:
    """A reader that validates accepts words and fields of a later version."""
    alert = _example("alert")
    grow(alert["data"])
    _validate(alert, alert_schema())


@pytest.mark.parametrize("field", _example("alert"))
def test_alert_schema_requires_the_whole_envelope(field: str) -> None:
    """All of the envelope is always written, also what the struct has defaults for."""
    alert = _example("alert")
    del alert[field]
    with pytest.raises(ValidationError):
        _validate(alert, alert_schema())


def test_asyncapi_has_every_topic_but_those_inside() -> None:
    """No topic is forgotten, and those that are nobody else's are not promised."""
    document, topics = asyncapi(), Topics("{prefix}")
    addresses = [channel["address"] for channel in document["channels"].values()]
    assert sorted([*addresses, *topics.inside()]) == sorted(topics.all())
    operated = [each["channel"]["$ref"] for each in document["operations"].values()]
    assert operated == [f"#/channels/{name}" for name in document["channels"]]


def test_asyncapi_refers_to_what_is_there() -> None:
    """Every reference leads to a part of the document or to a file beside it."""

    def refs(node: object) -> list[str]:
        if isinstance(node, dict):
            found = [node["$ref"]] if "$ref" in node else []
            return [*found, *(ref for each in node.values() for ref in refs(each))]
        return []

    document = asyncapi()
    for ref in refs(document):
        file, _, path = ref.partition("#/")
        part: Any = document if path else json.loads((FOLDER / file).read_bytes())
        for name in path.split("/") if path else ():
            part = part[name]
        assert part


@pytest.mark.parametrize("key", [b"C1", None])
def test_asyncapi_has_the_headers_of_dead_letters(
    monkeypatch: pytest.MonkeyPatch, key: bytes | None
) -> None:
    """The sink writes the required headers always, and no header that is not described."""
    written: list[tuple[str, bytes, bytes, dict[str, bytes]]] = []

    def send(_: object, topic: str, key: bytes, value: bytes, headers: dict[str, bytes]) -> None:
        written.append((topic, key, value, headers))

    monkeypatch.setattr(TransactionalProducer, "send", send)
    letter = DeadLetter("sentinel.logins", 1, 7, key, b"{", DeadLetterReason.MALFORMED, "cut off")
    sink = Sink(Settings(), 0, read_masking(Settings()), None)
    sink._write_dead_letters(Emitted(dead_letters=[letter]))
    [(topic, letter_key, value, headers)] = written
    described = asyncapi()["components"]["messages"]["deadLetter"]["headers"]
    optional = {"key"} if key else set()
    assert set(headers) == set(described["required"]) | optional
    assert set(headers) <= set(described["properties"])
    assert (topic, letter_key, value) == ("sentinel.deadletter", b"sentinel.logins-1-7", b"{")
