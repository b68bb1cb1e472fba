"""The worker's web pages: ``/metrics``, ``/livez``, ``/readyz``."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder


class Web:
    """Serves metrics and health.

    ``health`` returns whether all is ready, ``is_alive`` whether every task makes progress, both
    with a description.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        health: Callable[[], tuple[bool, str]],
        is_alive: Callable[[], tuple[bool, str]] = lambda: (True, "ok"),
    ) -> None:
        self._is_alive = is_alive
        self._host, self._port, self._registry, self._health = host, port, registry, health
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; raises OSError where the port is taken."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Close."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        """In the format that is asked for: only OpenMetrics has exemplars."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def _livez(self, _: web.Request) -> web.Response:
        return _answer(*self._is_alive())

    async def _readyz(self, _: web.Request) -> web.Response:
        return _answer(*self._health())


def _answer(good: bool, words: str) -> web.Response:
    return web.Response(text=f"{words}\n", status=200 if good else 503)
