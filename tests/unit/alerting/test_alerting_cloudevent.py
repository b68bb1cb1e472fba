"""Alerts as CloudEvents: the envelope, determinism and the way back."""

import json

import msgspec
import pytest

from sentinel.alerting.cloudevent import decode, encode
from sentinel.model.alert import (
    Alert,
    AlertState,
    Change,
    Entity,
    Escalation,
    Reason,
    Suppression,
    Suppressor,
    Tier,
    Trigger,
)
from sentinel.model.events import Stream
from sentinel.model.signal import Action, Clause, Risk, Title

MOMENT = 1_767_225_600_007

ALERT = Alert(
    alert_id="0f" * 16,
    revision=3,
    key="客户-1",
    entity=Entity("customer", "客户-1"),
    risk=Risk.LEGAL,
    state=AlertState.ACKNOWLEDGED,
    change=Change.ESCALATED,
    tier=Tier.ORANGE,
    previous_tier=None,
    score=61.25,
    customer_score=70.0,
    title=Title("Structuring", "拆分交易"),
    opened_at=MOMENT - 1,
    updated_at=MOMENT,
    acknowledged_by="li.wei",
    assignee=None,
    resolution=None,
    escalations=(Escalation.AGE,),
    suppressed=(Suppressor(Suppression.SILENCE, "s1"),),
    trigger=Trigger(Stream.TRANSACTION, "E1", MOMENT, MOMENT + 5),
    reasons=(
        Reason(
            rule_id="legal.structuring",
            title=Title("Structuring", "拆分交易"),
            severity=60,
            contribution=61.25,
            tier_without=None,
            count=1,
            first_event_time=MOMENT,
            last_event_time=MOMENT,
            clauses=(
                Clause("a > 3", {"a": 4.0, "b": None, "c": "CN", "d": True}),
                Clause("e", {"e": 1.5}, {"e": 0.5}, 2),
            ),
        ),
    ),
    actions=(Action.ASSESS_STR,),
    runbook="docs/runbooks/reporting.md",
    config_version="abc",
)


def test_the_envelope_follows_cloudevents_1_0() -> None:
    """Required attributes, RFC 3339 time with milliseconds, data as the alert."""
    event = json.loads(encode(ALERT))
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": "0f" * 16 + ".3",
        "source": "/sentinel",
        "type": "io.sentinel.alert.v1",
        "subject": "customer/客户-1",
        "time": "2026-01-01T00:00:00.007Z",
        "datacontenttype": "application/json",
    }
    assert (data["updated_at"], data["tier"], data["previous_tier"]) == (MOMENT, "orange", None)


def test_what_was_encoded_decodes_to_the_same_alert() -> None:
    """Round trip, and the same bytes again."""
    data = encode(ALERT)
    assert decode(data) == ALERT
    assert encode(decode(data)) == data


def test_extension_attributes_of_others_are_ignored() -> None:
    """A broker or gateway may add attributes to the envelope."""
    event = json.loads(encode(ALERT)) | {"traceparent": "00-1-2-03"}
    assert decode(json.dumps(event).encode()) == ALERT


@pytest.mark.parametrize(
    "change", [{"specversion": "0.3"}, {"type": "io.other.v1"}, {"data": {}}, {"id": None}]
)
def test_another_event_is_refused(change: dict[str, object]) -> None:
    """Something else on the topic is not read as an alert."""
    event = json.loads(encode(ALERT)) | change
    with pytest.raises(msgspec.ValidationError):
        decode(json.dumps(event).encode())
