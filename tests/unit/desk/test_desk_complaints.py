"""The list of complaints: what is due first, what is late, and how many were on time."""

from pathlib import Path
from typing import Any

import pytest
from tests.complaint_steps import step
from tests.unit.complaints.books import ms

from sentinel.complaints import Duty, Status
from sentinel.desk.complaints import ComplaintFilter, ComplaintList, Share, Step, Tab
from sentinel.history.complaints import ComplaintStep
from sentinel.history.records import Read
from sentinel.history.store import Store

MONDAY = "2026-03-02T09:00"  # of a month without holidays
NOW = ms("2026-03-20T12:00")
DAY = 86_400_000


class Scene:
    """A history with complaints."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder}/history.db")
        self.complaints = ComplaintList(self.store.database)
        self.offset = 0

    def add(self, *steps: ComplaintStep) -> None:
        """Store steps in their order."""
        numbered = list(enumerate(steps, self.offset))
        self.store.accept(Read("c-0", self.offset, self.offset + len(steps), numbered))
        self.offset += len(steps)

    def live(self, complaint_id: str, *steps: tuple[str, str], **fields: Any) -> None:
        """A complaint with its steps."""
        self.add(*(step(status, at, complaint_id, **fields) for status, at in steps))

    def shown(self, wanted: ComplaintFilter | None = None, **more: int) -> list[str]:
        """The ids that the list shows."""
        rows = self.complaints.rows(wanted or ComplaintFilter(), NOW, **more)
        return [row.complaint_id for row in rows]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """An empty history."""
    return Scene(tmp_path)


def _closed(scene: Scene, complaint_id: str, begun: str, ended: str, **fields: Any) -> None:
    days = (("received", MONDAY), ("investigating", begun), ("resolved", ended))
    scene.live(complaint_id, *days, ("replied", ended), ("closed", ended), **fields)


def test_what_is_due_first_comes_first(scene: Scene) -> None:
    """By the deadline of the open duty, not by receipt; what owes nothing more comes last."""
    scene.live("replied", ("received", MONDAY), ("replied", "2026-03-03T10:00"))
    scene.live("resolve", ("received", MONDAY), ("investigating", "2026-03-03T10:00"))
    scene.live("new", ("received", "2026-03-19T09:00"))
    scene.live("older", ("received", "2026-03-05T09:00"))
    scene.live("reply", ("received", "2026-03-05T09:00"), ("resolved", "2026-03-06T09:00"))
    assert scene.shown() == ["older", "resolve", "new", "reply", "replied"]
    assert scene.shown(skip=1, most=2) == ["resolve", "new"]


def test_late_is_what_is_open_past_a_deadline(scene: Scene) -> None:
    """From the deadline itself on; a duty fulfilled late is late no more."""
    scene.live("late", ("received", MONDAY))
    scene.live("behind", ("received", MONDAY), ("resolved", "2026-03-19T09:00"))
    scene.live("new", ("received", "2026-03-19T09:00"))
    assert scene.shown(ComplaintFilter(Tab.LATE)) == ["late"]
    assert scene.complaints.counts(ComplaintFilter(), NOW) == {Tab.OPEN: 3, Tab.LATE: 1}
    wanted, due_ms = ComplaintFilter(Tab.LATE), ms("2026-03-05T00:00")
    assert scene.complaints.rows(wanted, due_ms - 1) == []
    assert [row.complaint_id for row in scene.complaints.rows(wanted, due_ms)] == ["late"]


def test_the_latest_closed_comes_first(scene: Scene) -> None:
    """Withdrawn ones are among them."""
    _closed(scene, "early", "2026-03-03T10:00", "2026-03-04T10:00")
    _closed(scene, "later", "2026-03-03T10:00", "2026-03-06T10:00")
    scene.live("withdrawn", ("received", MONDAY), ("withdrawn", "2026-03-05T10:00"))
    assert scene.shown(ComplaintFilter(Tab.CLOSED)) == ["later", "withdrawn", "early"]
    assert scene.shown() == []


def test_filters_are_what_the_address_has(scene: Scene) -> None:
    """Product, branch, channel, category and language, together; an unknown tab is the first."""
    scene.live("K1", ("received", MONDAY), product="loan", text="利率不对")
    scene.live("K2", ("received", MONDAY), product="loan", branch_id="B2", text="too high")
    scene.live("K3", ("received", MONDAY), channel="media", category="service")
    read = ComplaintFilter.read
    assert scene.shown(read({"product": "loan"})) == ["K1", "K2"]
    assert scene.shown(read({"product": "loan", "language": "en"})) == ["K2"]
    assert scene.shown(read({"branch": "B0001", "channel": "media"})) == ["K3"]
    assert scene.shown(read({"category": "fees", "language": "zh"})) == ["K1"]
    wanted = read({"tab": "late", "product": "a&b", "q": "x"})
    assert wanted == ComplaintFilter(Tab.LATE, product="a&b")
    assert wanted.query() == "tab=late&product=a%26b"
    assert wanted.query(tab=Tab.OPEN, product="") == ""
    assert read({"tab": "none"}).tab is Tab.OPEN


def test_a_filter_offers_the_values_that_there_are(scene: Scene) -> None:
    """Of what is open or ended lately, each once, in order, without what is missing."""
    scene.live("old", ("received", MONDAY), ("withdrawn", MONDAY), product="old", branch_id=None)
    scene.live("new", ("received", MONDAY), ("withdrawn", "2026-03-02T09:01"), branch_id=None)
    scene.live("K1", ("received", MONDAY), product="loan", branch_id=None)
    scene.live("K2", ("received", MONDAY), product="card", branch_id=None)
    scene.live("K3", ("received", MONDAY), product="loan", branch_id=None, text="x")
    assert scene.complaints.choices(ms("2026-03-02T09:01")) == {
        "product": ["card", "credit_card", "loan"],
        "branch": [],
        "channel": ["hotline"],
        "category": ["fees"],
        "language": ["en"],
    }


def test_on_time_is_what_missed_no_deadline(scene: Scene) -> None:
    """Of what was closed in the time or is overdue now; not of withdrawn or punctual open ones."""
    _closed(scene, "good", "2026-03-03T10:00", "2026-03-06T10:00", product="loan")
    _closed(scene, "late", "2026-03-06T10:00", "2026-03-07T10:00", product="loan")
    _closed(scene, "other", "2026-03-03T10:00", "2026-03-06T10:00", product=None, channel="app")
    scene.live("overdue", ("received", MONDAY), product="loan", branch_id="B2")
    scene.live("open", ("received", "2026-03-19T09:00"), product="loan")
    scene.live("gone", ("received", MONDAY), ("withdrawn", "2026-03-09T10:00"), product="loan")
    since_ms = ms("2026-03-06T10:00")
    shares = scene.complaints.shares(since_ms, NOW)
    assert shares["product"] == [Share("loan", 1, 3), Share(None, 1, 1)]
    assert shares["branch"] == [Share("B0001", 2, 3), Share("B2", 0, 1)]
    assert shares["channel"] == [Share("hotline", 1, 3), Share("app", 1, 1)]
    shares = scene.complaints.shares(since_ms + 1, NOW)
    assert shares["product"] == [Share("loan", 0, 2)]


def test_a_complaint_is_found_with_its_steps(scene: Scene) -> None:
    """In the order of their times, however they came."""
    asked = {"extended_to": "30d", "approved_by": "u1042"}
    scene.add(
        step("investigating", "2026-03-03T10:00"),
        step("received", MONDAY, amount_involved=5.0),
        step("investigating", "2026-03-09T10:00", **asked),
    )
    row = scene.complaints.find("K1")
    assert row is not None
    assert (row.state, row.duty, row.amount) == (Status.INVESTIGATING, Duty.RESOLVE, 5.0)
    assert (row.opened_ms, row.due_ms) == (ms(MONDAY), ms("2026-04-02T00:00"))
    assert scene.complaints.steps("K1") == [
        Step(Status.RECEIVED, ms(MONDAY), None, None),
        Step(Status.INVESTIGATING, ms("2026-03-03T10:00"), None, None),
        Step(Status.INVESTIGATING, ms("2026-03-09T10:00"), "30d", "u1042"),
    ]
    assert scene.complaints.find("K2") is None
    assert scene.complaints.steps("K2") == []
