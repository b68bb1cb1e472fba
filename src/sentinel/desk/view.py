"""What every page's template is given."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie
from litestar.response import Template

from sentinel.desk.accounts import User
from sentinel.desk.desk import Desk, now_ms
from sentinel.desk.roles import Permission
from sentinel.desk.sessions import csrf_of
from sentinel.desk.texts import Texts
from sentinel.desk.words import Language, Speaker, masked
from sentinel.model.alert import Entity, Tier
from sentinel.model.visible import visible

STATIC = Path(__file__).parent / "static"
LANGUAGE_COOKIE = "sentinel-language"
SESSION_COOKIE = "sentinel-desk"
_DIGITS = 16
_TEXTS = {language: Texts(language) for language in Language}
_HASHES: Mapping[str, str] = {
    path.relative_to(STATIC).as_posix(): blake2b(path.read_bytes(), digest_size=6).hexdigest()
    for path in STATIC.rglob("*")
    if path.is_file()
}
AnyRequest = Request[User | None, str | None, Any]


def static(name: str) -> str:
    """The address of a file that a browser may keep for good: it changes with its content."""
    return f"/static/{name}?v={_HASHES[name]}"


def language_of(request: AnyRequest) -> Language:
    """What the user chose, else what the browser asks for; Chinese if it asks for neither."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in set(Language):
        return Language(chosen)
    for part in request.headers.get("accept-language", "").lower().split(","):
        for language in Language:
            if part.strip().startswith(language):
                return language
    return Language.ZH


def texts_of(request: AnyRequest) -> Texts:
    """The texts in the request's language."""
    return _TEXTS[language_of(request)]


def page(request: AnyRequest, desk: Desk, name: str, status: int = 200, **more: Any) -> Template:
    """A template with what all of them need, and ``more``."""
    language, user = language_of(request), request.user
    texts = _TEXTS[language]
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Template(
        name,
        status_code=status,
        context={
            "t": texts,
            "language": language,
            "say": Speaker(language, desk.plan),
            "plan": desk.plan,
            "within": desk.plan.answer_within_ms,
            "user": user,
            "csrf": csrf_of(request.auth) if request.auth else "",
            "here": here,
            "now_ms": now_ms(),
            "newest": 0,
            "may_answer": user is not None and user.may(Permission.ANSWER),
            "may_bulk": user is not None and user.may(Permission.BULK),
            "may_unmask": user is not None and user.may(Permission.UNMASK),
            "tier_words": {tier: texts.word("tier", tier) for tier in Tier},
            "static": static,
            "mask": _mask,
            "visible": visible,
            "iso": _iso,
            **more,
        },
    )


def lasting(name: str, value: str, *, secure: bool, max_age_s: int) -> Cookie:
    """A cookie that no script reads and no other site sends with a form."""
    return Cookie(
        name, value=value, path="/", httponly=True, samesite="lax", secure=secure, max_age=max_age_s
    )


def number_of(text: str | None, most: int) -> int:
    """A number of a query, 0 where it is none; ``int`` raises for thousands of digits."""
    if not text or not text.isascii() or not text.isdigit():
        return 0
    return min(int(text[:_DIGITS]), most)


def _mask(entity: Entity) -> str:
    return masked(entity.kind, entity.id)


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
