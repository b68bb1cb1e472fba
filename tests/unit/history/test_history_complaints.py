"""Complaints in history: where each stands as the engine has it, and each step once."""

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from tests.complaint_steps import policy, step
from tests.delivery.alerts import alert
from tests.unit.complaints.books import book, ms
from tests.zygote import run

from sentinel.complaints import Complaints
from sentinel.history.complaints import language_of, reschedule
from sentinel.history.records import Read, Record
from sentinel.history.store import Store
from sentinel.history.tables import ALERTS, COMPLAINT_STEPS, COMPLAINTS
from sentinel.model.alert import Entity
from sentinel.model.events import epoch_ms

MONDAY = "2026-03-02T09:00"  # of a month without holidays


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty history."""
    return Store(f"sqlite:///{tmp_path}/history.db")


def _accept(store: Store, *records: Record, start: int = 0) -> None:
    numbered = list(enumerate(records, start))
    store.accept(Read("complaints-0", start, start + len(records), numbered))


def _rows(store: Store, table: Any) -> list[Any]:
    with store.database.reading() as connection:
        return list(connection.execute(select(table)))


def _one(store: Store) -> Any:
    (row,) = _rows(store, COMPLAINTS)
    return row


def test_a_complaint_is_stored_with_what_its_first_event_has(store: Store) -> None:
    """Customer, product, category, branch, channel, amount and language; due first is to begin."""
    opened = step("received", MONDAY, text="被多收了年费", amount_involved="1200.50")
    _accept(store, opened)
    row = _one(store)
    assert (row.complaint_id, row.customer_id, row.channel) == ("K1", "C1", "hotline")
    assert (row.product, row.category, row.branch) == ("credit_card", "fees", "B0001")
    assert (row.language, row.amount, row.state, row.over, row.late) == (
        "zh",
        1200.5,
        "received",
        0,
        0,
    )
    assert (row.opened_ms, row.since_ms) == (ms(MONDAY), ms(MONDAY))
    assert (row.duty, row.due_ms) == ("acknowledge", ms("2026-03-05T00:00"))


def test_its_deadline_is_that_of_the_duty_due_next(store: Store) -> None:
    """Begin, resolve within 15 days, reply within 30 working days; then nothing is due."""
    _accept(store, step("received", MONDAY))
    seen = []
    for number, (status, at) in enumerate(
        [
            ("investigating", "2026-03-03T10:00"),
            ("resolved", "2026-03-10T10:00"),
            ("replied", "2026-03-11T10:00"),
            ("closed", "2026-03-12T10:00"),
        ],
        1,
    ):
        _accept(store, step(status, at), start=number)
        row = _one(store)
        seen.append((row.state, row.over, row.late, row.duty, row.due_ms))
    assert seen == [
        ("investigating", 0, 0, "resolve", ms("2026-03-18T00:00")),
        ("resolved", 0, 0, "reply", ms("2026-04-15T00:00")),
        ("replied", 0, 0, None, None),
        ("closed", 1, 0, None, None),
    ]
    steps = [(row.status, row.at_ms) for row in _rows(store, COMPLAINT_STEPS)]
    assert steps == [
        ("received", ms(MONDAY)),
        ("investigating", ms("2026-03-03T10:00")),
        ("resolved", ms("2026-03-10T10:00")),
        ("replied", ms("2026-03-11T10:00")),
        ("closed", ms("2026-03-12T10:00")),
    ]


@pytest.mark.parametrize(
    ("at", "late"), [("2026-03-04T23:59:59", 0), ("2026-03-05T00:00", 1), ("2026-03-09T10:00", 1)]
)
def test_a_duty_fulfilled_at_its_deadline_is_late(store: Store, at: str, late: int) -> None:
    """A moment before is on time; and late it stays, whatever is on time afterwards."""
    _accept(store, step("received", MONDAY), step("investigating", at))
    assert _one(store).late == late
    _accept(store, step("resolved", "2026-03-09T11:00"), start=2)
    assert _one(store).late == late


def test_an_approved_extension_moves_the_deadline(store: Store) -> None:
    """And its step names who approved it."""
    asked = {"extended_to": "30d", "approved_by": "u1042"}
    _accept(
        store,
        step("received", MONDAY),
        step("investigating", "2026-03-03T10:00"),
        step("investigating", "2026-03-09T10:00", **asked),
    )
    assert (_one(store).duty, _one(store).due_ms) == ("resolve", ms("2026-04-02T00:00"))
    last = _rows(store, COMPLAINT_STEPS)[-1]
    assert (last.extended_to, last.approved_by) == ("30d", "u1042")


def test_closed_without_its_reply_it_stays_open(store: Store) -> None:
    """As in the engine: the reply, when it comes, closes it."""
    steps = [
        step("received", MONDAY),
        step("closed", "2026-03-03T10:00"),
        step("replied", "2026-03-04T10:00"),
    ]
    _accept(store, *steps[:2])
    assert (_one(store).state, _one(store).over) == ("received", 0)
    _accept(store, steps[2], start=2)
    assert (_one(store).state, _one(store).over) == ("closed", 1)


def test_it_stands_where_the_engines_book_has_it(store: Store) -> None:
    """Whatever comes in whatever order: the stored state is the book's."""
    mirror = Complaints(policy())
    moves = [
        ("investigating", "2026-03-03T10:00"),
        ("received", MONDAY),
        ("replied", "2026-03-08T10:00"),
        ("resolved", "2026-03-07T10:00"),
        ("received", "2026-03-09T10:00"),
        ("withdrawn", "2026-03-10T10:00"),
        ("closed", "2026-03-11T10:00"),
    ]
    for number, (status, at) in enumerate(moves):
        each = step(status, at)
        event, at_ms = each.event, epoch_ms(each.event.event_time)
        mirror.process(
            "K1",
            "C1",
            status,
            event.channel,
            event.product,
            event.category,
            event.branch_id,
            event.event_id,
            at_ms,
            at_ms,
        )
        _accept(store, each, start=number)
        assert msgspec.json.decode(_one(store).data) == msgspec.to_builtins(mirror.record("K1"))


