"""Pages of the desk in both languages, and its errors as pages."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from httpx import Response as Page
from litestar.response import ServerSentEventMessage
from tests.delivery.alerts import alert
from tests.desk.web import UNDO_MS, Web, concrete, running, title

from sentinel.alerting.revision import request
from sentinel.desk import pages
from sentinel.desk.live import MOST_STREAMS
from sentinel.model.alert import Alert, AlertState, Change, Resolution
from sentinel.model.signal import Action

SECRET = "the words of a library"
UNAVAILABLE = {"en": "History does not answer", "zh": "历史库暂时不可用"}
LANGUAGES = ["zh", "en"]


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A desk with three alerts."""
    with running(tmp_path, monkeypatch) as made:
        yield made


def _is_designed(page: Page, status: int, language: str, words: str) -> None:
    """An error is a whole page in the reader's language with a way on, and without innards."""
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page.text
    assert f"<h1>{words}</h1>" in page.text
    assert title(page).startswith(words)
    assert 'href="/queue"' in page.text
    for innards in ("Traceback", "sqlite", "sqlalchemy", "Error", ".py", SECRET):
        assert innards not in page.text


def _over() -> Alert:
    return alert(
        "a4",
        state=AlertState.RESOLVED,
        change=Change.RESOLVED,
        resolution=Resolution.CONFIRMED,
    )


