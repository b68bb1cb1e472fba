"""Alerts on the wire: CloudEvents 1.0, structured mode, JSON.

``data`` is the :class:`~sentinel.model.alert.Alert` itself, whose times stay epoch
milliseconds; the envelope's ``time`` is ``updated_at`` as RFC 3339.  Consumers tell resends
by ``id`` (``<alert_id>.<revision>``) and keep the greatest revision of an ``alert_id``.
"""

from datetime import UTC, datetime
from typing import Literal

import msgspec

from sentinel.model.alert import Alert

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope, in the order in which it is written."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str = "/sentinel"
    type: Literal["io.sentinel.alert.v1"] = "io.sentinel.alert.v1"
    subject: str
    time: str
    datacontenttype: str = "application/json"
    data: Alert


def encode(alert: Alert) -> bytes:
    """The alert as one CloudEvent; equal alerts give equal bytes."""
    moment = datetime.fromtimestamp(alert.updated_at // 1000, UTC)
    return msgspec.json.encode(
        CloudEvent(
            id=f"{alert.alert_id}.{alert.revision}",
            subject=f"{alert.entity.kind}/{alert.entity.id}",
            time=f"{moment:%Y-%m-%dT%H:%M:%S}.{alert.updated_at % 1000:03d}Z",
            data=alert,
        )
    )


def decode(data: bytes) -> Alert:
    """The alert in a CloudEvent that :func:`encode` wrote.

    Raises ``msgspec.DecodeError`` when it is not JSON and ``msgspec.ValidationError`` (a
    subclass) when it is not an alert of this version.
    """
    return msgspec.json.decode(data, type=CloudEvent).data


def key(alert: Alert) -> bytes:
    """The Kafka key: the entity's id, so that an alert's revisions stay in order."""
    return alert.entity.id.encode()
