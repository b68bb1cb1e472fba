"""The pages: queue, alert, entity, and the responses that are given on them."""

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

from litestar import Response as Answered
from litestar import get, post
from litestar.exceptions import (
    ClientException,
    NotFoundException,
    ServiceUnavailableException,
)
from litestar.response import Redirect, ServerSentEvent, ServerSentEventMessage, Template

from sentinel.desk.audit import Action
from sentinel.desk.desk import Desk, now_ms
from sentinel.desk.door import here_only, log, name_of, needs, reason_of, unmasked
from sentinel.desk.dossier import Dossier
from sentinel.desk.live import MOST_STREAMS
from sentinel.desk.metrics import DeskLimit
from sentinel.desk.outgoing import TooManyDeferredError
from sentinel.desk.queue import PAGE, Filter, Row, View
from sentinel.desk.roles import Permission
from sentinel.desk.runbook import read_runbook
from sentinel.desk.snoozes import SnoozeFor
from sentinel.desk.view import AnyRequest, number_of, page, texts_of
from sentinel.model.alert import Alert, Tier
from sentinel.model.entity import CUSTOMER
from sentinel.model.response import Response, ResponseKind, Verdict
from sentinel.model.signal import Risk

_ASSIGNING_MS = 30_000  # what somebody was just given is in history after at most so long
_ALIVE_S = 15.0
_MOST_SKIPPED = 100_000
_NOTE = 2_000
_MOST_AT_ONCE = 200
_KINDS = {
    "acknowledge": ResponseKind.ACKNOWLEDGE,
    "assign": ResponseKind.ASSIGN,
    "note": ResponseKind.NOTE,
}


@get("/", sync_to_thread=False)
def home() -> Redirect:
    """The queue is where work begins."""
    return Redirect("/queue")


@get("/queue", sync_to_thread=True)
def queue(request: AnyRequest, desk: Desk) -> Template:
    """What waits, the most urgent first."""
    needs(request, Permission.SEE)
    wanted, user = Filter.read(request.query_params), name_of(request)
    newest = desk.queue.newest()
    notice = request.query_params.get("notice", "")
    texts = texts_of(request)
    if wanted.search:
        log(desk, request, Action.SEARCH, "", wanted.search)
    return page(
        request,
        desk,
        "queue.html",
        wanted=wanted,
        counts=desk.queue.counts(wanted, user, now_ms()),
        views=list(View),
        tiers=list(Tier),
        risks=list(Risk),
        newest=newest,
        notice=texts.nobody_left if notice == "nobody_left" else "",
        **_rows(desk, wanted, user, 0),
    )


@get("/queue/rows", sync_to_thread=True)
def more_rows(request: AnyRequest, desk: Desk) -> Template:
    """Further rows of the queue."""
    needs(request, Permission.SEE)
    skip = number_of(request.query_params.get("skip"), _MOST_SKIPPED)
    wanted = Filter.read(request.query_params)
    if wanted.search:
        log(desk, request, Action.SEARCH, "", wanted.search)
    return page(request, desk, "rows.html", **_rows(desk, wanted, name_of(request), skip))


@get("/queue/news", sync_to_thread=True)
def news(request: AnyRequest, desk: Desk) -> dict[str, int]:
    """How many alerts of the view have changed since the page was made."""
    needs(request, Permission.SEE)
    after = number_of(request.query_params.get("after"), 2**53)
    wanted = Filter.read(request.query_params)
    return {"count": desk.queue.changed_since(wanted, name_of(request), after, now_ms())}


@post("/next", status_code=303, sync_to_thread=True)
def next_alert(request: AnyRequest, desk: Desk) -> Redirect:
    """Assign the first alert that nobody has to the user, and open it."""
    needs(request, Permission.ANSWER)
    wanted, now = Filter.read(request.query_params), now_ms()
    with desk.one_at_a_time:  # two people never get the same
        others = desk.responses.answered_since(now - _ASSIGNING_MS)
        alert_id = desk.queue.next(wanted, others, now)
        alert = None if alert_id is None else desk.queue.alert(alert_id)
        if alert is None:
            query = wanted.query()
            to = f"/queue?{query}{'&' if query else ''}notice=nobody_left"
            return Redirect(to, status_code=303)
        _defer(
            desk, request, [alert], {"kind": ResponseKind.ASSIGN, "assignee": name_of(request)}, now
        )
    return Redirect(f"/alerts/{alert.alert_id}", status_code=303)


