"""Who comes in: sessions, logins, and forms that were made in the session."""

import re
import time
from typing import Any, NoReturn
from urllib.parse import urlsplit

from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.exceptions import (
    ClientException,
    NotAuthorizedException,
    PermissionDeniedException,
)
from litestar.handlers.base import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.response import Redirect, Template
from markupsafe import escape

from sentinel.desk.accounts import LoginRefused
from sentinel.desk.attempts import Refusal
from sentinel.desk.audit import Action, Entry
from sentinel.desk.desk import Desk, now_ms
from sentinel.desk.roles import Permission
from sentinel.desk.sessions import Limits, is_csrf_right
from sentinel.desk.view import (
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    AnyRequest,
    lasting,
    page,
    texts_of,
)
from sentinel.desk.words import Language
from sentinel.model.alert import Entity
from sentinel.model.visible import visible

STARTED_S = "started_s"
"""Where the state of a request has its start, by a clock that never goes back."""
_SHORTEST_REASON = 4
_YEAR_S = 365 * 86_400
# What a page asks for by itself keeps no session alive.
_BY_ITSELF = re.compile(r"/live|/queue/news|/alerts/[^/]+/responses")
_LIMITED = (Refusal.NAME_LIMIT, Refusal.ADDRESS_LIMIT, Refusal.TOTAL_LIMIT, Refusal.OVERLOADED)


class Sessions(AbstractAuthenticationMiddleware):
    """Finds the user of the cookie's session; whether one is needed is :func:`signed_in`'s."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        """The user and the session's token; neither without a session."""
        connection.scope["state"][STARTED_S] = time.perf_counter()
        token = connection.cookies.get(SESSION_COOKIE)
        if not token:
            return AuthenticationResult(user=None, auth=None)
        desk: Desk = connection.app.state.desk
        by_itself = connection.scope.get("method") == "GET" and _BY_ITSELF.fullmatch(
            connection.scope["path"]
        )
        user = await desk.run(desk.accounts.user_of, token, now_ms(), used=not by_itself)
        return AuthenticationResult(user=user, auth=token if user else None)


def signed_in(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse who has no session."""
    if connection.user is None:
        raise NotAuthorizedException


def needs(request: AnyRequest, permission: Permission) -> None:
    """Refuse whose role lacks a permission."""
    if request.user is None or not request.user.may(permission):
        raise PermissionDeniedException


def name_of(request: AnyRequest) -> str:
    """The name of the user."""
    assert request.user is not None  # noqa: S101 - every page needs a session
    return request.user.name


def log(
    desk: Desk, request: AnyRequest, action: Action, kind: str, subject: str, detail: str = ""
) -> None:
    """Add a line of the user to the audit log."""
    desk.audit.append(Entry(now_ms(), name_of(request), action, kind, subject, detail))


async def reason_of(request: AnyRequest) -> str:
    """The reason in a form that asks to see a customer; raises where there is none."""
    reason = str((await request.form()).get("reason", "")).strip()
    if len(reason) < _SHORTEST_REASON:
        raise ClientException
    return reason


def unmasked(desk: Desk, request: AnyRequest, entity: Entity, reason: str) -> Response[str]:
    """An entity's id in full, once that is logged; htmx inserts it as HTML."""
    log(desk, request, Action.UNMASK, entity.kind, entity.id, reason)
    return Response(escape(visible(entity.id)), media_type="text/html")


async def made_here(request: Request[Any, Any, Any]) -> None:
    """Refuse a form that was not made in this session, or comes from another site."""
    if request.method != "POST":
        return
    origin = request.headers.get("origin")
    if origin and _host(origin) != request.headers.get("host"):
        _too_old()
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        _too_old()
    if request.url.path == "/login":  # no session yet: the headers tell where it comes from
        return
    given = request.headers.get("x-csrf-token") or (await request.form()).get("csrf")
    if not request.auth or not isinstance(given, str) or not is_csrf_right(request.auth, given):
        _too_old()


def _too_old() -> NoReturn:
    raise PermissionDeniedException(extra={"text": "stale_page"})


def _host(origin: str) -> str:
    """The host and port of an origin; empty for ``null`` and for what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def here_only(to: str) -> str:
    """An address of this desk; anything else becomes the queue."""
    is_path = to.startswith("/") and not to.startswith("//") and "\\" not in to
    return to if is_path and to.isprintable() else "/queue"


@get("/login", sync_to_thread=False)
def login_page(request: AnyRequest, desk: Desk) -> Template:
    """The form."""
    to = here_only(request.query_params.get("to", "/queue"))
    return page(request, desk, "login.html", to=to, problem="")


@post("/login", status_code=200)
async def log_in(request: AnyRequest, desk: Desk) -> Response[Any]:
    """Open a session; the cookie's token is another at every login."""
    form = await request.form()
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    to = here_only(str(form.get("to", "/queue")))
    address = request.client.host if request.client else ""
    found = await desk.run(desk.accounts.login, name, password, address, now_ms())
    if isinstance(found, LoginRefused):
        texts = texts_of(request)
        problem = texts.login_limited if found.reason in _LIMITED else texts.login_refused
        status = 429 if found.reason in _LIMITED else 401
        return page(request, desk, "login.html", status, to=to, problem=problem)
    if request.auth:
        await desk.run(desk.accounts.close, request.auth, now_ms())
    age_s = Limits().absolute_ms // 1000
    cookie = lasting(SESSION_COOKIE, found.token, secure=desk.is_secure, max_age_s=age_s)
    return Redirect(to, status_code=303, cookies=[cookie])


@post("/logout", status_code=303)
async def log_out(request: AnyRequest, desk: Desk) -> Redirect:
    """End the session, here and in the database."""
    if request.auth:
        await desk.run(desk.accounts.close, request.auth, now_ms())
    gone = lasting(SESSION_COOKIE, "", secure=desk.is_secure, max_age_s=0)
    return Redirect("/login", status_code=303, cookies=[gone])


@get("/language/{language:str}", sync_to_thread=False)
def choose_language(request: AnyRequest, desk: Desk, language: str) -> Redirect:
    """Remember the language."""
    chosen = Language(language) if language in set(Language) else Language.ZH
    cookie = lasting(LANGUAGE_COOKIE, chosen, secure=desk.is_secure, max_age_s=_YEAR_S)
    return Redirect(here_only(request.query_params.get("to", "/queue")), cookies=[cookie])
