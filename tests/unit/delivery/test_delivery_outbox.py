"""The outbox: what a revision does to pages, once, whatever is read again."""

from pathlib import Path
from typing import Any

import pytest
from tests.delivery.alerts import CUSTOMER, NOW, alert
from tests.delivery.box import PLAN, Box, read_of

from sentinel.database import DatabaseError
from sentinel.delivery.outbox import Outbox, Read
from sentinel.delivery.page import PageKind
from sentinel.delivery.plan import NoPage
from sentinel.model.alert import (
    Alert,
    AlertState,
    Change,
    Resolution,
    Suppression,
    Suppressor,
    Tier,
)
from sentinel.model.signal import Risk

MINUTE = 60_000
HOUR = 60 * MINUTE


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """An empty outbox."""
    return Box(tmp_path)


def _acknowledged(revision: int, **more: Any) -> Alert:
    return alert(
        revision=revision,
        state=AlertState.ACKNOWLEDGED,
        change=Change.ACKNOWLEDGED,
        acknowledged_by="li.wei",
        **more,
    )


def _resolved(revision: int, **more: Any) -> Alert:
    return alert(
        more.pop("alert_id", "a1"),
        revision,
        state=AlertState.RESOLVED,
        change=Change.RESOLVED,
        resolution=Resolution.CONFIRMED,
        **more,
    )


def test_an_alert_climbs_its_ladder(box: Box) -> None:
    """The first rung at once, the second ten minutes later, each channel of the route once."""
    box.store(alert())
    assert [page.kind for page in box.due("duty")] == [PageKind.TRIGGER]
    assert box.due("cases") == []
    assert [page.kind for page in box.due("cases", NOW + 10 * MINUTE)] == [PageKind.TRIGGER]
    assert box.outbox.next_due_ms("cases") == NOW + 10 * MINUTE


def test_a_page_says_nothing_about_the_customer(box: Box) -> None:
    """No id, no value of a clause, anywhere in the database."""
    box.store(alert())
    box.outbox.close()
    written = b"".join(path.read_bytes() for path in box.path.iterdir())
    assert b"Account drained" in written
    assert CUSTOMER.encode() not in written
    assert b"amount" not in written


def test_a_record_that_is_read_again_does_nothing(box: Box) -> None:
    """By its offset, and by its revision if it comes under another one."""
    box.store(alert())
    box.sends("duty")
    box.outbox.accept(read_of([alert()]), PLAN, NOW)
    box.store(alert())
    assert box.due("duty") == []


def test_acknowledging_stops_the_ladder_and_tells_who_was_told(box: Box) -> None:
    """The second rung is taken back; PagerDuty hears of it, the channel not yet paged does not."""
    box.store(alert())
    box.sends("duty")
    assert box.store(_acknowledged(2)) == {NoPage.ANSWERED: 1}
    assert box.sends("duty") == [PageKind.ACKNOWLEDGE]
    assert box.due("cases", NOW + HOUR) == []


def test_resolving_tells_every_channel_that_was_told(box: Box) -> None:
    """Both rungs had been paged: both get the resolve, once."""
    box.store(alert())
    box.sends("duty")
    box.sends("cases", NOW + 10 * MINUTE)
    box.store(_resolved(2), now_ms=NOW + HOUR)
    assert box.sends("duty", NOW + HOUR) == [PageKind.RESOLVE]
    assert box.sends("cases", NOW + HOUR) == [PageKind.RESOLVE]


def test_what_may_have_been_heard_is_finished_too(box: Box) -> None:
    """An attempt without an answer may have arrived: it is followed by the resolve."""
    box.store(alert())
    box.outbox.begin(box.due("duty"))
    box.store(_resolved(2))
    assert box.sends("duty") == [PageKind.RESOLVE]


def test_what_was_never_tried_is_not_finished(box: Box) -> None:
    """Resolved before the first page: nobody hears anything."""
    box.store(alert(), _resolved(2))
    assert box.due("duty") == []


def test_suppressed_alerts_are_not_paged_until_released(box: Box) -> None:
    """Neither at first nor on the next rung; the release pages anew."""
    silence = (Suppressor(Suppression.SILENCE, "s1"),)
    assert box.store(alert(suppressed=silence)) == {NoPage.SUPPRESSED: 1}
    assert box.due("duty", NOW + HOUR) == []
    box.store(alert(revision=2, change=Change.RELEASED))
    assert box.sends("duty") == [PageKind.TRIGGER]
    box.store(alert(revision=3, change=Change.SUPPRESSED, suppressed=silence))
    assert box.due("cases", NOW + HOUR) == []


def test_rising_pages_anew_and_falling_does_not(box: Box) -> None:
    """Under the same key; what waited of the lower tier is taken back."""
    box.store(alert(tier=Tier.ORANGE))
    assert box.sends("cases") == [PageKind.TRIGGER]
    box.store(alert(revision=2, tier=Tier.YELLOW, change=Change.FELL))
    assert box.due("cases") == []
    box.store(alert(revision=3, change=Change.ROSE))
    (page,) = box.due("duty")
    assert (page.content.alert_id, page.content.tier) == ("a1", Tier.RED)