@get("/alerts/{alert_id:str}", sync_to_thread=True)
def alert(request: AnyRequest, desk: Desk, alert_id: str) -> Template:
    """One alert: why, what to do, and what has been done."""
    needs(request, Permission.SEE)
    dossier = _dossier(desk, alert_id)
    found = dossier.alert
    if found.entity.kind == CUSTOMER:
        log(desk, request, Action.LOOK, found.entity.kind, found.entity.id, found.alert_id)
    texts = texts_of(request)
    rules = [reason.rule_id for reason in found.reasons]
    return page(
        request,
        desk,
        "alert.html",
        dossier=dossier,
        alert=found,
        responses=desk.responses.of(alert_id),
        problem="",
        precision=desk.dossiers.precision(rules, now_ms() - desk.plan.judged_ms),
        runbook=read_runbook(found.runbook),
        snoozed_ms=desk.snoozes.until_ms(found, now_ms()),
        snoozes=SnoozeFor.of(found.tier),
        suppressors=[texts.word("suppression", each.reason) for each in found.suppressed],
        newest=desk.queue.newest(),
    )


@get("/alerts/{alert_id:str}/responses", sync_to_thread=True)
def responses(request: AnyRequest, desk: Desk, alert_id: str) -> Template:
    """The responses to an alert, as they are now."""
    needs(request, Permission.SEE)
    return _responses(request, desk, _dossier(desk, alert_id).alert)


@post("/alerts/{alert_id:str}/responses", status_code=200)
async def give_answer(request: AnyRequest, desk: Desk, alert_id: str) -> Template:
    """Answer an alert: a verdict is deferred for as long as it may be taken back."""
    needs(request, Permission.ANSWER)
    form = await request.form()
    fields = _fields(str(form.get("do", "")), str(form.get("note", "")), name_of(request))
    return await desk.run(_give, request, desk, alert_id, fields)


@post("/responses/{response_id:str}/withdraw", status_code=200, sync_to_thread=True)
def withdraw(request: AnyRequest, desk: Desk, response_id: str) -> Template:
    """Take an answer back that has not been sent."""
    needs(request, Permission.ANSWER)
    alert_id = desk.responses.withdraw(response_id, name_of(request))
    if alert_id is None:
        raise NotFoundException
    found = _dossier(desk, alert_id).alert
    log(desk, request, Action.WITHDRAW, found.entity.kind, found.entity.id, response_id)
    return _responses(request, desk, found)


@post("/alerts/{alert_id:str}/snooze", status_code=303)
async def snooze(request: AnyRequest, desk: Desk, alert_id: str) -> Redirect:
    """Put an open alert off for a time, or bring it back; then the queue is shown."""
    needs(request, Permission.ANSWER)
    form = await request.form()
    await desk.run(_snooze, request, desk, alert_id, str(form.get("for", "")))
    return Redirect("/queue", status_code=303)


@post("/bulk", status_code=303)
async def bulk(request: AnyRequest, desk: Desk) -> Redirect:
    """End many alerts with one verdict."""
    needs(request, Permission.BULK)
    form = await request.form()
    ids = list(dict.fromkeys(str(each) for each in form.getall("alert", [])))
    fields = _fields(str(form.get("verdict", "")), "", name_of(request))
    if fields["kind"] is not ResponseKind.DISPOSITION or len(ids) > _MOST_AT_ONCE:
        raise ClientException
    to = here_only(str(form.get("to", "/queue")))
    await desk.run(_give_many, request, desk, ids, fields)
    return Redirect(to, status_code=303)


@post("/alerts/{alert_id:str}/unmask", status_code=200)
async def unmask(request: AnyRequest, desk: Desk, alert_id: str) -> Answered[str]:
    """Show a customer's id in full, with a reason that is logged."""
    needs(request, Permission.UNMASK)
    return await desk.run(_unmask, request, desk, alert_id, await reason_of(request))


@get("/live", sync_to_thread=False)
def live(request: AnyRequest, desk: Desk) -> ServerSentEvent:
    """Tell the page whenever history has changed."""
    needs(request, Permission.SEE)
    if desk.live.streams >= MOST_STREAMS:
        desk.metrics.limited(DeskLimit.STREAMS)
        raise ServiceUnavailableException
    return ServerSentEvent(_counted(desk, _changes(request, desk)))


async def _counted(
    desk: Desk, changes: AsyncIterator[ServerSentEventMessage]
) -> AsyncIterator[ServerSentEventMessage]:
    desk.live.streams += 1
    try:
        async for each in changes:
            yield each
    finally:
        desk.live.streams -= 1


