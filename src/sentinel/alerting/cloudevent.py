"""Alerts, requested actions and outcomes of responses on the wire: CloudEvents 1.0 in JSON.

The mode is structured.

An alert's ``data`` is the :class:`~sentinel.model.alert.Alert` itself, whose times stay epoch
milliseconds; the envelope's ``time`` is ``updated_at`` as RFC 3339.  Consumers tell resends
by ``id`` (``<alert_id>.<revision>``) and keep the greatest revision of an ``alert_id``.
"""

from datetime import UTC, datetime
from typing import Literal

import msgspec

from sentinel.model.alert import ActionRequest, Alert, Entity
from sentinel.model.response_outcome import ResponseOutcome

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str = "/sentinel"
    subject: str
    time: str
    datacontenttype: str = "application/json"


class CloudEvent(_Envelope, frozen=True, kw_only=True):
    """The envelope of an alert, in the order in which it is written."""

    type: Literal["io.sentinel.alert.v1"] = "io.sentinel.alert.v1"
    data: Alert


class ActionEvent(_Envelope, frozen=True, kw_only=True):
    """The envelope of a requested action."""

    type: Literal["io.sentinel.action.v1"] = "io.sentinel.action.v1"
    data: ActionRequest


class ResponseResultEvent(_Envelope, frozen=True, kw_only=True):
    """The envelope of the outcome of a response."""

    type: Literal["io.sentinel.response-result.v1"] = "io.sentinel.response-result.v1"
    data: ResponseOutcome


def encode(alert: Alert) -> bytes:
    """The alert as one CloudEvent; equal alerts give equal bytes."""
    return msgspec.json.encode(
        CloudEvent(
            id=f"{alert.alert_id}.{alert.revision}",
            subject=_subject(alert.entity),
            time=_rfc3339(alert.updated_at),
            data=alert,
        )
    )


def encode_action(request: ActionRequest) -> bytes:
    """The requested action as one CloudEvent, whose ``id`` identifies resends."""
    return msgspec.json.encode(
        ActionEvent(
            id=request.request_id,
            subject=_subject(request.entity),
            time=_rfc3339(request.requested_at),
            data=request,
        )
    )


def encode_response_outcome(outcome: ResponseOutcome) -> bytes:
    """The outcome of a response as one CloudEvent, whose ``id`` identifies resends."""
    alert_id, event_id = outcome.alert_id, outcome.event_id
    return msgspec.json.encode(
        ResponseResultEvent(
            id=outcome.outcome_id,
            subject=f"event/{event_id}" if alert_id is None else f"alert/{alert_id}",
            time=_rfc3339(outcome.processed_at),
            data=outcome,
        )
    )


def _subject(entity: Entity) -> str:
    return f"{entity.kind}/{entity.id}"


def _rfc3339(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


def decode(data: bytes) -> Alert:
    """The alert in a CloudEvent that :func:`encode` wrote.

    Raises ``msgspec.DecodeError`` when it is not JSON and ``msgspec.ValidationError`` (a
    subclass) when it is not an alert of this version.
    """
    return msgspec.json.decode(data, type=CloudEvent).data


def decode_action(data: bytes) -> ActionRequest:
    """The requested action in a CloudEvent that :func:`encode_action` wrote; raises the same."""
    return msgspec.json.decode(data, type=ActionEvent).data


def decode_outcome(data: bytes) -> ResponseOutcome:
    """The outcome in a CloudEvent of a response's result; raises the same."""
    return msgspec.json.decode(data, type=ResponseResultEvent).data
