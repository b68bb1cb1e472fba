"""Snoozes: an alert that is put off is not in the queue until its time, or until it is more urgent.

A snooze is the desk's alone: the engine does not know of it, so the alert ages and is paged still.
"""

from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, exists, insert, select

from sentinel.database import Database
from sentinel.desk.tables import SNOOZES
from sentinel.history.tables import ALERTS
from sentinel.model.alert import Alert, Tier

_MORNING = time(9)
_HOUR_MS = 3_600_000
_TIERS = tuple(Tier)


class SnoozeFor(StrEnum):
    """How long an alert is put off; red ones for an hour at most."""

    HOUR = "1h"
    FOUR_HOURS = "4h"
    MORNING = "morning"  # the next nine o'clock in the morning

    @classmethod
    def of(cls, tier: Tier) -> "tuple[SnoozeFor, ...]":
        """What may be chosen for an alert of a tier."""
        return (cls.HOUR,) if tier is Tier.RED else tuple(cls)

    def until_ms(self, now_ms: int, zone: ZoneInfo) -> int:
        """When the alert is back, ms UTC."""
        if self is SnoozeFor.HOUR:
            return now_ms + _HOUR_MS
        if self is SnoozeFor.FOUR_HOURS:
            return now_ms + 4 * _HOUR_MS
        now = datetime.fromtimestamp(now_ms / 1000, zone)
        day = now.date() if now.time() < _MORNING else now.date() + timedelta(days=1)
        return round(datetime.combine(day, _MORNING, zone).timestamp() * 1000)


class Snoozes:
    """The snoozes of all users; calls block, and raise DatabaseError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_off(self, alert: Alert, actor: str, now_ms: int, until_ms: int) -> None:
        """Put an alert off in place of a snooze that it had; what is over is forgotten."""
        with self._database.writing() as connection:
            over = (SNOOZES.c.until_ms <= now_ms) | (SNOOZES.c.alert_id == alert.alert_id)
            connection.execute(delete(SNOOZES).where(over))
            connection.execute(
                insert(SNOOZES).values(
                    alert_id=alert.alert_id,
                    actor=actor,
                    until_ms=until_ms,
                    urgency=_TIERS.index(alert.tier),
                )
            )

    def end(self, alert_id: str) -> bool:
        """Bring an alert back now; False if it was not put off."""
        with self._database.writing() as connection:
            ended = delete(SNOOZES).where(SNOOZES.c.alert_id == alert_id)
            return connection.execute(ended).rowcount > 0

    def until_ms(self, alert: Alert, now_ms: int) -> int | None:
        """Until when an alert is put off; None if it is in the queue."""
        until = select(SNOOZES.c.until_ms).where(
            SNOOZES.c.alert_id == alert.alert_id,
            SNOOZES.c.until_ms > now_ms,
            SNOOZES.c.urgency <= _TIERS.index(alert.tier),
        )
        with self._database.reading() as connection:
            return connection.scalar(until)


def is_put_off(now_ms: int) -> ColumnElement[bool]:
    """Whether an alert of history is put off: its time has not come, and it has not risen."""
    return exists().where(
        SNOOZES.c.alert_id == ALERTS.c.alert_id,
        SNOOZES.c.until_ms > now_ms,
        SNOOZES.c.urgency <= ALERTS.c.urgency,
    )
