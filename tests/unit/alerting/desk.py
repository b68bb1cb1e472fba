"""Alerting as tests use it: signals fused step by step, and a desk that lives by the hour."""

from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from sentinel.alerting import Alerting, AlertingOutput, load
from sentinel.model.alert import Alert
from sentinel.model.document import parse
from sentinel.model.events import Stream
from sentinel.model.response import Response, ResponseKind, Silence
from sentinel.model.signal import Action, Clause, Mode, Risk, Signal, Title

CONFIGS = Path(__file__).parents[3] / "configs"
TIERS = CONFIGS / "tiers.yaml"
NOTHING = """
inhibit: []
allow: []
maintenance: []
capacity: {per: 1h, alerts: {}}
silences: {most: 1, longest: 30d, wide: 8h}
"""
"""A suppression.yaml by which nothing is suppressed."""
UTC = ZoneInfo("UTC")
HOUR = 3_600_000
START = 1_767_225_600_000  # 2026-01-01T08:00 in Shanghai, a Thursday
BLUE, YELLOW, ORANGE, RED = 20, 50, 70, 90
CALL = (Action.CALL_CUSTOMER,)

BASE = Signal(
    index=0,
    rule_id="ato.drain",
    entity_id="C1",
    stream=Stream.TRANSACTION,
    event_id="E1",
    event_time=START,
    recorded_ms=START + 5,
    risk=Risk.OPERATIONAL,
    severity=50,
    mode=Mode.LIVE,
    title=Title("Drain", "盗转"),
    explain=lambda: (Clause("amount_z > 3", {"amount_z": 4.1}),),
    actions=(Action.DELAY_TRANSFER,),
    runbook="docs/runbooks/account-takeover.md",
)


def signal(event: int, *, hours: float = 0, **changes: Any) -> Signal:
    """The ``event``-th event's signal, ``hours`` after the start."""
    moment = START + int(hours * HOUR)
    return replace(
        BASE,
        index=event,
        event_id=f"E{event}",
        event_time=moment,
        recorded_ms=moment + 5,
        **changes,
    )


def alerting(**changes: str) -> Alerting:
    """The shipped policy with some top-level lines replaced; nothing suppresses or escalates."""
    text = TIERS.read_text(encoding="utf-8")
    lines = text.replace("unanswered: 1h", "unanswered: null").splitlines()
    for name, value in changes.items():
        lines = [f"{name}: {value}" if line.startswith(f"{name}:") else line for line in lines]
    what = load(parse("\n".join(lines), "tiers.yaml"), parse(NOTHING, "suppression.yaml"), UTC)
    what.begin("v1")
    return what


def fuse(what: Alerting, *signals: Signal) -> AlertingOutput:
    """What ``signals`` come to, in one step."""
    for _, event in groupby(signals, key=lambda signal: signal.index):
        same = list(event)
        what.advance(max(signal.event_time for signal in same))
        what.process(same)
    return what.drain()


def only(fused: AlertingOutput) -> Alert:
    """The single alert of ``fused``."""
    (alert,) = fused.alerts
    return alert


class Desk:
    """Alerting with a clock in hours after the start, and what it has said."""

    def __init__(self, **suppression: str) -> None:
        shipped = {
            "inhibit": "[]",
            "allow": "[]",
            "maintenance": "[]",
            "capacity": "{per: 1h, alerts: {}}",
            "silences": "{most: 2, longest: 30d, wide: 8h}",
            **suppression,
        }
        self.alerting: Alerting = load(
            parse(TIERS.read_text("utf-8"), "tiers.yaml"),
            parse("\n".join(f"{k}: {v}" for k, v in shipped.items()), "suppression.yaml"),
            ZoneInfo("Asia/Shanghai"),
        )
        self.alerting.begin("v1")
        self.events = 0

    def fires(self, hours: float, severity: int, **changes: Any) -> list[Alert]:
        """A rule fires on an event at that time."""
        self.events += 1
        moment = START + round(hours * HOUR)
        signal = Signal(
            index=0,
            rule_id=changes.pop("rule", "ato.drain"),
            entity_id=changes.pop("customer", "C1"),
            stream=Stream.TRANSACTION,
            event_id=changes.pop("event", f"E{self.events}"),
            event_time=moment,
            recorded_ms=moment + 5,
            risk=changes.pop("risk", Risk.OPERATIONAL),
            severity=severity,
            mode=Mode.LIVE,
            title=Title("Drain", "盗转"),
            explain=lambda: (Clause("n > 1", {"n": 2.0}),),
            actions=(Action.DELAY_TRANSFER,),
            runbook="docs/runbooks/account-takeover.md",
        )
        self.alerting.advance(moment)
        self.alerting.process([replace(signal, **changes)])
        return self.drain()

    def respond(self, hours: float, alert: Alert, kind: ResponseKind, **more: Any) -> list[Alert]:
        """Li Wei answers an alert."""
        moment = START + round(hours * HOUR)
        response = Response(
            response_id="R1",
            event_time=moment,
            key=alert.key,
            alert_id=alert.alert_id,
            kind=kind,
            actor="li.wei",
            **more,
        )
        self.alerting.advance(moment)
        self.alerting.respond(response, moment)
        return self.drain()

    def silences(
        self,
        matcher: str,
        start: float,
        end: float,
        name: str = "s1",
        *,
        approved_by: str | None = "wang.fang",
    ) -> list[Alert]:
        """Two people silence what a matcher matches; ``refusal`` says why that is not so."""
        silence = Silence(
            silence_id=name,
            matchers=(matcher,),
            starts_at=START + round(start * HOUR),
            ends_at=START + round(end * HOUR),
            created_by="li.wei",
            comment="",
        )
        self.refusal = self.alerting.silence(silence)
        if approved_by is not None and self.refusal is None:
            approved = replace(silence, approved_by=approved_by)
            self.refusal = self.alerting.silence(approved)
        return self.drain()

    def waits(self, hours: float) -> list[Alert]:
        """Time passes until that hour."""
        self.alerting.advance(START + round(hours * HOUR))
        return self.drain()

    def drain(self) -> list[Alert]:
        """What was said since the last call."""
        self.last = self.alerting.drain()
        return self.last.alerts