def test_a_new_policy_moves_the_deadlines_of_open_complaints(store: Store) -> None:
    """At the start of the service, as in the engine; what is over or right already stays."""
    many = [step("received", MONDAY, f"K{number:04}") for number in range(1_100)]
    _accept(store, *many, step("received", MONDAY, "over"), step("withdrawn", MONDAY, "over"))
    assert reschedule(store.database, policy()) == 0
    sooner = book(("acknowledge: 2wd", "acknowledge: 1wd")).policy
    assert reschedule(store.database, sooner) == 1_100
    rows = {row.complaint_id: (row.duty, row.due_ms) for row in _rows(store, COMPLAINTS)}
    assert rows["K1099"] == ("acknowledge", ms("2026-03-04T00:00"))
    assert rows["over"] == (None, None)


def test_a_step_that_is_read_again_is_stored_once(store: Store) -> None:
    """At the same offset, and sent again at another one."""
    for start in (0, 0, 1):
        _accept(store, step("received", MONDAY, amount_involved=5.0), start=start)
    assert len(_rows(store, COMPLAINT_STEPS)) == 1
    assert store.position("complaints-0") == 2


def test_another_customer_changes_nothing(store: Store) -> None:
    """Whose complaint it is does not change, and no step of a stranger is among its steps."""
    _accept(store, step("received", MONDAY))
    _accept(store, step("investigating", "2026-03-03T10:00", customer_id="C2"), start=1)
    assert (_one(store).customer_id, _one(store).state) == ("C1", "received")
    assert len(_rows(store, COMPLAINT_STEPS)) == 1


@pytest.mark.parametrize(
    ("text", "language"),
    [("多收了 fee", "zh"), ("charged twice", "en"), ("123 !", None), ("", None), (None, None)],
)
def test_the_language_is_that_of_its_text(text: str | None, language: str | None) -> None:
    """One Chinese character makes it Chinese; without letters there is none."""
    assert language_of(text) == language


def test_what_ended_long_ago_is_pruned_with_its_steps(store: Store) -> None:
    """What is open stays, however old."""
    _accept(
        store,
        step("received", MONDAY, "old"),
        step("withdrawn", "2026-03-03T10:00", "old"),
        step("received", MONDAY, "open"),
        step("received", MONDAY, "new"),
        step("withdrawn", "2026-03-20T10:00", "new"),
    )
    deleted = store.prune(ms("2026-03-10T00:00"))
    assert deleted == {"history_complaints": 1, "history_complaint_steps": 2}
    assert sorted(row.complaint_id for row in _rows(store, COMPLAINTS)) == ["new", "open"]


def test_a_customers_complaints_are_erased_with_their_alerts(store: Store) -> None:
    """Of no other customer, and no other complaint."""
    about = [alert(each, entity=Entity("complaint", each)) for each in ("K1", "K2")]
    _accept(store, step("received", MONDAY), step("received", MONDAY, "K2", customer_id="C2"))
    store.accept(Read("alerts-0", 0, 2, list(enumerate(about))))
    deleted = store.erase("C1")
    assert (deleted["history_complaints"], deleted["history_complaint_steps"]) == (1, 1)
    assert deleted["history_alerts"] == 1
    assert [row.alert_id for row in _rows(store, ALERTS)] == ["K2"]
    assert [row.complaint_id for row in _rows(store, COMPLAINTS)] == ["K2"]


def test_complaints_are_exported_with_their_steps(tmp_path: Path) -> None:
    """Those opened in the span, a line each, told by number."""
    store = Store(f"sqlite:///{tmp_path}/history.db")
    many = [step("received", ms(MONDAY) + number, f"K{number:04}") for number in range(600)]
    _accept(store, *many, step("received", "2026-04-02T09:00", "later"))
    store.close()
    file = tmp_path / "complaints.jsonl.gz"
    span = ("--history", "2026-03-01..2026-04-01", "--records", "complaints")
    environment = {"SENTINEL_HISTORY": f"sqlite:///{tmp_path}/history.db"}
    done = run("history", "export", "--to", file, *span, environment=environment)
    assert (done.returncode, done.stderr) == (0, "600 complaints\n")
    lines = [msgspec.json.decode(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert [each["complaint_id"] for each in lines] == [f"K{number:04}" for number in range(600)]
    assert lines[7]["steps"] == [
        {
            "event_id": f"K0007-received-{ms(MONDAY) + 7}",
            "status": "received",
            "at_ms": ms(MONDAY) + 7,
            "extended_to": None,
            "approved_by": None,
        }
    ]
    refused = run("history", "export", "--to", file, *span, "--stream", "login")
    assert refused.returncode == 2
