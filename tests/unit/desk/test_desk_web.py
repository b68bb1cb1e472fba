"""Who comes in at the desk's door: sessions, logins, cookies, and where they lead."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Response as Page
from tests.desk.accounts import PASSWORD
from tests.desk.web import HOST, OPEN, Person, Web, concrete, running, title

from sentinel.desk.attempts import MOST_BY_NAME
from sentinel.desk.sessions import Limits
from sentinel.desk.view import LANGUAGE_COOKIE, SESSION_COOKIE


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A desk with three alerts."""
    with running(tmp_path, monkeypatch) as made:
        yield made


def _cookie(answer: Page, name: str = SESSION_COOKIE) -> tuple[str, set[str]]:
    """The value of a cookie that an answer sets, and its attributes."""
    lines = answer.headers.get_list("set-cookie")
    (line,) = (each for each in lines if each.startswith(f"{name}="))
    pair, *attributes = line.split("; ")
    return pair.partition("=")[2].strip('"'), {each.lower() for each in attributes}


def _log_in(
    person: Person, password: str = PASSWORD, to: str = "/queue", name: str = "analyst"
) -> Page:
    form = {"name": name, "password": password, "to": to}
    return person.request("POST", "/login", data=form)


def test_every_page_needs_a_session(web: Web) -> None:
    """Of all routes, only those named open answer somebody without a session."""
    routes = web.routes("GET")
    assert set(routes) > OPEN
    for route in routes:
        answer = web.stranger().get(concrete(route))
        if route in OPEN:
            assert answer.status_code in (200, 302), route
            assert "/login?" not in answer.headers.get("location", ""), route
        else:
            assert answer.status_code == 303, route
            assert answer.headers["location"] == f"/login?to={concrete(route)}", route


def test_every_form_needs_a_session(web: Web) -> None:
    """No POST route but the login does anything for somebody without a session."""
    before = web.footprint()
    for route in set(web.routes("POST")) - OPEN:
        answer = web.stranger().post(concrete(route), do="confirmed", verdict="confirmed")
        assert answer.status_code in (303, 403), route
        assert answer.headers.get("location", "/login").startswith("/login"), route
    assert web.footprint() == before


@pytest.mark.parametrize("token", ["x", "x" * 5_000, "%00", "\xff\xfe", "' OR 1=1 --", ""])
def test_a_made_up_token_is_no_session(web: Web, token: str) -> None:
    """Whatever a browser sends as the session's cookie, it opens nothing."""
    cookie = f"{SESSION_COOKIE}={token}".encode("latin-1")
    answer = web.stranger().get("/queue", headers={"cookie": cookie})
    assert answer.status_code == 303


