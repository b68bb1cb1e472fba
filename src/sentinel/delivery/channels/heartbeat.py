"""The pager's heartbeat: a dead man's switch sends a page when it stops."""

from sentinel.delivery.channels.http import Http

_BODY = b'{"source":"sentinel pager"}'


class Heartbeat:
    """Sends heartbeats to a monitor at ``url``, such as healthchecks.io."""

    def __init__(self, url: str, http: Http) -> None:
        self._url, self._http = url, http

    async def beat(self, now_ms: int) -> None:
        """POST to the monitor; raises Refused or Unreached."""
        await self._http.deliver(self._url, _BODY, now_ms)
