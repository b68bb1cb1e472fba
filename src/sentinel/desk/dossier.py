"""One alert with all that is known about it."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import case, func, select

from sentinel.database import Database
from sentinel.history.tables import ACTIONS, ALERTS, REASONS, REVISIONS
from sentinel.model.alert import ActionRequest, Alert, Resolution
from sentinel.model.events import EventKey

MOST_ALERTS = 50
"""Alerts of the same entity that are shown."""
_MOST_REVISIONS = 200


@dataclass(frozen=True, slots=True)
class Precision:
    """The verdicts on alerts that a rule was behind."""

    confirmed: int
    judged: int


@dataclass(frozen=True, slots=True)
class Dossier:
    """An alert, its earlier revisions (newest first), requested actions and other alerts."""

    alert: Alert
    amount: float | None
    since_ms: int
    revisions: Sequence[Alert]
    actions: Sequence[ActionRequest]
    others: Sequence[Alert]


class Dossiers:
    """Reads them from history; calls block, and raise DatabaseError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, alert_id: str) -> Dossier | None:
        """The dossier of an alert; None if history has none of this id."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(ALERTS.c.data, ALERTS.c.amount, ALERTS.c.since_ms).where(
                    ALERTS.c.alert_id == alert_id
                )
            ).one_or_none()
            if row is None:
                return None
            alert = msgspec.json.decode(row.data, type=Alert)
            revisions = connection.scalars(
                select(REVISIONS.c.data)
                .where(REVISIONS.c.alert_id == alert_id)
                .order_by(REVISIONS.c.revision.desc())
                .limit(_MOST_REVISIONS)
            ).all()
            actions = connection.scalars(
                select(ACTIONS.c.data)
                .where(ACTIONS.c.alert_id == alert_id)
                .order_by(ACTIONS.c.requested_ms)
            ).all()
        others = self.of_entity(alert.entity.kind, alert.entity.id)
        return Dossier(
            alert,
            row.amount,
            row.since_ms,
            [msgspec.json.decode(each, type=Alert) for each in revisions],
            [msgspec.json.decode(each, type=ActionRequest) for each in actions],
            [each for each in others if each.alert_id != alert_id],
        )

    def of_entity(self, kind: str, entity_id: str) -> list[Alert]:
        """The alerts about an entity: the open ones first, then the newest."""
        query = (
            select(ALERTS.c.data)
            .where(ALERTS.c.entity_kind == kind, ALERTS.c.entity_id == entity_id)
            .order_by(ALERTS.c.over, ALERTS.c.opened_ms.desc())
            .limit(MOST_ALERTS)
        )
        with self._database.reading() as connection:
            return [msgspec.json.decode(each, type=Alert) for each in connection.scalars(query)]

    def triggers(self, alerts: Sequence[Alert]) -> list[tuple[EventKey, Alert]]:
        """The events that raised or changed these alerts."""
        by_id = {alert.alert_id: alert for alert in alerts}
        query = (
            select(REVISIONS.c.data)
            .where(REVISIONS.c.alert_id.in_(by_id))
            .order_by(REVISIONS.c.number.desc())
            .limit(_MOST_REVISIONS)
        )
        with self._database.reading() as connection:
            found = [msgspec.json.decode(each, type=Alert) for each in connection.scalars(query)]
        return [
            ((each.trigger.stream, each.trigger.event_id), by_id[each.alert_id]) for each in found
        ]

    def precision(self, rules: Sequence[str], since_ms: int) -> dict[str, Precision]:
        """By rule, the verdicts on ended alerts that it was behind, opened since then."""
        confirmed = case((ALERTS.c.resolution == Resolution.CONFIRMED, 1), else_=0)
        query = (
            select(REASONS.c.rule, func.sum(confirmed), func.count())
            .join(ALERTS, ALERTS.c.alert_id == REASONS.c.alert_id)
            .where(
                REASONS.c.rule.in_(set(rules)),
                ALERTS.c.opened_ms >= since_ms,
                ALERTS.c.resolution.in_([Resolution.CONFIRMED, Resolution.FALSE_POSITIVE]),
            )
            .group_by(REASONS.c.rule)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).all()
        return {rule: Precision(int(right or 0), int(all_)) for rule, right, all_ in found}
