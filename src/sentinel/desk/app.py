"""The desk's web application: routes, and what holds for every answer."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar, Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import (
    ClientException,
    HTTPException,
    NotAuthorizedException,
    PermissionDeniedException,
)
from litestar.middleware import DefineMiddleware
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from litestar.types import Message, Scope
from prometheus_client.exposition import choose_encoder

from sentinel.database import DatabaseError
from sentinel.desk import complaint_page, door, entity_page, pages
from sentinel.desk.desk import Desk
from sentinel.desk.outgoing import TooManyDeferredError
from sentinel.desk.view import STATIC, AnyRequest, page, texts_of
from sentinel.supervised import loggable

_log = structlog.get_logger(__name__)
_TEMPLATES = Path(__file__).parent / "templates"
_LARGEST_FORM = 64 << 10
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_OPEN = ["^/static/", "^/(livez|readyz|metrics)$"]  # no session is looked for
_PAGES: Sequence[Any] = (
    pages.home,
    pages.queue,
    pages.more_rows,
    pages.news,
    pages.next_alert,
    pages.alert,
    pages.responses,
    pages.give_answer,
    pages.withdraw,
    pages.snooze,
    pages.bulk,
    pages.unmask,
    entity_page.entity,
    complaint_page.complaints,
    complaint_page.more_complaints,
    complaint_page.complaint,
    complaint_page.complaining_customer,
    complaint_page.unmask_complaining,
    pages.live,
)


def create_app(desk: Desk) -> Litestar:
    """The application; ``desk`` starts and stops with it."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return Litestar(
        route_handlers=[
            Router("/", route_handlers=list(_PAGES), guards=[door.signed_in]),
            door.login_page,
            door.log_in,
            door.log_out,
            door.choose_language,
            _livez,
            _readyz,
            _metrics,
            create_static_files_router("/static", [STATIC], cache_control=None),
        ],
        before_request=door.made_here,
        before_send=[_add_headers],
        middleware=[DefineMiddleware(door.Sessions, exclude=_OPEN)],
        dependencies={"desk": Provide(lambda: desk, sync_to_thread=False)},
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment)),
        exception_handlers={
            NotAuthorizedException: _to_login,
            HTTPException: _problem,
            DatabaseError: _no_history,
            TooManyDeferredError: _too_many,
            Exception: _failed,
        },
        on_startup=[desk.start],
        on_shutdown=[desk.stop],
        state=State({"desk": desk}),
        request_max_body_size=_LARGEST_FORM,
        openapi_config=None,
        logging_config=None,
    )


async def _add_headers(message: Message, scope: Scope) -> None:
    """Headers of every answer; nothing but static files is kept by anybody."""
    if message["type"] != "http.response.start":
        return
    started_s = scope["state"].get(door.STARTED_S)
    if started_s is not None:
        desk: Desk = scope["litestar_app"].state.desk
        desk.metrics.request(_pattern(scope), time.perf_counter() - started_s)
    is_static = scope["path"].startswith("/static/") and message["status"] == 200
    kept = "public, max-age=31536000, immutable" if is_static else "no-store"
    headers = {**_HEADERS, "cache-control": kept}
    sent = [(name, value) for name, value in message["headers"] if name.decode() not in headers]
    message["headers"] = [
        *sent,
        *((name.encode(), value.encode()) for name, value in headers.items()),
    ]


@get("/livez", sync_to_thread=False)
def _livez(desk: Desk) -> Response[str]:
    return _told(*desk.is_alive())


@get("/readyz", sync_to_thread=True)
def _readyz(desk: Desk) -> Response[str]:
    try:
        desk.queue.newest()
    except DatabaseError as error:
        return _told(False, f"history does not answer: {error}")
    return _told(True, "ready")


def _told(good: bool, words: str) -> Response[str]:
    return Response(f"{words}\n", status_code=200 if good else 503, media_type="text/plain")


@get("/metrics", sync_to_thread=False)
def _metrics(request: Request[Any, Any, Any], desk: Desk) -> Response[bytes]:
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(desk.metrics.registry), media_type=content_type)


def _to_login(request: AnyRequest, _: NotAuthorizedException) -> Response[Any]:
    if request.headers.get("hx-request"):  # a part of a page cannot show the form
        return Response("", status_code=401, headers={"HX-Redirect": "/login"})
    to = request.url.path if request.method == "GET" else "/queue"
    query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
    return Redirect(f"/login?to={quote(to + query)}", status_code=303)


def _problem(request: AnyRequest, error: HTTPException) -> Template:
    texts = texts_of(request)
    extra = error.extra if isinstance(error.extra, dict) else {}
    if isinstance(error, PermissionDeniedException):
        text = getattr(texts, str(extra.get("text", "forbidden")))
        return _shown(request, error.status_code, text, "")
    if error.status_code == 404:
        return _shown(request, 404, texts.not_found, texts.not_found_hint)
    if error.status_code == 413:
        return _shown(request, 413, texts.too_long, "")
    if isinstance(error, ClientException):
        return _shown(request, error.status_code, texts.stale_page, "")
    return _shown(request, error.status_code, texts.unavailable, "")


def _no_history(request: AnyRequest, error: DatabaseError) -> Template:
    _log.error("history does not answer", reason=str(error))
    return _shown(request, 503, texts_of(request).unavailable, "")


def _too_many(request: AnyRequest, _: TooManyDeferredError) -> Template:
    return _shown(request, 503, texts_of(request).too_many_deferred, "")


def _failed(request: AnyRequest, error: Exception) -> Template:
    _log.error("request failed", path=_pattern(request.scope), **loggable(error))
    return _shown(request, 500, texts_of(request).unavailable, "")


def _shown(request: AnyRequest, status: int, problem: str, hint: str) -> Template:
    desk: Desk = request.app.state.desk
    if "user" not in request.scope:
        request.scope["user"], request.scope["auth"] = None, None
    return page(request, desk, "error.html", status, problem=problem, hint=hint)


def _pattern(scope: Scope) -> str:
    """The path without ids."""
    return str(scope.get("path_template") or "unknown")
