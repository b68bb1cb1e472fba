"""Alerts for the pager's tests."""

from typing import Any

from msgspec.structs import replace

from sentinel.model.alert import (
    Alert,
    AlertState,
    Change,
    Entity,
    Reason,
    Tier,
    Trigger,
)
from sentinel.model.events import Stream
from sentinel.model.signal import Action, Clause, Risk, Title

NOW = 1_767_236_400_000  # 2026-01-01T11:00 in Shanghai, a Thursday
CUSTOMER = "C-secret-0815"

_ALERT = Alert(
    alert_id="a1",
    revision=1,
    key=CUSTOMER,
    entity=Entity("customer", CUSTOMER),
    risk=Risk.OPERATIONAL,
    state=AlertState.FIRING,
    change=Change.OPENED,
    tier=Tier.RED,
    previous_tier=None,
    score=90.0,
    customer_score=90.0,
    title=Title("Account drained", "账户盗转"),
    opened_at=NOW,
    updated_at=NOW,
    acknowledged_by=None,
    assignee=None,
    resolution=None,
    escalations=(),
    suppressed=(),
    trigger=Trigger(Stream.TRANSACTION, "E1", NOW - 50, NOW - 20),
    reasons=(
        Reason(
            rule_id="ato.drain",
            title=Title("New device, large transfer", "新设备大额转出"),
            severity=90,
            contribution=90.0,
            tier_without=None,
            count=1,
            first_event_time=NOW,
            last_event_time=NOW,
            clauses=(Clause("amount > 3", {"amount": 123_456.78}),),
        ),
    ),
    actions=(Action.SUSPEND_ACCOUNT,),
    runbook="docs/runbooks/account-takeover.md",
    config_version="v1",
)


def alert(alert_id: str = "a1", revision: int = 1, **changes: Any) -> Alert:
    """A red, firing alert, changed as told."""
    return replace(_ALERT, alert_id=alert_id, revision=revision, **changes)
