"""History in SQL: every revision once, the newest to be found, and nothing left when forgotten."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec.structs import replace
from sqlalchemy import create_engine, select
from tests.delivery.alerts import CUSTOMER, NOW, alert

from sentinel.alerting.revision import request
from sentinel.database import DatabaseError
from sentinel.database.schema import head
from sentinel.history.records import Read, Record, amount_of
from sentinel.history.store import Store
from sentinel.history.tables import (
    ACTIONS,
    ALERTS,
    META,
    OUTCOMES,
    REASONS,
    RESPONSES,
    REVISIONS,
    SCHEMA,
)
from sentinel.model.alert import Alert, AlertState, Change, Entity, Resolution, Tier
from sentinel.model.response import Control, Response, ResponseKind, ResponseResult, Verdict
from sentinel.model.response_outcome import response_outcome
from sentinel.model.signal import Action, Clause
from sentinel.model.step import Chunk

HOUR = 3_600_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty history."""
    return Store(f"sqlite:///{tmp_path}/history.db")


def _accept(store: Store, *records: Record, start: int = 0, topic: str = "alerts") -> None:
    numbered = list(enumerate(records, start))
    store.accept(Read(f"{topic}-0", start, start + len(records), numbered))


def _rows(store: Store, table: Any) -> list[Any]:
    with store.database.reading() as connection:
        return list(connection.execute(select(table)))


def _resolved(alert_id: str, revision: int = 2, at_ms: int = NOW + HOUR) -> Alert:
    return alert(
        alert_id,
        revision,
        state=AlertState.RESOLVED,
        change=Change.RESOLVED,
        resolution=Resolution.CONFIRMED,
        updated_at=at_ms,
    )


def _answer(alert_id: str = "a1") -> Response:
    return Response(
        response_id="r1",
        event_time=NOW,
        key=CUSTOMER,
        kind=ResponseKind.DISPOSITION,
        actor="li.wei",
        alert_id=alert_id,
        verdict=Verdict.CONFIRMED,
        note="called back",
    )


def test_an_alert_is_found_as_its_newest_revision_says(store: Store) -> None:
    """Every revision is kept, in the order in which they came."""
    _accept(store, alert(), alert(revision=2, tier=Tier.ORANGE, score=70.0), _resolved("a1", 3))
    (newest,) = _rows(store, ALERTS)
    assert msgspec.json.decode(newest.data, type=Alert) == _resolved("a1", 3)
    assert [row.revision for row in _rows(store, REVISIONS)] == [1, 2, 3]


def test_what_is_read_again_changes_nothing(store: Store) -> None:
    """Whether the offsets are known or the records come at others."""
    _accept(store, alert(), alert(revision=2))
    _accept(store, alert(), alert(revision=2))
    _accept(store, alert(), alert(revision=2), start=2)
    assert [row.revision for row in _rows(store, REVISIONS)] == [1, 2]
    assert store.position("alerts-0") == 4
    assert store.position("alerts-1") is None


def test_a_row_says_what_a_queue_sorts_by(store: Store) -> None:
    """Tier, since when, whether it is over, its strongest rule and the largest amount."""
    _accept(store, alert())
    _accept(store, alert(revision=2, updated_at=NOW + 5), start=1)
    (row,) = _rows(store, ALERTS)
    assert (row.urgency, row.since_ms, row.over, row.rule) == (0, NOW, 0, "ato.drain")
    assert (row.amount, row.suppressed, row.entity_id) == (123_456.78, 0, CUSTOMER)
    _accept(store, alert(revision=3, tier=Tier.BLUE, updated_at=NOW + 9), start=2)
    (row,) = _rows(store, ALERTS)
    assert (row.urgency, row.since_ms, row.opened_ms) == (3, NOW + 9, NOW)


def test_the_amount_is_the_largest_that_was_seen() -> None:
    """A missing one is none, and an alert without amounts has none."""
    (reason,) = alert().reasons
    clauses = (Clause("a", {"amount": None}), Clause("b", {"amount": 5.0}), Clause("c", {"n": 9.0}))
    assert amount_of(alert(reasons=(replace(reason, clauses=clauses),))) == 5.0
    assert amount_of(alert(reasons=())) is None


