"""The digest of late alerts: collected, durable, one page for each route and channel."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from tests.delivery.alerts import CUSTOMER, NOW, alert
from tests.delivery.box import PLAN, Box, read_of

from sentinel.delivery import late
from sentinel.delivery.outbox import Outbox
from sentinel.delivery.page import Page, PageKind
from sentinel.delivery.plan import NoPage
from sentinel.model.alert import AlertState, Change, Resolution, Suppression, Suppressor, Tier
from sentinel.model.signal import Risk

MINUTE = 60_000
HOUR = 60 * MINUTE
READ = NOW + 48 * HOUR  # eleven in the morning, local time, two days later
CLOSED = READ + late.QUIET_MS


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """An empty outbox."""
    return Box(tmp_path)


def _digest(box: Box, channel: str = "cases", now_ms: int = CLOSED) -> Page:
    """The only page that is due on a channel, which is a digest."""
    (page,) = box.due(channel, now_ms)
    assert page.kind is PageKind.LATE
    return page


def test_old_alerts_become_one_digest_for_each_route_and_channel(box: Box) -> None:
    """Red ones go by route fraud to duty, others to cases; each alert counts as NoPage.OLD."""
    reds = [alert(f"r{n}", updated_at=NOW + n * HOUR) for n in range(3)]
    others = [alert(f"o{n}", tier=Tier.ORANGE, updated_at=NOW + n * MINUTE) for n in range(2)]
    assert box.store(*reds, *others, now_ms=READ) == {NoPage.OLD: 5}
    shown = _digest(box, "duty").content
    assert (
        shown.title.en
        == "3 alerts from 2026-01-01 11:00 to 2026-01-01 13:00 were found late, 3 red"
    )
    assert shown.title.zh == "补报预警 3 条（1月1日 11:00 至 1月1日 13:00），其中红色 3 条"
    assert shown.link == "https://desk.example/alerts/"
    shown = _digest(box).content
    assert shown.reason.en == "Route everybody: 2 orange; 2 unanswered"
    assert shown.reason.zh == "通知路由 everybody：橙色 2 条；尚未处理 2 条"
    assert (shown.tier, shown.opened_at, shown.updated_at) == (Tier.ORANGE, NOW, NOW + MINUTE)


def test_the_digest_waits_until_none_has_come_for_a_minute(box: Box) -> None:
    """Each alert found late puts it off by a minute; the next one begins another digest."""
    box.store(alert("a"), now_ms=READ)
    box.store(alert("b"), now_ms=READ + 50_000)
    assert box.due("duty", CLOSED) == []
    assert box.outbox.next_due_ms("duty") == READ + 50_000 + late.QUIET_MS
    first = _digest(box, "duty", READ + 110_000)
    assert first.content.late is not None
    assert first.content.late.found == 2
    box.store(alert("c"), now_ms=READ + 110_000)
    pages = box.due("duty", READ + 10 * MINUTE)
    assert [page.content.late and page.content.late.found for page in pages] == [2, 1]
    assert len({page.page_id for page in pages}) == 2


def test_the_digest_waits_five_minutes_at_most(box: Box) -> None:
    """An endless catch-up is told in one digest every five minutes."""
    for second in range(0, 300, 30):
        box.store(alert(f"a{second}"), now_ms=READ + second * 1_000)
        assert box.due("duty", READ + second * 1_000) == []
    assert box.outbox.next_due_ms("duty") == READ + late.LONGEST_MS
    (shown,) = [page.content.late for page in box.due("duty", READ + late.LONGEST_MS)]
    assert shown is not None
    assert shown.found == 10


def test_a_restart_in_the_middle_loses_none_and_doubles_none(box: Box) -> None:
    """Records that are read again count once, before and after the digest is a page."""
    box.store(alert("a"), alert("b"), now_ms=READ)
    box.restarts()
    box.outbox.accept(read_of([alert("a"), alert("b")]), PLAN, READ)
    box.store(alert("c"), now_ms=READ)
    page = _digest(box, "duty")
    box.outbox.begin([page])
    box.restarts()
    box.outbox.accept(read_of([alert("a"), alert("b"), alert("c")]), PLAN, CLOSED)
    again = _digest(box, "duty", CLOSED + HOUR)
    assert (again.page_id, again.content, again.attempts) == (page.page_id, page.content, 1)
    assert again.content.late is not None
    assert again.content.late.found == 3


@pytest.mark.parametrize("step", ["collect", "close"])
def test_a_crash_within_a_transaction_changes_nothing(
    box: Box, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the offset nor the counts of a step that did not commit are kept."""
    finished = getattr(late, step)

    def dying(*arguments: Any) -> None:
        finished(*arguments)
        raise KeyboardInterrupt

    def read_and_close() -> None:
        box.outbox.accept(read_of([alert("b")], 1), PLAN, READ)
        box.due("duty", CLOSED)

    box.store(alert("a"), now_ms=READ)
    with monkeypatch.context() as patch:
        patch.setattr(late, step, dying)
        with pytest.raises(KeyboardInterrupt):
            read_and_close()
    box.restarts()
    read_and_close()
    shown = _digest(box, "duty").content.late
    assert shown is not None
    assert shown.found == 2


