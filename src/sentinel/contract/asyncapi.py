"""The topics as an AsyncAPI 3.0.0 document: who sends what where, with which key and headers.

Journal, snapshots and configurations are left out: shards recover from them, their form may
change with every version, and nobody else may read or write them.
"""

from sentinel.alerting.cloudevent import CONTENT_TYPE
from sentinel.contract.schemas import Document
from sentinel.kafka.letters import REPAIRED
from sentinel.kafka.topics import Topics
from sentinel.model.alert import Tier
from sentinel.model.events import Stream
from sentinel.model.response import Control
from sentinel.model.step import DeadLetterReason
from sentinel.settings import Settings

VERSION = "0.1.0"
"""The contract's own version: it changes when the documents do, not with every release."""

_BINDING = "0.5.0"
_PREFIX = "prefix"
_PRODUCER = {"partitioner": "murmur2_random", "enable.idempotence": True, "acks": "all"}
_CONSUMER = {"isolation.level": "read_committed"}

_ABOUT = """\
Sentinel reads the events of customers and writes alerts. Every topic's name begins with one \
prefix (SENTINEL_TOPIC_PREFIX).

The topics {inside} are not part of this contract: they hold Sentinel's own state. Do not read \
them, write to them or change their retention."""

_INPUT = """\
The key is the event's customer_id in UTF-8. A customer's events must be in one partition and in \
order, so every producer uses the partitioner murmur2_random (the one of Java clients; librdkafka \
has another by default) and is idempotent. All input topics have the same number of partitions. \
What is not an event of this schema goes to the dead letters."""

_RESPONSES = """\
What people answer to alerts: acknowledge, assign, note, disposition, retract. The key is the \
alert's data.key in UTF-8, partitioned as the events are. A label says what an event was, alert \
or not, under the customer's id: a chargeback, a complaint that was right. An answer to an alert \
that is not open (any more) is counted and changes nothing. What is not a response goes to the \
dead letters."""

_SILENCES = """\
Silences, a compacted topic of one partition that every worker reads whole. The key is the \
silence_id in UTF-8. To end a silence early, write it again with an ends_at that has passed."""

_ALERTS = """\
Every revision of every alert. The key is the customer_id in UTF-8, so the revisions of an alert \
are in order. Read with isolation.level=read_committed, and upsert: of each data.alert_id keep \
the highest data.revision. Do not compact this topic: a customer has many alerts under one key."""

_TIER = """\
The revisions whose tier is {tier}: the same messages as on {alerts}, for those who page \
people. A revision that moves an alert to another tier is on the other tier's topic; to know \
how an alert stands, read {alerts}."""

_ACTIONS = """\
The control measures that alerts recommend, for core systems: each action once in an alert's life, \
when a revision recommends it for the first time. The key is the customer_id in UTF-8. A request \
is a recommendation: who reads it decides, and data.request_id tells what has been decided. Read \
with isolation.level=read_committed."""

_RESPONSE_RESULTS = """\
What became of each response that could be decoded: applied, or why not. The key is the response's \
key, in UTF-8; the outcomes of one key are in the order of its responses. data.partition and \
data.offset are the position of the response's record. A response that is sent twice has two \
outcomes. A refused response is a dead letter, too; of it nothing is proved, neither the actor nor \
that the response_id is its own. Read with isolation.level=read_committed."""

_DEAD = """\
The records that could not be read as events, byte for byte, cut only where they are larger than \
the topic accepts. The key is the record's position, \
`<topic>-<partition>-<offset>`, and identifies resends. A record with the header `repaired` \
is a marker, not a dead letter: the record of its key has been repaired and sent again."""