def test_every_rise_is_paged(box: Box) -> None:
    """Red, yellow, red: both times as red; and so after an acknowledgement."""
    box.store(alert())
    assert box.sends("duty") == [PageKind.TRIGGER]
    box.store(alert(revision=2, tier=Tier.YELLOW, change=Change.FELL))
    assert box.sends("duty") == []
    box.store(alert(revision=3, change=Change.ROSE))
    assert box.sends("duty") == [PageKind.TRIGGER]
    box.store(_acknowledged(4), _acknowledged(5, tier=Tier.YELLOW))
    assert box.sends("duty") == [PageKind.ACKNOWLEDGE]
    box.store(alert(revision=6, change=Change.ROSE))
    assert box.sends("duty") == [PageKind.TRIGGER]


def test_what_somebody_must_answer_again_is_paged(box: Box) -> None:
    """An acknowledged alert that escalates within its tier fires again."""
    box.store(alert())
    box.sends("duty")
    box.store(_acknowledged(2))
    box.sends("duty")
    box.store(alert(revision=3, change=Change.ESCALATED))
    assert box.sends("duty") == [PageKind.TRIGGER]


def test_an_acknowledgement_is_told_once(box: Box) -> None:
    """Further revisions of the acknowledged alert tell nobody anything."""
    box.store(alert())
    box.sends("duty")
    box.store(*(_acknowledged(revision) for revision in range(2, 12)))
    assert box.sends("duty") == [PageKind.ACKNOWLEDGE]


@pytest.mark.parametrize("again", [True, False])
def test_news_that_waits_gives_way_to_newer_news(box: Box, *, again: bool) -> None:
    """An acknowledgement that comes after what has begun again would quiet it."""
    box.store(alert())
    box.sends("duty")
    box.store(_acknowledged(2))
    box.store(alert(revision=3, change=Change.ROSE) if again else _resolved(3))
    kinds = [page.kind for page in box.due("duty")]
    assert kinds == [PageKind.TRIGGER if again else PageKind.RESOLVE]


def test_a_growing_alert_is_not_paged_again(box: Box) -> None:
    """A revision that neither rises nor is released is no page."""
    box.store(alert())
    box.sends("duty")
    box.store(alert(revision=2, change=Change.GREW))
    assert box.due("duty") == []


def test_old_news_is_not_paged(box: Box) -> None:
    """What was last news more than a day ago is counted, and left to the digest."""
    assert box.store(alert(), now_ms=NOW + 25 * HOUR) == {NoPage.OLD: 1}
    assert box.due("duty", NOW + 25 * HOUR) == []


def test_quiet_hours_hold_all_but_red(box: Box) -> None:
    """A yellow legal alert at eleven in the evening is told at seven; a red one at once."""
    night = NOW + 12 * HOUR
    legal: dict[str, Any] = {"risk": Risk.LEGAL, "updated_at": night}
    box.store(alert("y", tier=Tier.YELLOW, **legal), alert("r", **legal), now_ms=night)
    assert box.due("chat", night) == []
    assert [page.content.alert_id for page in box.due("chat", NOW + 20 * HOUR)] == ["y"]
    assert [page.content.alert_id for page in box.due("duty", night)] == ["r"]


def test_red_comes_first(box: Box) -> None:
    """However long others have waited."""
    box.store(alert("o", tier=Tier.ORANGE), alert("b", tier=Tier.BLUE))
    box.store(alert("r"), now_ms=NOW + 1)
    yellow = Read("alerts-1", 0, 1, [(0, alert("z", tier=Tier.YELLOW))])
    box.outbox.accept(yellow, PLAN, NOW + 2)
    due = box.due("cases", NOW + HOUR)
    assert [page.content.alert_id for page in due] == ["r", "o", "z", "b"]


def test_everything_survives_a_restart(box: Box) -> None:
    """What was due is due, what was sent is sent, and the offset is known."""
    box.store(alert("a"), alert("b"))
    (first, second) = box.due("duty")
    box.outbox.begin([first])
    box.outbox.sent([first], NOW)
    box.outbox.retry(second, NOW + 5)
    box.outbox.close()
    box.outbox = Outbox(f"sqlite:///{box.path}/outbox.db")
    box.outbox.accept(read_of([alert("a"), alert("b")]), PLAN, NOW)
    assert [page.page_id for page in box.due("duty", NOW + 5)] == [second.page_id]
    assert box.outbox.counts() == {"due": 3, "sent": 1, "dead": 0, "cancelled": 0}


def test_what_is_long_over_is_forgotten(box: Box) -> None:
    """The pages of alerts that are over; an open alert's stay, and so its end is told."""
    box.store(alert("a"), alert("b"))
    box.sends("duty")
    box.store(_resolved(2, alert_id="a"))
    box.sends("duty")
    assert box.outbox.prune(NOW) == 0
    assert box.outbox.prune(NOW + HOUR) == 3
    assert box.outbox.counts() == {"due": 1, "sent": 1, "dead": 0, "cancelled": 0}
    box.store(_resolved(2, alert_id="b"), now_ms=NOW + 2 * HOUR)
    assert box.sends("duty", NOW + 2 * HOUR) == [PageKind.RESOLVE]


@pytest.mark.parametrize(
    "url",
    ["nonsense", "sqlite:////no/such/folder/outbox.db", "postgresql://pager:geheim@127.0.0.1:1/x"],
)
def test_a_database_that_cannot_be_used_is_one_line_without_password(url: str) -> None:
    """The variable is named, and what is wrong."""
    with pytest.raises(DatabaseError) as caught:
        Outbox(url)
    message = str(caught.value)
    assert message.startswith("SENTINEL_OUTBOX: ")
    assert "\n" not in message
    assert "geheim" not in message
