"""Texts of others on the desk's pages: never markup, never SQL."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select
from tests.complaint_steps import step
from tests.delivery.alerts import NOW, alert
from tests.desk.web import Person, Web, concrete, running

from sentinel.desk.complaints import BY
from sentinel.history.records import Record
from sentinel.history.tables import ALERTS
from sentinel.model.alert import Alert, Entity, Suppression, Suppressor
from sentinel.model.response import Response, ResponseKind, ResponseResult
from sentinel.model.response_outcome import ResponseOutcome
from sentinel.model.signal import Clause, Title

EVIL = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    '</title><base href="//evil">',
    "<div hx-post=/bulk hx-trigger=load>",
    "{{ 7 * 7 }}{% raw %}",
    "{} {0.__class__} %s",
    "\x00\x1b[2J\u202e",
]
SQL = ["' OR 1=1 --", "'; DROP TABLE history_alerts; --", "a1' --", "%", "_", "\x00", "\\", "🙂"]


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A desk with three alerts."""
    with running(tmp_path, monkeypatch) as made:
        yield made


class _Skeleton(HTMLParser):
    """The elements of a page with the names of their attributes, and where links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.schemes: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, *(name for name, _ in attrs)))
        for name, value in attrs:
            if name in ("href", "src", "action", "hx-get", "hx-post") and value:
                self.schemes.add(value[0])


def _alert(words: str, alert_id: str = "e1", kind: str = "merchant") -> Alert:
    """An alert in which every text of others is ``words``."""
    plain = alert(alert_id)
    reason = replace(
        plain.reasons[0],
        rule_id=f"rule {words}",
        title=Title(words, words),
        clauses=(Clause(words, {f"name {words}": words, "device_id": words}),),
    )
    return replace(
        plain,
        key=words,
        entity=Entity(kind, f"id {words}"),
        title=Title(f"title {words}", f"title {words}"),
        assignee=words,
        runbook=words,
        reasons=(reason,),
        suppressed=(Suppressor(Suppression.SILENCE, words),),
    )


def _complained(words: str) -> Record:
    """A complaint in which every text of others is ``words``."""
    texts = ("event_id", "customer_id", "product", "category", "branch_id", "approved_by")
    fields = dict.fromkeys(texts, words)
    return step("received", NOW, "e1", extended_to=words, channel=f"by {words}", **fields)


def _answered(words: str, alert_id: str = "e1") -> list[Record]:
    """Outgoing of another program, and what became of them."""
    fields = {"event_time": NOW, "key": words, "alert_id": alert_id, "actor": words}
    return [
        _complained(words),
        Response(response_id="r1", kind=ResponseKind.NOTE, note=words, **fields),  # type: ignore[arg-type]
        Response(response_id="r2", kind=ResponseKind.ASSIGN, assignee=words, **fields),  # type: ignore[arg-type]
        ResponseOutcome(
            outcome_id="o1",
            response_id="r1",
            partition=0,
            offset=0,
            key=words,
            kind=ResponseKind.NOTE,
            actor=words,
            alert_id=alert_id,
            event_id=None,
            result=ResponseResult.REFUSED,
            revision=None,
            reason=None,
            detail=words,
            processed_at=NOW,
        ),
    ]


def _pages(person: Person, words: str) -> dict[str, str]:
    """Every page that shows a text of others, by what it is."""
    search = {"view": "all", "q": words, "rule": words, "tier": words, "risk": words}
    asked = {
        "queue": person.get("/queue?view=all"),
        "rows": person.get("/queue/rows?view=all"),
        "search": person.get("/queue", params=search),
        "alert": person.get("/alerts/e1"),
        "other": person.get("/alerts/e2"),
        "responses": person.get("/alerts/e1/responses"),
        "entity": person.get("/entities/merchant/of/e1"),
        "complaints": person.get("/complaints"),
        "complaint_rows": person.get("/complaints/rows"),
        "complaint": person.get("/complaints/e1"),
        "complaining": person.get("/complaints/e1/customer"),
        "filtered": person.get("/complaints", params=dict.fromkeys(("tab", *BY), f"no {words}")),
        "login": person.web.stranger().get("/login", params={"to": f"/{words}"}),
        "error": person.get("/queue/none", params=search),
        "notice": person.get("/queue", params={"notice": words}),
    }
    return {name: page.text for name, page in asked.items()}


def test_no_text_of_others_is_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page has the same elements and attributes whatever stands in its texts."""
    skeletons: dict[str, dict[str, list[tuple[str, ...]]]] = {}
    for number, words in enumerate(["plain", *EVIL]):
        folder = tmp_path / str(number)
        folder.mkdir()
        alerts = [_alert(words), _alert(words, "e2")]
        with running(folder, monkeypatch, *alerts, *_answered(words)) as web:
            person = web.person("senior")
            person.post("/alerts/e1/responses", do="note", note=f"note {words}")
            found = {name: _Skeleton(page) for name, page in _pages(person, words).items()}
        for name, skeleton in found.items():
            assert skeleton.schemes <= {"/", "#", "?"}, (name, words)
            assert not [each for each in skeleton.elements if any(a[:2] == "on" for a in each[1:])]
        skeletons[words] = {name: each.elements for name, each in found.items()}
    for words in EVIL:
        for name, elements in skeletons[words].items():
            assert elements == skeletons["plain"][name], (name, words)


