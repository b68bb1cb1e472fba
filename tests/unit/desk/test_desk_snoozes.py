"""Snoozes: what is put off is out of the queue until its time, or until it is more urgent."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.delivery.alerts import alert
from tests.desk.web import Web, running

from sentinel.desk.snoozes import SnoozeFor
from sentinel.model.alert import AlertState, Change, Resolution, Tier

HOUR_MS = 3_600_000
SHANGHAI = ZoneInfo("Asia/Shanghai")


def shown(web: Web, path: str) -> set[str]:
    """The ids of alerts that a page of the queue shows to an analyst."""
    text = web.person("analyst").get(path).text
    return {each for each in ("a1", "a2", "a3") if f'href="/alerts/{each}"' in text}


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-27T02:00:00", "2026-11-27T09:00:00"),
        ("2026-11-27T09:00:00", "2026-11-28T09:00:00"),
        ("2026-11-30T23:59:00", "2026-12-01T09:00:00"),
    ],
)
def test_morning_is_the_next_nine_o_clock_of_the_bank(now: str, until: str) -> None:
    """Today's if it is still to come, else tomorrow's, in the zone of engine.yaml."""
    now_ms, until_ms = (
        round(datetime.fromisoformat(each).replace(tzinfo=SHANGHAI).timestamp() * 1000)
        for each in (now, until)
    )
    assert SnoozeFor.MORNING.until_ms(now_ms, SHANGHAI) == until_ms


def test_what_is_put_off_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of the queue and of "next", in a list of its own, and back when its time has come."""
    one, other = alert("a1", tier=Tier.YELLOW), alert("a2", tier=Tier.YELLOW)
    with running(tmp_path, monkeypatch, one, other) as web:
        person = web.person("analyst")
        moved = person.post("/alerts/a1/snooze", **{"for": "1h"})
        assert (moved.status_code, moved.headers["location"]) == (303, "/queue")
        assert shown(web, "/queue") == {"a2"}
        assert shown(web, "/queue?view=snoozed") == {"a1"}
        assert shown(web, "/queue?view=all") == {"a1", "a2"}
        assert "Snoozed until" in person.get("/alerts/a1").text
        assert person.post("/next").headers["location"] == "/alerts/a2"
        web.clock.ms += HOUR_MS + 1
        assert "a1" in shown(web, "/queue")
        assert shown(web, "/queue?view=snoozed") == set()


def test_what_rises_comes_back_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A yellow alert that turned orange is in the queue, whatever its snooze says."""
    with running(tmp_path, monkeypatch, alert("a1", tier=Tier.YELLOW)) as web:
        web.person("analyst").post("/alerts/a1/snooze", **{"for": "4h"})
        assert shown(web, "/queue") == set()
        web.store_records(alert("a1", tier=Tier.ORANGE, revision=2, change=Change.ROSE))
        assert shown(web, "/queue") == {"a1"}


def test_a_snooze_can_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By anybody who may answer; the audit log has both."""
    with running(tmp_path, monkeypatch, alert("a1", tier=Tier.BLUE)) as web:
        web.person("analyst").post("/alerts/a1/snooze", **{"for": "morning"})
        assert web.person("senior").post("/alerts/a1/snooze", **{"for": "now"}).status_code == 303
        assert shown(web, "/queue") == {"a1"}
        assert [detail for *_, detail in web.audit("snooze")] == ["morning a1", "end a1"]


@pytest.mark.parametrize(
    ("tier", "length", "status"),
    [
        (Tier.RED, "1h", 303),
        (Tier.RED, "4h", 400),
        (Tier.ORANGE, "morning", 303),
        (Tier.ORANGE, "9d", 400),
        (Tier.ORANGE, "", 400),
    ],
)
def test_a_red_alert_is_put_off_for_an_hour_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tier: Tier, length: str, status: int
) -> None:
    """And nothing for a time that is not offered."""
    with running(tmp_path, monkeypatch, alert("a1", tier=tier)) as web:
        answer = web.person("analyst").post("/alerts/a1/snooze", **{"for": length})
        assert answer.status_code == status


def test_who_may_only_look_puts_nothing_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A viewer is refused, and what is over cannot be put off."""
    over = alert(
        "a2", state=AlertState.RESOLVED, change=Change.RESOLVED, resolution=Resolution.QUIET
    )
    with running(tmp_path, monkeypatch, alert("a1"), over) as web:
        assert web.person("viewer").post("/alerts/a1/snooze", **{"for": "1h"}).status_code == 403
        assert web.person("analyst").post("/alerts/a2/snooze", **{"for": "1h"}).status_code == 400
