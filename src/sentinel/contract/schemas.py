"""The messages as JSON Schema 2020-12, made from the structs that read and write them.

An input schema accepts what ingest accepts, as far as a schema can say it.  The output
schemas are open where later versions may grow: other fields and other words are allowed.
"""

from inspect import cleandoc
from typing import Any

import msgspec

from sentinel.alerting.cloudevent import ActionEvent, CloudEvent, ResponseResultEvent
from sentinel.model.events import EVENT_TYPES, Stream
from sentinel.model.response import Control, Response, Silence

Document = dict[str, Any]
"""A JSON object as it will be written."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{name}"
_GROWS = "Later versions may add words: accept those you do not know."
_MS = "Epoch milliseconds UTC."
_WHICH = "Unique in its stream; alerts refer to it."
_WHEN = "Epoch milliseconds UTC, or RFC 3339 text with an offset; from 1970 to 2100."
_SUBJECT = "`<entity kind>/<entity id>`."
_RULES = "Hash of the rules that were in force."
_RUNBOOK = "Where in the handbook it says what to do."
_COUNTRY = "ISO 3166-1: an alpha-2, alpha-3 or numeric code, or the English name."
_WHOSE = "Whose event it is; also the Kafka key."

# What the structs do not say and a reader of a message cannot guess.
_FIELDS = {
    "Transaction": {
        "event_id": _WHICH,
        "event_time": _WHEN,
        "customer_id": _WHOSE,
        "direction": "Seen from the customer: debit is money out.",
        "amount": "In `currency`, never negative: a JSON number or decimal text.",
        "currency": "ISO 4217. One without a rate in Sentinel's engine.yaml is a dead letter.",
        "customer_type": "A person, or a company or other organisation: reporting lines differ.",
        "counterparty_country": f"Of the other side: elsewhere is cross-border. {_COUNTRY}",
        "country": f"Where the customer is, or the shop. {_COUNTRY}",
        "days_past_due": "Of a repayment.",
        "limit_used": "Share of the credit limit in use: 1 is all of it.",
        "balance_after": "In `currency`; negative is overdrawn.",
        "own_account": "Whether the other side is an account of the same customer.",
        "account_days": "Days since the customer's account was opened.",
        "counterparty_type": "Whether the other side is a person or a company.",
        "counterparty_days": "Days since the account of the other side was opened.",
        "counterparty_bank": "Where the other side's account is: a bank's code.",
        "remark": "What the payer wrote; a rule that reads it shows it in its reason.",
        "birth_year": "Of a natural person.",
        "three_d_secure": "Whether the issuer authenticated the cardholder (EMV 3-D Secure).",
        "terminal_region": "Where the terminal is: a code of a region.",
        "merchant_region": "Where the merchant is registered: a code of a region.",
        "instrument_number": "Of a cheque, bill or other paper.",
        "authenticated_by": "How the payer was authenticated: sms, password, token, face ...",
        "screen_sharing": "Whether the customer's screen was shared meanwhile.",
        "employee_id": "Who entered it at the bank.",
        "agent_id": "Who acted for the customer.",
    },
    "Login": {
        "event_id": _WHICH,
        "event_time": _WHEN,
        "customer_id": _WHOSE,
        "country": _COUNTRY,
    },
    "Complaint": {
        "event_id": _WHICH,
        "event_time": _WHEN,
        "complaint_id": "The same for all steps of one complaint.",
        "customer_id": _WHOSE,
        "amount_involved": "A JSON number or decimal text.",
        "extended_to": "The term to resolve it is extended to: days after the day of receipt, as "
        "`30d` (calendar days) or `30wd` (working days), or the last day, as `2026-04-15`. Needs "
        "`approved_by`.",
        "approved_by": "Who approved the extension: a login name, not a person's name.",
    },
    "CloudEvent": {
        "id": "`<alert_id>.<revision>`: equal ids are resends.",
        "subject": _SUBJECT,
        "time": "`updated_at` as RFC 3339.",
    },
    "ActionEvent": {
        "id": "The `request_id`: equal ids are resends.",
        "subject": _SUBJECT,
        "time": "`requested_at` as RFC 3339.",
    },
    "ResponseResultEvent": {
        "id": "The `outcome_id`: equal ids are resends.",
        "subject": "`alert/<alert_id>`, of a label on an event `event/<event_id>`.",
        "time": "`processed_at` as RFC 3339.",
    },
    "ResponseOutcome": {
        "outcome_id": "`<response_id>.<partition>.<offset>`: one for each record of a response.",
        "response_id": "As the response has it. If it has several outcomes, it was sent again, or "
        "another has used its id: `refused` says nothing of the others.",
        "partition": "Of the response's record on the responses topic.",
        "offset": "Of the response's record on the responses topic.",
        "key": "The Kafka key of this message: the response's `key`.",
        "actor": "As the response has it; of a refused one nobody has proved it.",
        "result": "applied: as the person wanted; unchanged: the alert was so already, or has no "
        "such event; not_open: no open alert has this id; not_held: no rule fired on this event, "
        "or too long ago; refused: the record is a dead letter.",
        "revision": "The alert's newest revision after the response; null: no open alert had this "
        "id, or the response is about an event.",
        "reason": "Why it is refused, as in the header of the dead letter; null: it is not.",
        "detail": "What was wrong, for people; null: it is not refused.",
        "processed_at": "The append time of the response, in whose order the engine applied it. "
        + _MS,
    },
    "Response": {
        "response_id": "Unique; responses sent again change nothing.",
        "event_time": _WHEN,
        "key": "The alert's `key`, of a label the customer's id; also the Kafka key.",
        "alert_id": "Needed by all but `label`.",
        "actor": "Who says so: a login name, not a person's name.",
        "verdict": "Needed by `disposition` and `label`.",
        "assignee": "Needed by `assign`.",
        "event_id": "Needed by `retract` (the event was an error) and by `label`.",
    },
    "Silence": {
        "silence_id": "Also the Kafka key; the newest record of an id is the truth.",
        "matchers": "As in Alertmanager, over entity, entity_kind, risk, tier and rule.",
        "starts_at": _WHEN,
        "ends_at": "Not before `starts_at`; now or earlier ends the silence. " + _WHEN,
        "created_by": "Who says so: a login name, not a person's name.",
    },
    "Alert": {
        "alert_id": "The upsert key: the same for all revisions.",
        "revision": "Counts up from 1; keep the highest.",
        "key": "The Kafka key of the alert, and of every response to it.",
        "state": "`resolved` is the last; no revision follows.",
        "resolution": "How it ended; null while it is open.",
        "escalations": "Why the tier is higher than the score's: one tier for each.",
        "suppressed": "Why nobody is to be notified; empty: somebody is.",
        "previous_tier": "Before this revision; null: none.",
        "score": "Of this entity and risk, 0 to 100; tier and escalations follow from it.",
        "customer_score": "Of this customer over all risks, 0 to 100.",
        "opened_at": _MS,
        "updated_at": _MS,
        "reasons": "The strongest first.",
        "actions": "The most drastic first.",
        "runbook": _RUNBOOK,
        "config_version": _RULES,
    },
    "Suppressor": {
        "by": "Which silence, alert, window, list entry or tier it is.",
    },
    "ActionRequest": {
        "request_id": "`<alert_id>.<action>`: do it once.",
        "alert_id": "The alert that asks for it.",
        "revision": "The alert's first revision that asked for it.",
        "tier": "Of the alert at that time.",
        "score": "Of the alert at that time, 0 to 100.",
        "requested_at": _MS,
        "expires_at": "When a restriction ends at the latest (ms); null: it restricts nobody.",
        "runbook": _RUNBOOK,
        "config_version": _RULES,
    },
    "Trigger": {
        "event_time": _MS,
        "recorded_ms": "The broker's timestamp of the event. " + _MS,
    },
    "Reason": {
        "severity": "As the rule states it, 0 to 100.",
        "contribution": "Share of the score that would be missing without it, 0 to 100.",
        "tier_without": "What the other reasons alone would reach; null: no tier.",
        "count": "How often the rule fired for this alert.",
        "first_event_time": _MS,
        "last_event_time": _MS,
    },
    "Clause": {
        "values": "What the names in the clause stood for; null is missing.",
        "normal": "What is usual for this customer, of those in `values` where it is known.",
        "step": "Of a sequence, from 1; 0 where the rule is none.",
    },
}


def event_schema(stream: Stream) -> Document:
    """The schema of one input stream's events."""
    return _document(stream.value, EVENT_TYPES[stream], grows=False)