def asyncapi() -> Document:
    """The whole document; message schemas are beside it, in the files that it refers to."""
    topics = Topics(f"{{{_PREFIX}}}")
    channels: dict[str, Document] = {}
    operations: dict[str, Document] = {}
    inputs = {**topics.inputs, Control.SILENCE: topics.silences}
    del inputs[Control.ROLLUP]  # between workers: its form may change with every version
    described: dict[Stream | Control, str] = {
        **dict.fromkeys(Stream, _INPUT),
        Control.RESPONSE: _RESPONSES,
        Control.SILENCE: _SILENCES,
    }
    for stream, address in inputs.items():
        name = f"{stream}s"
        channel = _channel(address, stream, described[stream])
        channels[name] = channel | {"x-producer": _PRODUCER}
        operations[f"receive{name.capitalize()}"] = _operation("receive", name)
    channels["alerts"] = _channel(topics.alerts, "alert", _ALERTS) | {"x-consumer": _CONSUMER}
    operations["sendAlerts"] = _operation("send", "alerts")
    for tier in Tier:
        name, about = f"{tier}Alerts", _TIER.format(tier=tier, alerts=topics.alerts)
        channels[name] = _channel(topics.tier(tier), "alert", about) | {"x-consumer": _CONSUMER}
        operations[f"send{tier.capitalize()}Alerts"] = _operation("send", name)
    actions = _channel(topics.actions, "action", _ACTIONS)
    channels["actions"] = actions | {"x-consumer": _CONSUMER}
    operations["sendActions"] = _operation("send", "actions")
    results = _channel(topics.response_results, "responseResult", _RESPONSE_RESULTS)
    channels["responseResults"] = results | {"x-consumer": _CONSUMER}
    operations["sendResponseResults"] = _operation("send", "responseResults")
    dead = _channel(topics.deadletter, "deadLetter", _DEAD)
    channels["deadLetters"] = dead | {"x-consumer": _CONSUMER}
    operations["sendDeadLetters"] = _operation("send", "deadLetters")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sentinel",
            "version": VERSION,
            "description": _ABOUT.format(inside=", ".join(topics.inside())),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": _messages(), "parameters": _parameters()},
    }


def _channel(address: str, message: str, about: str) -> Document:
    return {
        "address": address,
        "description": about,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "parameters": {_PREFIX: {"$ref": f"#/components/parameters/{_PREFIX}"}},
    }


def _operation(action: str, channel: str) -> Document:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}


def _parameters() -> Document:
    about = "First part of every topic's name."
    return {_PREFIX: {"default": Settings().topic_prefix, "description": about}}


def _messages() -> Document:
    events = {
        stream.value: {
            "title": stream.capitalize(),
            "contentType": "application/json",
            "payload": {"$ref": f"./{stream}.schema.json"},
            "bindings": _key("The event's customer_id."),
        }
        for stream in Stream
    }
    outputs = {
        message: {
            "title": name.replace("-", " ").capitalize(),
            "contentType": CONTENT_TYPE,
            "payload": {"$ref": f"./{name}.schema.json"},
            "bindings": _key(key),
        }
        for message, name, key in (
            ("alert", "alert", "data.key: the customer_id."),
            ("action", "action", "data.key: the customer_id."),
            ("responseResult", "response-result", "data.key: the response's key."),
        )
    }
    controls = {
        Control.RESPONSE.value: ("Response", "The key of the alert."),
        Control.SILENCE.value: ("Silence", "The silence_id."),
    }
    for name, (title, key) in controls.items():
        events[name] = {
            "title": title,
            "contentType": "application/json",
            "payload": {"$ref": f"./{name}.schema.json"},
            "bindings": _key(key),
        }
    return {**events, **outputs, "deadLetter": _dead_letter()}


def _dead_letter() -> Document:
    reasons = [*(reason.value for reason in DeadLetterReason), REPAIRED]
    return {
        "title": "Dead letter",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "required": ["reason", "detail"],
            "properties": {
                "reason": {
                    "type": "string",
                    "description": "Why it is a dead letter; later versions may add words.",
                    "examples": reasons,
                },
                "detail": {"type": "string", "description": "What was wrong, for people."},
                REPAIRED: {
                    "type": "string",
                    "description": "Who has repaired the record of this key and sent it again.",
                },
                "key": {
                    "type": "string",
                    "description": "The record's own key, byte for byte; absent if it had none.",
                },
                **{
                    f"{part}_{name}": {
                        "type": "string",
                        "description": f"{what} of the whole {part}; only where it was cut.",
                    }
                    for part in ("value", "key")
                    for name, what in (("bytes", "Length"), ("sha256", "SHA-256, in hexadecimal,"))
                },
            },
        },
        "payload": {"description": "The record's value as it came; null if it had none."},
        "bindings": _key("The record's position: `<topic>-<partition>-<offset>`."),
    }


def _key(about: str) -> Document:
    key = {"type": "string", "description": about}
    return {"kafka": {"key": key, "bindingVersion": _BINDING}}