def test_a_part_of_a_page_sends_the_whole_page_to_the_login(web: Web) -> None:
    """A request of htmx without a session moves the browser, not the part."""
    answer = web.stranger().get("/alerts/a1/responses", headers={"hx-request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login"


def test_the_right_password_opens_a_session(web: Web) -> None:
    """A login leads to where one wanted to go, with a cookie that works."""
    answer = _log_in(web.stranger(), to="/alerts/a1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts/a1")
    token, _ = _cookie(answer)
    assert Person(web, token).get("/queue").status_code == 200
    assert [line[0] for line in web.audit("login")] == ["analyst"]


@pytest.mark.parametrize("name", ["analyst", "nobody", "'; DROP TABLE desk_users; --"])
def test_a_wrong_login_opens_nothing_and_tells_nothing(web: Web, name: str) -> None:
    """A wrong password and an unknown name get the same answer, and no cookie."""
    answer = _log_in(web.stranger(), password="wrong password!", name=name)
    assert answer.status_code == 401
    assert "User name or password is wrong" in answer.text
    assert "set-cookie" not in answer.headers
    assert len(web.audit("login_refused")) == 1


def test_too_many_logins_are_limited_even_with_the_right_password(web: Web) -> None:
    """After the limit of a name its password is not checked any more."""
    for _ in range(MOST_BY_NAME):
        assert _log_in(web.stranger(), password="wrong password!").status_code == 401
    answer = _log_in(web.stranger())
    assert answer.status_code == 429
    assert "Too many attempts" in answer.text
    assert "set-cookie" not in answer.headers


def test_each_login_has_a_new_token_and_ends_the_session_it_came_with(web: Web) -> None:
    """A session that was planted before a login is neither used afterwards nor alive."""
    planted = web.person("viewer")
    first, _ = _cookie(_log_in(planted))
    second, _ = _cookie(_log_in(web.stranger()))
    assert len({planted.token, first, second}) == 3
    assert planted.get("/queue").status_code == 303
    assert Person(web, first).get("/queue").status_code == 200


def test_a_made_up_cookie_does_not_become_the_session(web: Web) -> None:
    """A token that somebody chose beforehand is not adopted by a login."""
    chosen = Person(web, "chosen-by-somebody-else")
    token, _ = _cookie(_log_in(chosen))
    assert token != chosen.token
    assert chosen.get("/queue").status_code == 303


def test_logout_ends_the_session_in_the_database(web: Web) -> None:
    """After a logout a copy of the cookie opens nothing, and the browser's is deleted."""
    person = web.person()
    answer = person.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    value, attributes = _cookie(answer)
    assert value == ""
    assert "max-age=0" in attributes
    assert web.accounts.user_of(person.token, web.clock()) is None
    assert person.get("/queue").status_code == 303
    assert [line[0] for line in web.audit("logout")] == ["analyst"]


def test_a_page_that_lies_open_keeps_no_session_alive(web: Web) -> None:
    """What a page asks for by itself does not count as use, so the idle limit ends the session."""
    person = web.person()
    for _ in range(4):
        web.clock.ms += Limits().idle_ms // 4
        person.get("/queue/news")
        person.get("/alerts/a1/responses")
    assert person.get("/queue").status_code == 303


def test_work_keeps_a_session_alive(web: Web) -> None:
    """Pages that a person opens put the idle limit off."""
    person = web.person()
    for _ in range(4):
        web.clock.ms += Limits().idle_ms // 2
        assert person.get("/queue").status_code == 200


def test_no_script_reads_the_cookies_and_no_other_site_sends_them(web: Web) -> None:
    """Cookies are HttpOnly, SameSite=Lax, for the whole desk, and end with the session."""
    _, session = _cookie(_log_in(web.stranger()))
    _, language = _cookie(web.stranger().get("/language/zh"), LANGUAGE_COOKIE)
    for attributes in (session, language):
        assert {"httponly", "samesite=lax", "path=/"} <= attributes
        assert not any(each.startswith("domain") for each in attributes)
    assert f"max-age={Limits().absolute_ms // 1000}" in session
    assert "secure" not in session


def test_cookies_go_over_tls_only_where_the_desk_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At an https address every cookie is Secure."""
    with running(tmp_path, monkeypatch, is_secure=True) as web:
        assert "secure" in _cookie(_log_in(web.stranger()))[1]
        assert "secure" in _cookie(web.person().post("/logout"))[1]
        assert "secure" in _cookie(web.stranger().get("/language/zh"), LANGUAGE_COOKIE)[1]


ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/queue\r\nset-cookie: a=b",
    "/\t/evil.example",
    " //evil.example",
    "//[evil",
    "http://[",
    "evil",
    "",
]


@pytest.mark.parametrize("to", ELSEWHERE)
def test_no_address_of_the_desk_leads_elsewhere(web: Web, to: str) -> None:
    """A login, a change of language and a bulk answer lead to this desk only."""
    answer = _log_in(web.stranger(), to=to)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    answer = web.stranger().get("/language/en", params={"to": to})
    assert (answer.status_code, answer.headers["location"]) == (302, "/queue")
    answer = web.person("senior").post("/bulk", alert="a1", verdict="false_positive", to=to)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    page = web.stranger().get("/login", params={"to": to})
    assert 'name="to" value="/queue"' in page.text


@pytest.mark.parametrize(
    "path", ["/alerts/a%20b%3Fc", "/queue?q=%E5%BC%A0&view=all", "/alerts/%0d%0aset-cookie:a"]
)
def test_the_login_leads_back_to_what_was_asked_for(web: Web, path: str) -> None:
    """An address survives the way through the login, whatever stands in it."""
    answer = web.stranger().get(path)
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
    form = web.stranger().get(answer.headers["location"])
    assert form.status_code == 200
    assert title(form).startswith("Log in")


def test_a_form_of_another_site_does_not_log_in(web: Web) -> None:
    """The login has no token, so its headers tell where a form comes from."""
    form = {"name": "analyst", "password": PASSWORD}
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": f"http://{HOST}.evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        answer = web.stranger().request("POST", "/login", data=form, headers=headers)
        assert answer.status_code == 403, headers
        assert "set-cookie" not in answer.headers
    here = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    assert web.stranger().request("POST", "/login", data=form, headers=here).status_code == 303
