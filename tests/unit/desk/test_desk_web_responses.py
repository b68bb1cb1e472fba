"""Outgoing given in the browser: deferred, taken back, sent once; and what is next."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.delivery.alerts import CUSTOMER, NOW, alert
from tests.desk.web import UNDO_MS, Person, Web, deferred, running

from sentinel.desk import outgoing
from sentinel.desk.roles import Role
from sentinel.model.alert import AlertState, Resolution, Suppression, Suppressor, Tier
from sentinel.model.response import ResponseKind, Verdict


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A desk with three alerts."""
    with running(tmp_path, monkeypatch) as made:
        yield made


def _nothing_else_is_sent(web: Web, person: Person) -> None:
    """A note is sent at once, after everything that was due before it."""
    person.post("/alerts/a3/responses", do="note", note="last")
    assert web.next_sent().note == "last"
    assert web.sent.empty()


def test_a_verdict_is_held_and_sent_once(web: Web) -> None:
    """It waits for as long as it may be taken back; then it is sent, as it was given."""
    person = web.person()
    page = person.post("/alerts/a1/responses", do="false_positive", note=" known device ")
    assert "is sent in 10 s" in page.text
    web.later(UNDO_MS - 1)
    _nothing_else_is_sent(web, person)
    web.later(1)
    sent = web.next_sent()
    assert (sent.kind, sent.verdict) == (ResponseKind.DISPOSITION, Verdict.FALSE_POSITIVE)
    assert (sent.alert_id, sent.key, sent.actor) == ("a1", CUSTOMER, "analyst")
    assert (sent.note, sent.event_time) == ("known device", NOW + 60_000)
    web.later(UNDO_MS)
    _nothing_else_is_sent(web, person)


def test_a_verdict_can_be_taken_back_while_it_is_held(web: Web) -> None:
    """What was withdrawn is shown no more, is never sent, and cannot be withdrawn again."""
    person = web.person()
    (answer,) = deferred(person.post("/alerts/a1/responses", do="confirmed"))
    web.clock.ms += UNDO_MS - 1
    page = person.post(f"/responses/{answer}/withdraw")
    assert page.status_code == 200
    assert "No answer yet" in page.text
    assert person.post(f"/responses/{answer}/withdraw").status_code == 404
    web.later(UNDO_MS)
    _nothing_else_is_sent(web, person)


def test_a_verdict_that_was_sent_cannot_be_taken_back(web: Web) -> None:
    """Afterwards the page offers no undo, and the form is refused."""
    person = web.person()
    (answer,) = deferred(person.post("/alerts/a1/responses", do="confirmed"))
    web.later(UNDO_MS)
    assert web.next_sent().response_id == answer
    before = web.footprint()
    assert deferred(person.get("/alerts/a1")) == []
    assert person.post(f"/responses/{answer}/withdraw").status_code == 404
    assert web.footprint()[0] == before[0] + 1  # the look


@pytest.mark.parametrize(
    ("do", "kind"),
    [
        ("note", ResponseKind.NOTE),
        ("assign", ResponseKind.ASSIGN),
        ("acknowledge", ResponseKind.ACKNOWLEDGE),
    ],
)
def test_what_is_no_verdict_is_sent_at_once(web: Web, do: str, kind: ResponseKind) -> None:
    """Notes and assignments do not wait; an assignment is to oneself."""
    page = web.person().post("/alerts/a1/responses", do=do, note="why")
    assert deferred(page) == []
    sent = web.next_sent()
    assert (sent.kind, sent.note, sent.verdict) == (kind, "why", None)
    assert sent.assignee == ("analyst" if do == "assign" else None)


def test_a_long_note_is_cut(web: Web) -> None:
    """A note has at most 2,000 characters."""
    web.person().post("/alerts/a1/responses", do="note", note="x" * 3_000)
    assert web.next_sent().note == "x" * 2_000