def test_what_was_answered_meanwhile_is_found_but_not_unanswered(box: Box) -> None:
    """Acknowledged and resolved alerts stay in the count of found ones."""
    box.store(*(alert(name) for name in "abc"), now_ms=READ)
    acknowledged = {"state": AlertState.ACKNOWLEDGED, "change": Change.ACKNOWLEDGED}
    resolved = {"state": AlertState.RESOLVED, "resolution": Resolution.QUIET}
    box.store(alert("a", 2, **acknowledged), alert("b", 2, **resolved), now_ms=READ)
    shown = _digest(box, "duty").content.late
    assert shown is not None
    assert (shown.found, shown.unanswered) == (3, 1)
    assert box.due("duty", READ + HOUR)[1:] == []  # nobody was told of them one by one


def test_an_alert_that_rises_counts_once_with_its_highest_tier(box: Box) -> None:
    """Revisions of one alert in one digest are one alert; growing is no news."""
    legal: dict[str, Any] = {"risk": Risk.LEGAL}
    box.store(alert("a", tier=Tier.BLUE, **legal), now_ms=READ)
    rising = alert("a", 2, tier=Tier.ORANGE, change=Change.ROSE, updated_at=NOW + HOUR, **legal)
    assert box.store(rising, now_ms=READ) == {NoPage.OLD: 1}
    grown = alert("a", 3, tier=Tier.ORANGE, change=Change.GREW, **legal)
    assert box.store(grown, now_ms=READ) == {}
    shown = _digest(box, "chat").content
    assert shown.late is not None
    assert shown.late.tiers == {Tier.ORANGE: 1}
    assert (shown.opened_at, shown.updated_at) == (NOW, NOW + HOUR)


def test_fresh_news_of_a_late_alert_is_paged(box: Box) -> None:
    """The digest told of it; a revision of today is a page of its own."""
    box.store(alert("a"), now_ms=READ)
    box.store(alert("a", 2, change=Change.GREW, updated_at=READ), now_ms=READ)
    assert [page.kind for page in box.due("duty", READ)] == [PageKind.TRIGGER]


def test_suppressed_alerts_are_in_no_digest(box: Box) -> None:
    """They would not have been paged either."""
    silence = (Suppressor(Suppression.SILENCE, "s1"),)
    assert box.store(alert(suppressed=silence), now_ms=READ) == {NoPage.SUPPRESSED: 1}
    assert box.outbox.next_due_ms("duty") is None


def test_a_digest_that_becomes_a_page_is_never_out_of_sight(box: Box) -> None:
    """Whoever asks for what is due sees the digest or its page, wherever the change falls."""
    box.store(alert("a"), now_ms=READ)
    asked: list[str] = []

    def close(*cursor_execute: Any) -> None:
        """Right after the first statement of whoever asks."""
        asked.append(cursor_execute[2])
        if len(asked) == 1:
            box.outbox.close_digests("duty", PLAN, CLOSED)

    event.listen(Engine, "after_cursor_execute", close)
    try:
        assert box.outbox.next_due_ms("duty") == CLOSED
    finally:
        event.remove(Engine, "after_cursor_execute", close)
    assert _digest(box, "duty").content.late is not None


def test_quiet_hours_hold_a_digest_without_red(box: Box) -> None:
    """Collected at eleven in the evening, told at seven in the morning as one."""
    night, morning = READ + 12 * HOUR, READ + 20 * HOUR
    legal: dict[str, Any] = {"risk": Risk.LEGAL, "tier": Tier.YELLOW}
    box.store(alert("a", **legal), now_ms=night)
    box.store(alert("b", **legal), now_ms=night + HOUR)
    assert box.due("chat", night + 2 * HOUR) == []
    shown = _digest(box, "chat", morning).content.late
    assert shown is not None
    assert shown.found == 2


def test_a_digest_says_nothing_about_the_customer(box: Box) -> None:
    """No id anywhere in the database, and no alert is kept once its digest is a page."""
    box.store(alert(), now_ms=READ)
    _digest(box, "duty")
    box.outbox.close()
    assert CUSTOMER.encode() not in b"".join(path.read_bytes() for path in box.path.iterdir())
    with sqlite3.connect(box.path / "outbox.db") as connection:
        for table in ("late_alerts", "late_digests"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608


def test_a_digest_is_made_by_one_process_only(box: Box) -> None:
    """Two pagers of one database find it due; one page comes of it."""
    box.store(alert(), now_ms=READ)
    other = Outbox(f"sqlite:///{box.path}/outbox.db")
    other.close_digests("duty", PLAN, CLOSED)
    assert len(box.due("duty", CLOSED)) == 1
    other.close()
