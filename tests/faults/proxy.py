"""A TCP proxy before a broker's listener, whose links can be made to fail."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

_END_TXN = 26
_DELAY_S, _BYTES_PER_S = 0.05, 200_000


class Link(StrEnum):
    """What the proxy does with what it is sent."""

    PASS = "pass"
    CUT = "cut"  # connections end, new ones end at once
    HALF_OPEN = "half_open"  # connections stand, everything is swallowed
    SLOW = "slow"  # each message waits, and there is little room
    NO_COMMIT_ANSWERS = "no_commit_answers"  # a commit is carried out, the link breaks instead


@dataclass(eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    commits: set[bytes] = field(default_factory=set)
    swallowed: bool = False

    def close(self) -> None:
        self.client.close()
        self.server.close()


class Proxy:
    """Listens at ``address``; :meth:`open` says to whom it passes on."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.answers_lost = 0
        self._mode, self._port = Link.PASS, 0
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def open(self, target: str) -> None:
        """Begin to pass on to a listener of this machine."""
        self._port = int(target.rpartition(":")[2])
        serving = asyncio.start_server(self._serve, sock=self._socket)
        asyncio.run_coroutine_threadsafe(serving, self._loop).result(5)

    def set(self, mode: Link) -> None:
        """Change what becomes of messages from now on."""
        asyncio.run_coroutine_threadsafe(self._set(mode), self._loop).result(5)

    def stop(self) -> None:
        """End every connection and the proxy."""
        self.set(Link.CUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._socket.close()

    async def _set(self, mode: Link) -> None:
        self._mode = mode
        for each in list(self._connections):
            # What was swallowed is missing from the stream: the link can't be mended any more.
            if mode is Link.CUT or each.swallowed:
                each.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Link.CUT:
            writer.close()
            return
        try:
            from_server, server = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:  # the broker is down
            writer.close()
            return
        connection = _Connection(writer, server)
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._pump(connection, reader, server, requests=True),
                self._pump(connection, from_server, writer, requests=False),
            )
        finally:
            self._connections.discard(connection)

    async def _pump(
        self,
        connection: _Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        requests: bool,
    ) -> None:
        """Pass on frame by frame, so that a request and its response can be told."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(4)
                body = await reader.readexactly(struct.unpack(">i", head)[0])
                passed: Awaitable[bool] = self._passes(connection, body, requests=requests)
                if await passed:
                    writer.write(head + body)
                    await writer.drain()
        connection.close()

    async def _passes(self, connection: _Connection, body: bytes, *, requests: bool) -> bool:
        if requests and struct.unpack(">h", body[:2])[0] == _END_TXN:
            connection.commits.add(body[4:8])
        elif not requests and body[:4] in connection.commits:
            connection.commits.discard(body[:4])
            if self._mode is Link.NO_COMMIT_ANSWERS:
                self.answers_lost += 1
                connection.close()
                return False
        if self._mode is Link.HALF_OPEN:
            connection.swallowed = True
            return False
        if self._mode is Link.SLOW:
            await asyncio.sleep(_DELAY_S + len(body) / _BYTES_PER_S)
        return True