@pytest.mark.parametrize("role", ["viewer", "senior"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_renders_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, role: str
) -> None:
    """Every route and every state of an alert renders, and no text is missing."""
    bare = alert("a2", reasons=(), runbook="")
    requested = request(alert("a1"), Action.SUSPEND_ACCOUNT)
    many = [alert(f"m{number}") for number in range(60)]
    with running(tmp_path, monkeypatch, alert("a1"), bare, _over(), requested, *many) as web:
        answered = web.person("senior", language)
        for do in ("confirmed", "note", "assign", "acknowledge"):
            assert answered.post("/alerts/a1/responses", do=do, note="n").status_code == 200
        person = web.person(role, language)
        asked = [concrete(route) for route in web.routes("GET") if route != "/live"]
        asked += [f"/queue?view={view}" for view in ("mine", "all", "ended")]
        asked += ["/alerts/a2", "/alerts/a4", "/queue?rule=r&tier=red&risk=credit&q=x"]
        asked += ["/queue/rows?skip=50&view=all", "/entities/customer/of/a4"]
        lang = "zh-CN" if language == "zh" else "en"
        for path in asked:
            page = person.get(path)
            assert page.status_code in (200, 302), path
            if page.text.startswith("<!doctype html>"):
                assert f'<html lang="{lang}">' in page.text, path


@pytest.mark.parametrize(
    ("chosen", "asked", "shown"),
    [
        ("", "", "zh-CN"),
        ("", "en-GB,zh;q=0.5", "en"),
        ("", "fr, zh-TW", "zh-CN"),
        ("zh", "en", "zh-CN"),
        ("en", "zh", "en"),
        ("<script>", "fr", "zh-CN"),
    ],
)
def test_the_language_is_the_chosen_one_or_else_the_browsers(
    web: Web, chosen: str, asked: str, shown: str
) -> None:
    """A choice holds before what the browser asks for; without either it is Chinese."""
    page = web.stranger(chosen).get("/login", headers={"accept-language": asked})
    assert f'<html lang="{shown}">' in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_there_is_a_page(web: Web, language: str) -> None:
    """An unknown address, alert or entity is told in the reader's language."""
    words = {"en": "There is no such alert", "zh": "没有这条预警"}[language]
    person = web.person("analyst", language)
    for path in ("/alerts/none", "/entities/customer/of/none", "/entities/device/of/a1", "/none"):
        _is_designed(person.get(path), 404, language, words)
    _is_designed(web.stranger(language).get("/none"), 404, language, words)
    _is_designed(person.get("/static/../app.py"), 404, language, words)
    _is_designed(person.get("/static/%2e%2e/app.py"), 404, language, words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_one_may_not_do_is_a_page(web: Web, language: str) -> None:
    """A role that may not, and a form that is too old, are told apart."""
    person = web.person("viewer", language)
    words = {"en": "Your role may not do this", "zh": "您的角色无此权限"}[language]
    _is_designed(person.post("/next"), 403, language, words)
    words = {"en": "This page is too old; load it again", "zh": "页面已过期，请刷新"}[language]
    _is_designed(person.post("/next", csrf="x"), 403, language, words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_database_that_is_gone_is_a_page(web: Web, language: str) -> None:
    """Whoever asks is told so with 503, at every page; and afterwards it goes on."""
    person = web.person("senior", language)
    _lose(web)
    for route in web.routes("GET"):
        if route.startswith(("/queue", "/alerts", "/entities", "/complaints")):
            _is_designed(person.get(concrete(route)), 503, language, UNAVAILABLE[language])
    form = {"name": "analyst", "password": "x"}
    refused = web.stranger(language).request("POST", "/login", data=form)
    _is_designed(refused, 503, language, UNAVAILABLE[language])
    assert web.stranger().get("/readyz").status_code == 503
    assert web.stranger().get("/login").status_code == 200
    _find(web)
    assert person.get("/queue").status_code == 200
    assert web.stranger().get("/readyz").text == "ready\n"


def _lose(web: Web) -> None:
    """Put a folder where the database's file was."""
    web.file.rename(web.file.with_suffix(".away"))
    web.file.mkdir()
    # Last: a task of the desk may have opened a connection a moment ago, which would go on.
    for database in (web.desk.own, web.desk.history):
        database.close()


def _find(web: Web) -> None:
    web.file.rmdir()
    web.file.with_suffix(".away").rename(web.file)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fault_of_the_desk_is_a_page(
    web: Web, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error that nobody thought of is a page, and neither page nor log has its message."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(web.desk.queue, "rows", fail)
    person = web.person("analyst", language)
    _is_designed(person.get("/queue"), 500, language, UNAVAILABLE[language])
    logged = capsys.readouterr()
    assert "RuntimeError" in logged.out + logged.err
    assert SECRET not in logged.out + logged.err


def test_the_stream_of_changes_ends_with_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often history changes, who has logged out is soon told nothing more."""
    web = Web(tmp_path, [alert("a1")], is_secure=False)
    monkeypatch.setattr(pages, "now_ms", web.clock)
    token = web.person().token

    async def read() -> list[str | None]:
        stream = pages._changes(SimpleNamespace(auth=token), web.desk)  # type: ignore[arg-type]
        events = [(await anext(stream)).event]
        for number in (2, 3, 4):
            if number == 4:
                web.accounts.close(token, web.clock())
            web.store_records(alert(f"a{number}"))
            web.clock.ms += 20_000
            await web.desk.live.poll()
            events += [each.event async for each in _first(stream)]
        return events

    assert asyncio.run(read()) == ["changed", "changed", "changed"]


async def _first(
    stream: AsyncIterator[ServerSentEventMessage],
) -> AsyncIterator[ServerSentEventMessage]:
    """The next message, if there is one."""
    async for each in stream:
        yield each
        return


def test_probes_tell_whether_the_desk_works(web: Web) -> None:
    """Without a session: alive, ready, and what was counted."""
    stranger = web.stranger()
    assert stranger.get("/livez").text == "ok\n"
    person = web.person()
    person.post("/alerts/a1/responses", do="confirmed")
    web.later(UNDO_MS)
    web.next_sent()
    assert "sentinel_desk_outgoing_sent_total" in stranger.get("/metrics").text


def test_requests_are_measured_by_their_patterns(web: Web) -> None:
    """Without ids, whatever becomes of them."""
    person = web.person()
    person.get("/alerts/a1")
    person.get("/alerts/none")
    metrics = web.desk.metrics.registry
    name, labels = "sentinel_desk_request_seconds_count", {"path": "/alerts/{alert_id}"}
    assert metrics.get_sample_value(name, labels) == 2


def test_more_streams_than_allowed_are_refused_and_counted(web: Web) -> None:
    """A page tries again later; nothing else is refused."""
    person = web.person()
    web.desk.live.streams = MOST_STREAMS
    assert person.get("/live").status_code == 503
    assert person.get("/queue").status_code == 200
    count = web.desk.metrics.registry.get_sample_value
    assert count("sentinel_desk_refused_total", {"reason": "streams"}) == 1


def test_a_stream_is_counted_while_it_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no longer when its page is gone."""
    web = Web(tmp_path, [alert("a1")], is_secure=False)
    monkeypatch.setattr(pages, "now_ms", web.clock)
    token = web.person().token

    async def play() -> list[int]:
        changes = pages._changes(SimpleNamespace(auth=token), web.desk)  # type: ignore[arg-type]
        stream = pages._counted(web.desk, changes)
        seen = [web.desk.live.streams]
        await anext(stream)
        seen.append(web.desk.live.streams)
        await stream.aclose()  # type: ignore[attr-defined]
        return [*seen, web.desk.live.streams]

    assert asyncio.run(play()) == [0, 1, 0]
