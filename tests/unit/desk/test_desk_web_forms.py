"""Forms of the desk: made in the session, by whom may send them, and not too large."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.web import HOST, OPEN, Web, concrete, deferred, running

from sentinel.desk.roles import PERMISSIONS, Permission, Role

ACTIONS = {  # each POST route but login and logout: what it needs, and a form that it accepts
    "/next": (Permission.ANSWER, {}),
    "/alerts/{alert_id}/responses": (Permission.ANSWER, {"do": "confirmed"}),
    "/alerts/{alert_id}/snooze": (Permission.ANSWER, {"for": "1h"}),
    "/alerts/{alert_id}/unmask": (Permission.UNMASK, {"reason": "call the customer"}),
    "/complaints/{complaint_id}/unmask": (Permission.UNMASK, {"reason": "call the customer"}),
    "/responses/{response_id}/withdraw": (Permission.ANSWER, {}),
    "/bulk": (Permission.BULK, {"alert": "a2", "verdict": "false_positive"}),
}


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A desk with three alerts."""
    with running(tmp_path, monkeypatch) as made:
        yield made


def test_every_form_is_in_the_table_of_permissions(web: Web) -> None:
    """A new POST route must be added to this file's table."""
    assert set(web.routes("POST")) - OPEN - {"/logout"} == set(ACTIONS)


def test_a_form_that_was_not_made_in_the_session_changes_nothing(web: Web) -> None:
    """Without token, with another session's, or with a wrong one, a form is refused."""
    person, other = web.person("senior"), web.person("senior")
    (answer,) = deferred(person.post("/alerts/a3/responses", do="confirmed"))
    before = web.footprint()
    for route, (_, form) in {**ACTIONS, "/logout": (None, {})}.items():
        path = concrete(route).replace("r1", answer)
        for csrf in ("", other.csrf, other.token, person.token, "é", person.csrf[:-1]):
            refused = person.post(path, **form, csrf=csrf)
            assert refused.status_code == 403, (path, csrf)
            assert "This page is too old" in refused.text
        assert person.request("POST", path, data=form).status_code == 403
        assert person.request("POST", path, json=form).status_code == 403
    assert web.footprint() == before
    assert person.get("/queue").status_code == 200  # still logged in


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": f"http://{HOST}.evil.example"},
        {"origin": f"http://evil.example/{HOST}"},
        {"origin": f"http://{HOST}@evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_changes_nothing(web: Web, headers: dict[str, str]) -> None:
    """Even with the session's own token, a form from elsewhere is refused."""
    person = web.person("senior")
    before = web.footprint()
    for route, (_, form) in ACTIONS.items():
        refused = person.request(
            "POST", concrete(route), data={"csrf": person.csrf, **form}, headers=headers
        )
        assert refused.status_code == 403, route
    assert web.footprint() == before


def test_the_token_may_stand_in_a_header(web: Web) -> None:
    """What htmx sends has the token in a header; a wrong one there is refused, too."""
    person = web.person()
    for csrf, status in ((person.csrf, 200), ("wrong", 403), ("", 403)):
        answer = person.request(
            "POST", "/alerts/a1/responses", data={"do": "confirmed"}, headers={"x-csrf-token": csrf}
        )
        assert answer.status_code == status


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_its_permissions_say(web: Web, role: Role) -> None:
    """Every form is done for whom the table allows it, and refused for everybody else."""
    person = web.person(role)
    for route, (permission, form) in ACTIONS.items():
        path = concrete(route)
        if "withdraw" in route and permission in PERMISSIONS[role]:
            (answer,) = deferred(person.post("/alerts/a3/responses", do="confirmed"))
            path = path.replace("r1", answer)
        before = web.footprint()
        status = person.post(path, **form).status_code
        if permission in PERMISSIONS[role]:
            assert status in (200, 303), (role, route)
            assert web.footprint() != before
        else:
            assert status == 403, (role, route)
            assert web.footprint() == before


@pytest.mark.parametrize("role", list(Role))
def test_a_page_offers_only_what_its_reader_may(web: Web, role: Role) -> None:
    """Buttons stand where the role may use them, and nowhere else."""
    person, may = web.person(role), PERMISSIONS[role]
    queue, alert = person.get("/queue").text, person.get("/alerts/a1").text
    assert ('action="/next' in queue) is (Permission.ANSWER in may)
    assert ('action="/bulk"' in queue) is (Permission.BULK in may)
    assert ('data-key="x" disabled' in queue) is (Permission.BULK not in may)
    assert ('hx-post="/alerts/a1/responses"' in alert) is (Permission.ANSWER in may)
    assert ('hx-post="/alerts/a1/unmask"' in alert) is (Permission.UNMASK in may)


def test_nobody_withdraws_the_answer_of_somebody_else(web: Web) -> None:
    """Another user's answer stays deferred, is not named as one's own, and no line is logged."""
    web.add("other", Role.SENIOR)
    owner, other = web.person("analyst"), web.person("other")
    (answer,) = deferred(owner.post("/alerts/a1/responses", do="confirmed"))
    assert deferred(other.get("/alerts/a1")) == []
    before = web.footprint()
    assert other.post(f"/responses/{answer}/withdraw").status_code == 404
    assert web.footprint() == before
    assert owner.post(f"/responses/{answer}/withdraw").status_code == 200


@pytest.mark.parametrize("path", ["/alerts/a1/responses", "/bulk", "/login", "/alerts/a1/unmask"])
def test_a_form_above_the_limit_is_refused(web: Web, path: str) -> None:
    """Large bodies are not read, with a length before them or without."""
    person = web.person("senior")
    before = web.footprint()
    token = {"x-csrf-token": person.csrf, "content-type": "application/x-www-form-urlencoded"}
    body = b"do=note&note=" + b"x" * 70_000
    assert person.request("POST", path, content=body, headers=token).status_code == 413
    chunks = (body[at : at + 1_000] for at in range(0, len(body), 1_000))
    assert person.request("POST", path, content=chunks, headers=token).status_code == 413
    assert web.footprint() == before


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"do": ""},
        {"do": "retract"},
        {"do": "label"},
        {"do": "note"},
        {"do": "note", "note": "  \n "},
        {"do": "confirmed'--"},
    ],
)
def test_what_is_no_button_is_no_answer(web: Web, form: dict[str, str]) -> None:
    """Only the buttons of the page are responses."""
    person = web.person()
    before = web.footprint()
    assert person.post("/alerts/a1/responses", **form).status_code == 400
    assert web.footprint() == before


@pytest.mark.parametrize("verdict", ["", "note", "assign", "acknowledge"])
def test_only_a_verdict_is_given_to_many(web: Web, verdict: str) -> None:
    """The bulk form ends alerts; it does nothing else with them."""
    person = web.person("senior")
    before = web.footprint()
    assert person.post("/bulk", alert=["a1", "a2"], verdict=verdict).status_code == 400
    assert web.footprint() == before


def test_a_broken_form_is_refused(web: Web) -> None:
    """A body that is no form, or half of one, is answered like a wrong token."""
    person = web.person()
    before = web.footprint()
    for content_type in ("multipart/form-data; boundary=x", "multipart/form-data", "text/plain"):
        answer = person.request(
            "POST",
            "/alerts/a1/responses",
            content=b"--x\r\nContent-Disposition: form-data; na",
            headers={"content-type": content_type},
        )
        assert answer.status_code in (400, 403), content_type
    assert web.footprint() == before
