"""Complaints and dead letters of history on PostgreSQL, as the desk and commands read them."""

from collections.abc import Iterator

import msgspec
import pytest
from tests.complaint_steps import policy, step
from tests.delivery.postgres import Postgres
from tests.unit.complaints.books import ms

from sentinel.desk.complaints import ComplaintFilter, ComplaintList, Share, Tab
from sentinel.history.complaints import reschedule
from sentinel.history.dead_letters import DeadLetterRecord
from sentinel.history.export import complaint_lines, dead_letter_lines
from sentinel.history.records import Read, Record
from sentinel.history.store import Store
from sentinel.model.letter import Letter, RecordPosition

pytestmark = pytest.mark.process
MONDAY = "2026-03-02T09:00"
NOW = ms("2026-03-20T12:00")


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """History on a server of our own."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    store = Store(server.url)
    yield store
    store.close()
    server.stop()


def _accept(store: Store, topic: str, *records: Record) -> None:
    store.accept(Read(f"{topic}-0", 0, len(records), list(enumerate(records))))


def _letter(offset: int, value: bytes) -> DeadLetterRecord:
    position = RecordPosition("t.logins", 0, offset)
    letter = Letter(position, (0, offset), NOW, "schema", "no kind", len(value), is_cut=False)
    return DeadLetterRecord(letter, "C\x00", value)


def test_complaints_live_there_as_in_sqlite(store: Store) -> None:
    """Due first comes first and what owes nothing last; shared, exported, pruned, erased."""
    steps = [
        ("received", MONDAY),
        ("resolved", "2026-03-03T10:00"),
        ("replied", "2026-03-04T10:00"),
    ]
    _accept(
        store,
        "complaints",
        *(step(*each, "owes-nothing") for each in steps),
        step("received", MONDAY, "late"),
        step("received", "2026-03-19T09:00", "new", customer_id="C2"),
        *(step(*each, "closed", product=None) for each in [*steps, ("closed", "2026-03-05T10:00")]),
    )
    listed = ComplaintList(store.database)
    rows = listed.rows(ComplaintFilter(), NOW)
    assert [row.complaint_id for row in rows] == ["late", "new", "owes-nothing"]
    assert listed.counts(ComplaintFilter(), NOW) == {Tab.OPEN: 3, Tab.LATE: 1}
    assert listed.shares(0, NOW)["product"] == [Share("credit_card", 0, 1), Share(None, 1, 1)]
    assert listed.choices(0)["product"] == ["credit_card"]
    assert [each.at_ms for each in listed.steps("owes-nothing")] == [ms(at) for _, at in steps]
    assert reschedule(store.database, policy()) == 0
    lines = [msgspec.json.decode(line) for line in complaint_lines(store.database, 0, NOW)]
    assert [(each["complaint_id"], len(each["steps"])) for each in lines] == [
        ("closed", 4),
        ("late", 1),
        ("new", 1),
        ("owes-nothing", 3),
    ]
    pruned = {"history_complaints": 1, "history_complaint_steps": 4}
    assert store.prune(ms("2026-03-05T10:00") + 1) == pruned
    assert store.erase("C1") == {"history_complaints": 2, "history_complaint_steps": 4}


def test_dead_letters_live_there_as_in_sqlite(store: Store) -> None:
    """More than are deleted or exported at once, with bytes that are no text."""
    letters = [
        _letter(number, b"\x00\xff C1" if number % 2 else b"\x00") for number in range(1_100)
    ]
    _accept(store, "letters", *letters, letters[0])
    lines = [msgspec.json.decode(line) for line in dead_letter_lines(store.database, NOW, NOW + 1)]
    assert [each["offset"] for each in lines] == list(range(1_100))
    assert lines[0]["key"] == "C"
    assert store.erase("C1") == {"history_dead_letters": 550}
    assert store.prune(NOW + 1) == {"history_dead_letters": 550}