async def _changes(request: AnyRequest, desk: Desk) -> AsyncIterator[ServerSentEventMessage]:
    version, checked_ms = desk.live.version, now_ms()
    yield ServerSentEventMessage(event="changed", data=str(version))
    while True:
        newer = await desk.live.after(version, _ALIVE_S)
        if newer == version or now_ms() - checked_ms >= _ALIVE_S * 1000:
            checked_ms = now_ms()
            token = request.auth or ""
            if await desk.run(desk.accounts.user_of, token, checked_ms, used=False) is None:
                return  # the session has ended
        if newer == version:
            yield ServerSentEventMessage(comment="alive")
        else:
            version = newer
            yield ServerSentEventMessage(event="changed", data=str(version))


def _rows(desk: Desk, wanted: Filter, user: str, skip: int) -> dict[str, Any]:
    found: list[Row] = desk.queue.rows(wanted, user, now_ms(), skip=skip, most=PAGE + 1)
    shown = found[:PAGE]
    rules = [row.alert.reasons[0].rule_id for row in shown if row.alert.reasons]
    return {
        "rows": shown,
        "more": len(found) > PAGE,
        "skip": skip,
        "query": wanted.query(),
        "alike": desk.queue.alike(rules, now_ms() - desk.plan.alike_ms) if rules else {},
    }


def _dossier(desk: Desk, alert_id: str) -> Dossier:
    dossier = desk.dossiers.open(alert_id[:64])
    if dossier is None:
        raise NotFoundException
    return dossier


def _responses(request: AnyRequest, desk: Desk, found: Alert, problem: str = "") -> Template:
    given = desk.responses.of(found.alert_id)
    return page(request, desk, "responses.html", alert=found, responses=given, problem=problem)


def _fields(do: str, note: str, user: str) -> dict[str, Any]:
    """What a button means, as fields of a response; raises for what is no button."""
    fields: dict[str, Any]
    if do in set(Verdict):
        fields = {"kind": ResponseKind.DISPOSITION, "verdict": Verdict(do)}
    elif do in _KINDS:
        fields = {"kind": _KINDS[do], "assignee": user if do == "assign" else None}
    else:
        raise ClientException
    text = note.strip()[:_NOTE]
    if do == "note" and not text:
        raise ClientException
    return {**fields, "note": text or None}


def _give(request: AnyRequest, desk: Desk, alert_id: str, fields: dict[str, Any]) -> Template:
    found, problem = _dossier(desk, alert_id).alert, ""
    try:
        _defer(desk, request, [found], fields, now_ms())
    except TooManyDeferredError:
        problem = texts_of(request).too_many_deferred
    return _responses(request, desk, found, problem)


def _snooze(request: AnyRequest, desk: Desk, alert_id: str, length: str) -> None:
    found, now = _dossier(desk, alert_id).alert, now_ms()
    if length == "now":
        if desk.snoozes.end(found.alert_id):
            log(desk, request, Action.SNOOZE, found.entity.kind, found.entity.id, f"end {alert_id}")
        return
    if found.resolution is not None or length not in SnoozeFor.of(found.tier):
        raise ClientException
    until_ms = SnoozeFor(length).until_ms(now, desk.plan.zone)
    detail = f"{length} {found.alert_id}"
    log(desk, request, Action.SNOOZE, found.entity.kind, found.entity.id, detail)
    desk.snoozes.put_off(found, name_of(request), now, until_ms)


def _give_many(request: AnyRequest, desk: Desk, ids: Sequence[str], fields: dict[str, Any]) -> None:
    found = [_dossier(desk, each).alert for each in ids]
    if found:
        _defer(desk, request, found, fields, now_ms())


def _defer(
    desk: Desk, request: AnyRequest, alerts: Sequence[Alert], fields: dict[str, Any], now: int
) -> None:
    """Log and store responses; they are sent at once unless they may be taken back."""
    waits_ms = desk.plan.undo_ms if fields["kind"] is ResponseKind.DISPOSITION else 0
    responses = [
        Response(
            response_id=uuid.uuid4().hex,
            event_time=now,
            key=each.key,
            alert_id=each.alert_id,
            actor=name_of(request),
            **fields,
        )
        for each in alerts
    ]
    for each, response in zip(alerts, responses, strict=True):
        what = response.verdict or response.kind
        detail = f"{what} {each.alert_id} {response.response_id}"
        log(desk, request, Action.ANSWER, each.entity.kind, each.entity.id, detail)
    desk.responses.defer(responses, now, now + waits_ms)
    desk.wake_sender()


def _unmask(request: AnyRequest, desk: Desk, alert_id: str, reason: str) -> Answered[str]:
    return unmasked(desk, request, _dossier(desk, alert_id).alert.entity, reason)