def test_texts_of_others_are_there_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is escaped is not lost: a page shows it, with hidden characters as codes."""
    words = "<b>\u202e&"
    with running(tmp_path, monkeypatch, _alert(words), _alert(words, "e2")) as web:
        person = web.person()
        person.post("/alerts/e1/responses", do="note", note=f"note {words}")
        pages = _pages(person, words)
    shown = r"&lt;b&gt;\u202e&amp;"
    for name in ("queue", "rows", "alert", "entity"):
        assert f"title {shown}" in pages[name], name
    assert f"note {shown}" in pages["responses"]
    assert f"id {shown}" in pages["entity"]
    assert f"name {shown}" in pages["alert"]


def test_an_unmasked_id_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id is put into the page as HTML, so what a customer has in it must be escaped."""
    wicked = "<img hx-post=/bulk hx-trigger=load>"
    with running(tmp_path, monkeypatch, alert("a1", entity=Entity("customer", wicked))) as web:
        answer = web.person().post("/alerts/a1/unmask", reason="call back")
    assert _Skeleton(answer.text).elements == []
    assert "&lt;img" in answer.text


def test_every_answer_has_the_headers_that_confine_a_page(web: Web) -> None:
    """Pages, errors, redirects, files and probes have them; only files may be kept."""
    person = web.person()
    responses = [
        *(person.get(concrete(route)) for route in web.routes("GET") if route != "/live"),
        *(person.post(concrete(route)) for route in web.routes("POST")),
        web.stranger().get("/queue"),
        web.stranger().post("/bulk"),
        person.get("/none"),
        person.get("/static/none.js"),
        person.request("DELETE", "/queue"),
        person.request("POST", "/login", data={"name": "x" * 70_000}),
    ]
    assert {200, 302, 303, 400, 403, 404, 405, 413} <= {each.status_code for each in responses}
    for answer in responses:
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy)
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        is_file = answer.url.path.startswith("/static/") and answer.status_code == 200
        kept = "public, max-age=31536000, immutable" if is_file else "no-store"
        assert answer.headers.get_list("cache-control") == [kept], answer.url


@pytest.mark.parametrize("words", SQL)
def test_no_input_is_sql(web: Web, words: str) -> None:
    """What looks like SQL or a pattern finds nothing and changes nothing."""
    person = web.person("senior")
    for name in ("q", "rule"):
        page = person.get("/queue", params={"view": "all", name: words})
        assert page.status_code == 200
        assert 'id="a-a1"' not in page.text
    for name in ("view", "tier", "risk", "skip", "after", "notice"):
        for path in ("/queue", "/queue/rows", "/queue/news"):
            assert person.get(path, params={name: words}).status_code == 200, (name, path)
    for name in ("tab", "skip", *BY):
        for path in ("/complaints", "/complaints/rows"):
            page = person.get(path, params={name: words})
            assert page.status_code == 200, (name, path)
            assert ("/complaints/K1" in page.text) is (name in ("tab", "skip")), (name, path)
    for path in (
        "/complaints/{}",
        "/complaints/{}/customer",
        "/alerts/{}",
        "/alerts/{}/responses",
        "/entities/customer/of/{}",
        "/entities/{}/of/a1",
    ):
        assert person.get(path.format(_quoted(words))).status_code == 404, path
    assert person.post(f"/responses/{_quoted(words)}/withdraw").status_code == 404
    assert person.post("/bulk", alert=[words, "a1"], verdict="confirmed").status_code == 404
    with web.store.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(ALERTS)) == 3
    assert web.sent.empty()


def _quoted(words: str) -> str:
    return "".join(f"%{each:02x}" for each in words.encode())


@pytest.mark.parametrize("number", ["9" * 5_000, "-1", "1.5", "٣", "1e9", str(2**63)])
def test_a_number_of_an_address_may_be_anything(web: Web, number: str) -> None:
    """Numbers that are none, or too large, are no error."""
    person = web.person()
    for path in (
        f"/queue/rows?skip={number}",
        f"/complaints/rows?skip={number}",
        f"/queue/news?after={number}",
    ):
        assert person.get(path).status_code == 200
