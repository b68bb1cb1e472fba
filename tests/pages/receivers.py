"""Receivers of pages on real sockets, each of which can misbehave in every way that there is."""

import asyncio
import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.delivery.receiver import KINDS, Reply
from tests.delivery.receiver import Kind as ChannelKind
from tests.pages.stories import Kind

from sentinel.delivery.channels.channel import rfc3339

_MONITOR = ChannelKind("monitor", Reply())
_KINDS = {kind.type: kind for kind in (*KINDS, _MONITOR)}
_ID = re.compile(r"/alerts/([fs]\d{4})\b")
_IN_CHINESE = {"已认领": Kind.ACKNOWLEDGE, "已解除": Kind.RESOLVE}
_GARBAGE = bytes(range(256)) * 4
_HUGE = 10 << 20


@dataclass(frozen=True)
class Told:
    """A receiver took in what it was told of an alert, at ``at_ms`` of the run."""

    channel: str
    alert_id: str
    kind: Kind
    at_ms: int


@dataclass(frozen=True)
class Fault:
    """How a receiver misbehaves: ``answer`` instead of its own, or ``way``.

    Ways: ``down`` (nobody listens), ``hangs``, ``resets``, ``loses`` (takes it and resets),
    ``is silent`` (takes it and does not answer), ``garbage``, ``huge`` (a body of 10 MB),
    ``unknown`` (its name has no address), ``expired`` (its certificate).
    """

    way: str = "answers"
    answer: Reply = field(default_factory=Reply)


@dataclass(frozen=True)
class Tls:
    """What receivers show, what has expired, and the file of who signed both."""

    good: ssl.SSLContext
    expired: ssl.SSLContext
    authority: Path


class Receiver:
    """The receiver of the channel ``name``; ``fault`` is how it misbehaves now, if it does."""

    def __init__(
        self,
        name: str,
        kind: str,
        now_ms: Callable[[], int],
        wall_ms: Callable[[], int],
        tls: Tls | None,
    ) -> None:
        self.name, self.kind = name, _KINDS[kind]
        self.fault: Fault | None = None
        self.told: list[Told] = []
        self.requests_ms: list[int] = []
        self._now_ms, self._wall_ms = now_ms, wall_ms
        self._good = None if tls is None else tls.good
        self._expired = None if tls is None else tls.expired
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def host(self) -> str:
        """The name that the channel knows it by."""
        return f"{self.name}.bank.example"

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme = "http" if self._good is None else "https"
        return f"{scheme}://{self.host}:{self.port}"

    async def listen(self, *, expired: bool = False) -> None:
        """Listen, with a certificate that has expired if so told; on the same port each time."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._expired if expired else self._good
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more, and drop whoever is connected."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._connections:
            writer.transport.abort()
        while self._connections:  # noqa: ASYNC110 - each ends by itself, and at once
            await asyncio.sleep(0)

    async def misbehave(self, fault: Fault | None) -> None:
        """From now on, or no more."""
        self.fault = fault
        way = None if fault is None else fault.way
        await self.close()
        if way != "down":
            await self.listen(expired=way == "expired")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1]) if length else 0)
            await self._answer(body, writer)
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _answer(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.requests_ms.append(self._now_ms())
        fault = self.fault or Fault(answer=self.kind.accepted)
        if self.fault is None or fault.way in ("loses", "is silent"):
            self._receive(body)
        match fault.way:
            case "hangs" | "is silent":
                pass  # until the pager hangs up
            case "resets" | "loses":
                writer.transport.abort()
            case "garbage":
                writer.write(_GARBAGE)
                writer.write_eof()
            case "huge":
                await _send(writer, Reply(500, b"x" * _HUGE))
            case _:
                await _send(writer, fault.answer)

    def _receive(self, body: bytes) -> None:
        messages: Any = json.loads(body)
        for each in messages if isinstance(messages, list) else [messages]:
            kind, alert_ids = self._read(each)
            for alert_id in alert_ids:
                self.told.append(Told(self.name, alert_id, kind, self._now_ms()))

    def _read(self, body: Any) -> tuple[Kind, list[str]]:
        """What is said, and of which alerts."""
        match self.kind.type:
            case "pagerduty":
                return Kind(body["event_action"]), [body["dedup_key"]]
            case "webhook":
                return Kind(body["type"].rpartition(".")[2]), [body["data"]["alert_id"]]
            case "alertmanager":
                is_over = body["endsAt"] <= rfc3339(self._wall_ms())
                kind = Kind.RESOLVE if is_over else Kind.TRIGGER
                return kind, [body["labels"]["alert_id"]]
            case "monitor":
                return Kind.TRIGGER, []
        text = json.dumps(body, ensure_ascii=False)
        kind = next((kind for word, kind in _IN_CHINESE.items() if word in text), Kind.TRIGGER)
        return kind, sorted(set(_ID.findall(text)))


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    lines = [f"HTTP/1.1 {reply.status} So", f"Content-Length: {len(reply.body)}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + reply.body)
    await writer.drain()
    writer.close()
