"""A customer's timeline: events and alerts in one order, and which event raised which alert."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.delivery.alerts import NOW, alert

from sentinel.desk.declare import DeskPlan, read_folder
from sentinel.desk.texts import Texts
from sentinel.desk.timeline import Entry, Look, timeline
from sentinel.desk.words import Language, Speaker
from sentinel.history.archive_query import ArchiveReader
from sentinel.history.archive_rows import ArchivedEvent
from sentinel.model.alert import Alert
from sentinel.model.events import Complaint, Event, EventKey, Login, Stream, Transaction

CONFIGS = Path(__file__).parents[3] / "configs"
MINUTE = 60_000


@pytest.fixture(scope="module")
def plan() -> DeskPlan:
    """The shipped plan."""
    return read_folder(CONFIGS)


def _archived(event: Event) -> ArchivedEvent:
    streams = {Transaction: Stream.TRANSACTION, Login: Stream.LOGIN, Complaint: Stream.COMPLAINT}
    return ArchivedEvent(streams[type(event)], 0, 0, NOW, event)


def _paid(event_id: str = "E1", at_ms: int = NOW, **changes: Any) -> Transaction:
    return replace(
        Transaction(
            event_id=event_id,
            event_time=at_ms,
            customer_id="C1",
            kind="transfer",
            direction="debit",
            amount=84_300.0,
            counterparty_id="P-9",
        ),
        **changes,
    )


def _shown(
    plan: DeskPlan,
    *events: Event,
    alerts: tuple[Alert, ...] = (),
    triggers: tuple[tuple[EventKey, Alert], ...] = (),
    language: Language = Language.EN,
) -> list[Entry]:
    archived = [_archived(each) for each in events]
    return timeline(archived, alerts, triggers, Speaker(language, plan), Texts(language))


def test_the_newest_stands_first_and_an_alert_above_its_event(plan: DeskPlan) -> None:
    """At the same moment; the event is marked with the alert, once."""
    raised = alert(opened_at=NOW)
    key = (Stream.TRANSACTION, "E1")
    found = _shown(
        plan,
        _paid("E0", NOW - MINUTE),
        _paid("E1"),
        alerts=(raised,),
        triggers=((key, raised), (key, raised)),
    )
    assert [each.look for each in found] == [Look.ALERT, Look.OUT, Look.OUT]
    assert [list(each.marks) for each in found] == [[], [raised], []]
    assert found[0].alert == raised


def test_streams_may_share_ids(plan: DeskPlan) -> None:
    """A login of the same id is not the alert's trigger."""
    login = Login(event_id="E1", event_time=NOW, customer_id="C1", kind="login", success=True)
    (entry,) = _shown(plan, login, triggers=(((Stream.TRANSACTION, "E1"), alert()),))
    assert entry.marks == ()


@pytest.mark.parametrize(
    ("event", "look", "title", "details", "amount"),
    [
        (_paid(), Look.OUT, "transfer · out", ["P-9"], "−CNY 84,300.00"),
        (
            _paid(direction="credit", amount="12.5", currency="USD"),
            Look.IN,
            "transfer · in",
            ["P-9"],
            "+USD 12.50",
        ),
        (
            _paid(status="declined", counterparty_id=None),
            Look.FAILED,
            "transfer · out",
            ["declined"],
            "−CNY 84,300.00",
        ),
        (
            Login(
                event_id="L",
                event_time=NOW,
                customer_id="C1",
                kind="payee_added",
                success=True,
                device_id="D\n1",
            ),
            Look.CHANGE,
            "payee added",
            ["D\\n1"],
            "",
        ),
        (
            Login(
                event_id="L",
                event_time=NOW,
                customer_id="C1",
                kind="login",
                success=False,
                failure_reason="password",
            ),
            Look.FAILED,
            "login: failed",
            ["password"],
            "",
        ),
        (
            Complaint(
                event_id="K",
                event_time=NOW,
                complaint_id="K1",
                customer_id="C1",
                status="received",
                channel="hotline",
                category="fees",
            ),
            Look.COMPLAINT,
            "complaint: received",
            ["fees", "hotline"],
            "",
        ),
    ],
)
def test_each_event_is_told_in_a_line(
    plan: DeskPlan, event: Event, look: Look, title: str, details: list[str], amount: str
) -> None:
    """What happened, with whom or from where, and the amount as it was recorded."""
    (entry,) = _shown(plan, event)
    assert (entry.look, entry.title, entry.details, entry.amount) == (look, title, details, amount)


def test_chinese_lines_are_chinese(plan: DeskPlan) -> None:
    """In the words of the plan."""
    (entry,) = _shown(plan, _paid(status="declined"), language=Language.ZH)
    assert (entry.title, entry.details) == ("转账 · 支出", ["被拒", "P-9"])


def test_an_archive_that_is_not_there_yet_has_no_events(tmp_path: Path) -> None:
    """The desk may start before history has written its first file."""
    assert ArchiveReader(tmp_path / "none").timeline("C1", 0, NOW) == []
