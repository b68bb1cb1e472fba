"""Revisions of alerts: pure functions from an alert and an update to the next alert."""

import hashlib

import msgspec
from msgspec.structs import replace

from sentinel.model.alert import (
    ActionRequest,
    Alert,
    AlertState,
    Change,
    Escalation,
    Tier,
)
from sentinel.model.alert_update import AlertUpdate
from sentinel.model.signal import Action

_TIERS = tuple(Tier)


def opened(update: AlertUpdate, key: bytes) -> Alert:
    """The alert that the update opens, before its first revision; ``key`` is for its id."""
    return Alert(
        alert_id=_alert_id(update, key),
        revision=0,
        key=update.key,
        entity=update.entity,
        risk=update.risk,
        state=AlertState.FIRING,
        change=Change.OPENED,
        tier=update.tier,
        previous_tier=None,
        score=update.score,
        customer_score=update.customer_score,
        title=update.title,
        opened_at=update.at_ms,
        updated_at=update.at_ms,
        acknowledged_by=None,
        assignee=None,
        resolution=None,
        escalations=(),
        suppressed=(),
        trigger=update.trigger,
        reasons=update.reasons,
        actions=update.actions,
        runbook=update.runbook,
        config_version="",
    )


def updated(alert: Alert, update: AlertUpdate, escalating_firings: int) -> Alert:
    """The alert revised by the update; ``trigger`` is the update's."""
    escalations = alert.escalations
    if (
        Escalation.GROWTH not in escalations
        and sum(reason.count for reason in update.reasons) >= escalating_firings
    ):
        escalations = (*escalations, Escalation.GROWTH)
    return replace(
        alert,
        tier=raised(update.tier, len(escalations)),
        score=update.score,
        customer_score=update.customer_score,
        title=update.title,
        updated_at=max(alert.updated_at, update.at_ms),
        escalations=escalations,
        trigger=update.trigger,
        reasons=update.reasons,
        actions=update.actions,
        runbook=update.runbook,
    )


def change_between(before: Alert, after: Alert, update: AlertUpdate) -> Change | None:
    """What is new in ``after``; None if it is not worth a revision."""
    if _TIERS.index(after.tier) < _TIERS.index(before.tier):
        grown = len(after.escalations) > len(before.escalations)
        return Change.ESCALATED if grown else Change.ROSE
    if after.tier is not before.tier:
        return Change.FELL
    if update.renews:
        return Change.ROSE
    return Change.GREW if update.is_news else None


def raised(tier: Tier, times: int) -> Tier:
    """The tier so many times more urgent, red at most."""
    return _TIERS[max(0, _TIERS.index(tier) - times)]


def request(alert: Alert, action: Action) -> ActionRequest:
    """The request for an action that this revision is the first to recommend."""
    return ActionRequest(
        request_id=f"{alert.alert_id}.{action}",
        action=action,
        alert_id=alert.alert_id,
        revision=alert.revision,
        key=alert.key,
        entity=alert.entity,
        risk=alert.risk,
        tier=alert.tier,
        score=alert.score,
        title=alert.title,
        requested_at=alert.updated_at,
        runbook=alert.runbook,
        config_version=alert.config_version,
    )


def _alert_id(update: AlertUpdate, key: bytes) -> str:
    """BLAKE2b-128 of the JSON array [entity kind, entity id, risk, dedup_key], in hex.

    The hash is keyed, so the customer cannot be found by trying ids.
    """
    parts = (update.entity.kind, update.entity.id, update.risk, update.dedup_key)
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=16, key=key).hexdigest()