def alert_schema() -> Document:
    """The schema of an alert as it is written: a CloudEvent with the alert as ``data``."""
    about = "One revision of an alert, as a CloudEvent 1.0 in structured mode."
    return _envelope("alert", CloudEvent, "AlertCloudEvent", about)


def action_schema() -> Document:
    """The schema of a requested action as it is written: a CloudEvent, too."""
    about = "One control measure to take, as a CloudEvent 1.0 in structured mode."
    return _envelope("action", ActionEvent, "ActionCloudEvent", about)


def response_result_schema() -> Document:
    """The schema of the outcome of a response as it is written: a CloudEvent, too."""
    about = "What became of one response, as a CloudEvent 1.0 in structured mode."
    return _envelope("response-result", ResponseResultEvent, "ResponseResultCloudEvent", about)


def input_schemas() -> dict[str, Document]:
    """The schemas of what others write, by the message's name."""
    return {
        **{stream.value: event_schema(stream) for stream in Stream},
        Control.RESPONSE.value: _document(Control.RESPONSE, Response, grows=False),
        Control.SILENCE.value: _document(Control.SILENCE, Silence, grows=False),
    }


def output_schemas() -> dict[str, Document]:
    """The schemas of what Sentinel writes, by the message's name."""
    return {
        "alert": alert_schema(),
        "action": action_schema(),
        "response-result": response_result_schema(),
    }