def test_an_alert_that_is_not_there_is_not_answered(web: Web) -> None:
    """No answer to an unknown alert; of many, none if one is unknown."""
    person = web.person("senior")
    before = web.footprint()
    assert person.post("/alerts/none/responses", do="confirmed").status_code == 404
    assert person.post("/alerts/none/unmask", reason="call back").status_code == 404
    assert person.post("/bulk", alert=["a1", "none"], verdict="confirmed").status_code == 404
    assert web.footprint() == before


def test_one_verdict_for_many_is_held_for_each_once(web: Web) -> None:
    """Each chosen alert is answered once, and each answer can be taken back by itself."""
    person = web.person("senior")
    person.post("/bulk", alert=["a1", "a2", "a1"], verdict="false_positive")
    (first,), (_,) = deferred(person.get("/alerts/a1")), deferred(person.get("/alerts/a2"))
    assert deferred(person.get("/alerts/a3")) == []
    person.post(f"/responses/{first}/withdraw")
    web.later(UNDO_MS)
    assert web.next_sent().alert_id == "a2"
    _nothing_else_is_sent(web, person)


def test_more_than_the_limit_at_once_are_refused_and_not_cut(web: Web) -> None:
    """Nobody believes to have ended 201 alerts when 200 were."""
    person = web.person("senior")
    before = web.footprint()
    many = [f"b{number}" for number in range(201)]
    assert person.post("/bulk", alert=many, verdict="confirmed").status_code == 400
    assert web.footprint() == before


def test_a_full_queue_of_answers_is_told(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Kafka takes nothing, further responses are refused with the reason."""
    monkeypatch.setattr(outgoing, "MOST_DEFERRED", 0)
    person = web.person("senior")
    told = "Too many responses wait to be sent"
    part = person.post("/alerts/a1/responses", do="confirmed")
    assert (part.status_code, told in part.text) == (200, True)
    for path, form in (("/next", {}), ("/bulk", {"alert": "a1", "verdict": "confirmed"})):
        page = person.post(path, **form)
        assert (page.status_code, told in page.text) == (503, True)


def test_next_assigns_the_most_urgent_and_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is suppressed, assigned, acknowledged or over is passed over; the filter holds."""
    alerts = [
        alert("a1", suppressed=(Suppressor(Suppression.SILENCE, "s"),)),
        alert("a2", assignee="li.wei"),
        alert("a3", state=AlertState.ACKNOWLEDGED, acknowledged_by="li.wei"),
        alert("a4", state=AlertState.RESOLVED, resolution=Resolution.QUIET),
        alert("b1", tier=Tier.YELLOW),
        alert("b2", tier=Tier.ORANGE),
    ]
    with running(tmp_path, monkeypatch, *alerts) as web:
        person = web.person()
        assert person.post("/next?tier=yellow").headers["location"] == "/alerts/b1"
        answer = person.post("/next")
        assert (answer.status_code, answer.headers["location"]) == (303, "/alerts/b2")
        sent = [web.next_sent(), web.next_sent()]
        assert [(each.alert_id, each.kind, each.assignee) for each in sent] == [
            ("b1", ResponseKind.ASSIGN, "analyst"),
            ("b2", ResponseKind.ASSIGN, "analyst"),
        ]
        nobody = person.post("/next?tier=red")
        assert nobody.headers["location"] == "/queue?tier=red&notice=nobody_left"
        assert "No alert that nobody has" in person.get(nobody.headers["location"]).text


def test_next_never_gives_two_people_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight people at once get forty different alerts, and the last ones none."""
    alerts = [alert(f"a{number:02}") for number in range(40)]
    with running(tmp_path, monkeypatch, *alerts) as web:
        people = []
        for number in range(8):
            web.add(f"user{number}", Role.ANALYST)
            people.append(web.person(f"user{number}"))
        with ThreadPoolExecutor(len(people)) as pool:
            given = list(pool.map(lambda person: person.post("/next"), people * 6))
        places = [each.headers["location"] for each in given]
    opened = [place for place in places if place.startswith("/alerts/")]
    assert sorted(opened) == [f"/alerts/a{number:02}" for number in range(40)]
    assert places.count("/queue?notice=nobody_left") == 8
