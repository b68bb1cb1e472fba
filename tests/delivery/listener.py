"""A receiver of pages that keeps to the contracts of the real ones, or misbehaves as told."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

from aiohttp import web

KEY = "whsec_" + base64.b64encode(b"a shared secret of 24 by").decode()
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
_SEVERITIES = {"critical", "error", "warning", "info"}


class Mood(Enum):
    """How the next request is answered."""

    FINE = "fine"
    BROKEN = "broken"  # 500
    BUSY = "busy"  # 429, and when to come back
    DEAF = "deaf"  # no answer at all
    STRICT = "strict"  # 400


@dataclass
class Listener:
    """Listens on a free port; ``moods`` are used up one a request, then all is fine."""

    moods: deque[Mood] = field(default_factory=deque)
    pages: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    retry_after_s: str = "7"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v2/enqueue", self._pagerduty)
        app.router.add_post("/hook", self._webhook)
        app.router.add_post("/api/v2/alerts", self._alertmanager)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        self._over = asyncio.Event()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        await self._runner.cleanup()

    async def _misbehaves(self) -> web.Response | None:
        self.asked.set()
        match self.moods.popleft() if self.moods else Mood.FINE:
            case Mood.BROKEN:
                return web.Response(status=500, text="broken")
            case Mood.BUSY:
                return web.Response(status=429, headers={"Retry-After": self.retry_after_s})
            case Mood.DEAF:
                await self._over.wait()
                return web.Response(status=500)
            case Mood.STRICT:
                return web.Response(status=400, text='{"status":"invalid event"}')
        return None

    async def _pagerduty(self, request: web.Request) -> web.Response:
        """Events API v2, as https://developer.pagerduty.com describes it."""
        if (bad := await self._misbehaves()) is not None:
            return bad
        event = await request.json()
        wrong = []
        if event.get("routing_key") != ROUTING_KEY:
            wrong.append("routing_key")
        if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
            wrong.append("event_action")
        if not 0 < len(event.get("dedup_key", "")) <= 255:
            wrong.append("dedup_key")
        if event.get("event_action") == "trigger":
            payload = event.get("payload", {})
            if not 0 < len(payload.get("summary", "")) <= 1024:
                wrong.append("summary")
            if payload.get("severity") not in _SEVERITIES or not payload.get("source"):
                wrong.append("payload")
        if wrong:
            self.problems += wrong
            return web.json_response({"status": "invalid event", "errors": wrong}, status=400)
        self.pages.append(event)
        answer = {
            "status": "success",
            "message": "Event processed",
            "dedup_key": event["dedup_key"],
        }
        return web.json_response(answer, status=202)

    async def _webhook(self, request: web.Request) -> web.Response:
        """Standard Webhooks: the signature is of id, timestamp and body."""
        if (bad := await self._misbehaves()) is not None:
            return bad
        body = await request.read()
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        message_id, moment, signatures = (request.headers.get(name, "") for name in names)
        key = base64.b64decode(KEY.removeprefix("whsec_"))
        signed = f"{message_id}.{moment}.".encode() + body
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        if f"v1,{expected}" not in signatures.split():
            self.problems.append("signature")
            return web.Response(status=401)
        self.pages.append(json.loads(body))
        self.headers.append(dict(request.headers))
        return web.Response(status=204)

    async def _alertmanager(self, request: web.Request) -> web.Response:
        if (bad := await self._misbehaves()) is not None:
            return bad
        self.pages += await request.json()
        return web.Response(status=200)
