"""Revisions of alerts: pure functions from an alert and an update to the next alert."""

import hashlib
from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from sentinel.alerting.policy import Policy
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
        tier=raised(update.tier, escalations),
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


def raised(tier: Tier, escalations: Collection[Escalation]) -> Tier:
    """The tier of an alert whose score has ``tier``: at most one higher, whatever has happened.

    Only age makes red: how often rules fire says that much goes on, not that it is grave.
    """
    if not escalations or tier is Tier.RED:
        return tier
    if tier is Tier.ORANGE and Escalation.AGE not in escalations:
        return tier
    return _TIERS[_TIERS.index(tier) - 1]


def tier_found(alert: Alert, policy: Policy) -> Tier | None:
    """The tier by what rules found, without what age added; None if its score is below all."""
    if Escalation.AGE not in alert.escalations:
        return alert.tier
    tier = policy.tier(alert.score, None)
    others = [each for each in alert.escalations if each is not Escalation.AGE]
    return None if tier is None else raised(tier, others)


def request(alert: Alert, action: Action, longest_ms: int | None = None) -> ActionRequest:
    """The request for an action that this revision is the first to recommend.

    It ends ``longest_ms`` later, if it ends by itself.
    """
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
        expires_at=None if longest_ms is None else alert.updated_at + longest_ms,
        runbook=alert.runbook,
        config_version=alert.config_version,
    )


def _alert_id(update: AlertUpdate, key: bytes) -> str:
    """BLAKE2b-128 of the JSON array [entity kind, entity id, risk, dedup_key], in hex.

    The hash is keyed, so the customer cannot be found by trying ids.
    """
    parts = (update.entity.kind, update.entity.id, update.risk, update.dedup_key)
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=16, key=key).hexdigest()