def test_reasons_are_those_of_the_newest_revision(store: Store) -> None:
    """A rule that was corrected away is found no more."""
    (reason,) = alert().reasons
    both = (reason, replace(reason, rule_id="ato.other"))
    _accept(store, alert(reasons=both), alert(revision=2, reasons=both[1:]))
    assert [row.rule for row in _rows(store, REASONS)] == ["ato.other"]


def test_actions_and_answers_are_kept_once(store: Store) -> None:
    """An action by its id, an answer by where it stands: people may repeat theirs."""
    action = request(alert(), Action.DELAY_TRANSFER)
    _accept(store, action, action, topic="actions")
    _accept(store, _answer(), _answer(), topic="responses")
    assert [row.action for row in _rows(store, ACTIONS)] == ["delay_transfer"]
    assert [row.record for row in _rows(store, RESPONSES)] == ["responses-0@0", "responses-0@1"]
    first = _rows(store, RESPONSES)[0]
    assert (first.alert_id, first.actor, first.verdict, first.note, first.at_ms) == (
        "a1",
        "li.wei",
        "confirmed",
        "called back",
        NOW,
    )


def test_what_became_of_an_answer_is_kept_beside_it(store: Store) -> None:
    """Once for each record of the answer, in whatever order they come."""
    chunk = Chunk(Control.RESPONSE, "responses", 3, [7], [NOW], [b"k"], [b""])
    outcome = response_outcome(_answer(), (chunk, 0), NOW, ResponseResult.APPLIED, revision=2)
    _accept(store, outcome, outcome, topic="response-results")
    (row,) = _rows(store, OUTCOMES)
    assert (row.outcome_id, row.response_id, row.alert_id) == ("r1.3.7", "r1", "a1")
    assert (row.result, row.revision, row.reason) == ("applied", 2, None)


def test_what_ended_long_ago_is_pruned_with_all_that_belongs_to_it(store: Store) -> None:
    """What is open stays, however old, and so does what ended later."""
    _accept(store, alert("old"), _resolved("old"), alert("open"), alert("new"))
    _accept(store, _resolved("new", at_ms=NOW + 3 * HOUR), start=4)
    _accept(store, _answer("old"), _answer("open"), topic="responses")
    deleted = store.prune(NOW + 2 * HOUR)
    assert deleted == {
        "history_alerts": 1,
        "history_revisions": 2,
        "history_reasons": 1,
        "history_responses": 1,
    }
    assert sorted(row.alert_id for row in _rows(store, ALERTS)) == ["new", "open"]
    assert [row.alert_id for row in _rows(store, RESPONSES)] == ["open"]
    assert store.prune(NOW + 2 * HOUR) == {}


def test_one_customer_is_erased_and_no_other(store: Store) -> None:
    """Alerts, revisions, actions and answers; shared entities stay."""
    other = alert("b", entity=Entity("customer", "C2"), key="C2")
    shared = alert("c", entity=Entity("device", CUSTOMER))
    _accept(store, *(alert(f"a{n}") for n in range(1_200)), other, shared)
    assert store.erase(CUSTOMER)["history_alerts"] == 1_200
    assert sorted(row.alert_id for row in _rows(store, REVISIONS)) == ["b", "c"]


def test_tables_and_steps_agree(tmp_path: Path) -> None:
    """Whoever changes a table adds a step, and says so in the schema."""
    url = f"sqlite:///{tmp_path}/history.db"
    Store(url).close()
    assert head(SCHEMA) == SCHEMA.version
    engine = create_engine(url)
    with engine.connect() as connection:
        options = {"version_table": SCHEMA.versions.name}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), META)
    engine.dispose()
    assert list(found) == []


def test_a_database_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    """It names the setting, and not the password."""
    with pytest.raises(DatabaseError) as caught:
        Store(f"sqlite:///{tmp_path}/no/such/folder.db")
    assert str(caught.value) == "SENTINEL_HISTORY: unable to open database file"
