"""Events and responses that the simulator does not send in its first minutes.

Without them most panels of the dashboards would stay at zero.
"""

import time
from collections.abc import Sequence

import msgspec

from sentinel.kafka.response_client import ResponseClient
from sentinel.kafka.security import client_config
from sentinel.kafka.topics import Topics
from sentinel.model.events import (
    Complaint,
    ComplaintChannel,
    ComplaintStatus,
    Event,
    Login,
    Stream,
)
from sentinel.model.response import Response, ResponseKind, Silence, Verdict
from sentinel.settings import Settings
from sentinel.simulate.feed import Feed

_ANALYST = "analyst"
_HOUR_MS = 3_600_000
_LONG_AGO_MS = 60 * 24 * _HOUR_MS
_STEPS: tuple[ComplaintStatus, ...] = (
    "received",
    "investigating",
    "resolved",
    "replied",
    "closed",
)


class Activity:
    """A source of events and responses, connected to the stack's Kafka."""

    def __init__(self, brokers: str) -> None:
        self._settings = Settings(brokers=brokers)
        topics = Topics(self._settings.topic_prefix)
        self._feed = Feed(client_config(self._settings), topics.inputs)

    def silence_devices(self) -> None:
        """Suppress the alerts of devices for an hour."""
        now = _now_ms()
        silence = Silence(
            silence_id="stack-devices",
            matchers=('entity_kind="device"',),
            starts_at=now,
            ends_at=now + _HOUR_MS,
            created_by=_ANALYST,
            comment="planned test of a device",
        )
        with ResponseClient(self._settings) as client:
            client.silence(silence, _ANALYST, wait_s=1.0)

    def neglect_complaint(self) -> None:
        """Send a complaint of 60 days ago that nobody has handled: its deadlines have passed."""
        at_ms = _now_ms() - _LONG_AGO_MS
        self._send(Stream.COMPLAINT, _complaint("neglected", "received", at_ms, "regulator"))
        self._feed.flush()

    def handle_complaints(self) -> None:
        """Send complaints that are handled in time, and one that is closed without a reply."""
        now = _now_ms()
        for case in ("handled-1", "handled-2", "handled-3"):
            for number, status in enumerate(_STEPS):
                self._send(Stream.COMPLAINT, _complaint(case, status, now + number))
        self._send(Stream.COMPLAINT, _complaint("skipped", "received", now))
        self._send(Stream.COMPLAINT, _complaint("skipped", "closed", now + 1))
        self._feed.flush()

    def attack(self) -> None:
        """Send failed logins of many customers from one address, and many customers' device."""
        now = _now_ms()
        for n in range(60):
            self._send(Stream.LOGIN, _login(f"sprayed-{n}", now, ip="203.0.113.7", success=False))
        for n in range(10):
            self._send(Stream.LOGIN, _login(f"farmed-{n}", now, device_id="stack-device"))
        self._feed.flush()

    def send_faulty_records(self) -> None:
        """Send no JSON, a record without its fields, a repeated event and a placeholder as id."""
        now = _now_ms()
        self._feed.send(Stream.TRANSACTION, "C-faulty", b"{")
        self._feed.send(Stream.LOGIN, "C-faulty", b"{}")
        repeated = _login("faulty", now, device_id="unknown")
        self._send(Stream.LOGIN, repeated)
        self._send(Stream.LOGIN, repeated)
        self._feed.flush()

    def answer(self, alert_ids: Sequence[str]) -> None:
        """Acknowledge alerts, and end every third as confirmed."""
        now = _now_ms()
        with ResponseClient(self._settings) as client:
            for number, alert_id in enumerate(alert_ids):
                ends = number % 3 == 2
                response = Response(
                    response_id=f"stack-{alert_id}",
                    event_time=now,
                    key=client.alert(alert_id, now - _HOUR_MS).key,
                    kind=ResponseKind.DISPOSITION if ends else ResponseKind.ACKNOWLEDGE,
                    actor=_ANALYST,
                    alert_id=alert_id,
                    verdict=Verdict.CONFIRMED if ends else None,
                )
                client.respond(response)

    def _send(self, stream: Stream, event: Event) -> None:
        self._feed.send(stream, event.customer_id, msgspec.json.encode(event))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _complaint(
    case: str, status: ComplaintStatus, at_ms: int, channel: ComplaintChannel = "hotline"
) -> Complaint:
    return Complaint(
        event_id=f"stack-{case}-{status}",
        event_time=at_ms,
        complaint_id=f"P-{case}",
        customer_id=f"C-{case}",
        status=status,
        channel=channel,
    )


def _login(
    name: str,
    at_ms: int,
    *,
    ip: str | None = None,
    device_id: str | None = None,
    success: bool = True,
) -> Login:
    return Login(
        event_id=f"stack-{name}",
        event_time=at_ms,
        customer_id=f"C-{name}",
        kind="login",
        success=success,
        ip=ip,
        device_id=device_id,
    )