def _envelope(name: str, kind: type[msgspec.Struct], title: str, about: str) -> Document:
    document = _document(name, kind, grows=True)
    document["title"] = title
    document["description"] = about
    properties = document["properties"]
    for field in properties.values():
        field.pop("default", None)
    properties["time"]["format"] = "date-time"
    properties["source"]["format"] = "uri-reference"
    # Defaults are for whoever makes the struct: on the wire the envelope is always whole.
    document["required"] = list(properties)
    return document


def _document(name: str, kind: type[msgspec.Struct], *, grows: bool) -> Document:
    _, components = msgspec.json.schema_components((kind,), ref_template=_REF)
    definitions = {each: _tidied(schema, grows=grows) for each, schema in components.items()}
    for struct, fields in _FIELDS.items():
        for field, text in fields.items() if struct in definitions else ():
            definitions[struct]["properties"][field]["description"] = text
    message: Document = definitions.pop(kind.__name__)
    rest = {"$defs": definitions} if definitions else {}
    return {"$schema": DIALECT, "$id": f"urn:sentinel:v1:{name}", **message, **rest}


def _tidied(node: Any, *, grows: bool) -> Any:
    """The node in keywords that every validator supports; open to additions if it ``grows``."""
    match node:
        case list():
            return [_tidied(each, grows=grows) for each in node]
        case {"enum": [word]}:
            return {**{name: each for name, each in node.items() if name != "enum"}, "const": word}
        case {"enum": [*words]} if grows:
            # `examples` is the standard's word for values that are not all there will be.
            about = {"description": f"{_prose(node.get('description', ''))} {_GROWS}".strip()}
            kept = {name: each for name, each in node.items() if name != "enum"}
            return kept | about | {"type": "string", "examples": words}
        case dict():
            closed = {"additionalProperties"} if node.get("additionalProperties") is False else {}
            return {
                name: _keyword(name, each, grows=grows)
                for name, each in node.items()
                if not (grows and name in closed)
            }
    return node


def _keyword(name: str, value: Any, *, grows: bool) -> Any:
    if name == "pattern" and isinstance(value, str):
        return value.replace(r"\A", "^").replace(r"\Z", "$")  # Python's anchors are not ECMA's
    if name == "description" and isinstance(value, str):
        return _prose(value)
    return _tidied(value, grows=grows)


def _prose(docstring: str) -> str:
    return cleandoc(docstring).replace("``", "`")
