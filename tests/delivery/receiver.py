"""A local HTTP receiver that answers as told, and the kinds of channels that tell it."""

import ssl
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web
from tests.delivery.listener import KEY, ROUTING_KEY

from sentinel.delivery.channels import Channel, open_channel
from sentinel.delivery.entries import ChannelEntry, Secret

PATH_TOKEN = "path-token-7Qm3"
QUERY_TOKEN = "query-token-9Zr8"
ROBOT_KEY = "SEC-robot-key-4Kd1"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; ``reset`` closes the connection instead."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False


@dataclass(frozen=True)
class Request:
    """What the receiver was sent."""

    url: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers every request on a free port with ``reply``, all but the first with ``later``."""

    reply: Reply = Reply()
    tls: ssl.SSLContext | None = None
    later: Reply | None = None
    requests: list[Request] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{any:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        scheme = "http" if self.tls is None else "https"
        self.port: int = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests.append(
            Request(
                str(request.url),
                dict(request.query),
                dict(request.headers),
                await request.read(),
            )
        )
        reply = self.reply
        if self.later is not None and len(self.requests) > 1:
            reply = self.later
        if reply.reset and request.transport is not None:
            request.transport.abort()
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


@dataclass(frozen=True)
class Kind:
    """A channel type: its key, the answer that means "taken", and whether 2xx is enough."""

    type: str
    accepted: Reply
    key: str = ""
    by_status: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may contain."""
        tokens = (PATH_TOKEN,) if self.type == "alertmanager" else (PATH_TOKEN, QUERY_TOKEN)
        return (*tokens, self.key, self.key.removeprefix("whsec_")) if self.key else tokens

    def open(self, base: str, **environ: str) -> Channel:
        """The channel whose URL begins with ``base`` and holds two tokens."""
        query = "" if self.type == "alertmanager" else f"?access_token={QUERY_TOKEN}"
        known = {"URL": f"{base}/hook/{PATH_TOKEN}{query}", "KEY": self.key, **environ}
        more: dict[str, Any] = {"key": Secret(env="KEY")} if self.key else {}
        entry = ChannelEntry(self.type, Secret(env="URL"), **more)  # type: ignore[arg-type]
        return open_channel(entry, self.type, known)


KINDS = (
    Kind("pagerduty", Reply(202, b'{"status":"success"}'), ROUTING_KEY, by_status=True),
    Kind("alertmanager", Reply(), by_status=True),
    Kind("webhook", Reply(204), KEY, by_status=True),
    Kind("dingtalk", Reply(200, b'{"errcode":0,"errmsg":"ok"}'), ROBOT_KEY),
    Kind("wecom", Reply(200, b'{"errcode":0,"errmsg":"ok"}')),
    Kind("feishu", Reply(200, b'{"code":0,"msg":"success","data":{}}'), ROBOT_KEY),
    Kind("slack", Reply(200, b"ok")),
    Kind("teams", Reply(202)),
)
ROBOTS = tuple(kind for kind in KINDS if not kind.by_status)
