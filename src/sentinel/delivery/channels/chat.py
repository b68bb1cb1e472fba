"""Mail and a hundred other services by Apprise, but none that has a channel of its own."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sentinel.delivery.channels.channel import Unreached
from sentinel.delivery.channels.redact import redacted, secrets_of
from sentinel.delivery.channels.words import asks_for_action, headline, reason
from sentinel.delivery.page import Page

if TYPE_CHECKING:
    from apprise import AppriseResult, NotifyType

# Apprise looks at the HTTP status alone; these robots refuse with 200 and a code in the body.
_OWN_TYPES = {
    "dingtalk": "dingtalk",
    "wecombot": "wecom",
    "feishu": "feishu",
    "lark": "feishu",
    "slack": "slack",
    "msteams": "teams",
    "workflow": "teams",
    "workflows": "teams",
}


class Chat:
    """What one Apprise URL reaches.

    Raises ValueError if Apprise does not know the URL, or if it is of a robot that has a
    channel type of its own.
    """

    remembers = False

    def __init__(self, url: str) -> None:
        import apprise  # noqa: PLC0415 - takes a second, and only pagers with chats need it

        # Its words come with each result, where secrets are taken out.
        logging.getLogger("apprise").propagate = False
        self._apprise, self._secrets = apprise.Apprise(), secrets_of(url)
        _refuse_own_types([url.partition("://")[0].strip().lower()])
        if not self._apprise.add(url):
            raise ValueError("Apprise cannot read its url")  # which may hold a secret
        for server in self._apprise:
            # Apprise reads some https:// URLs of robots, too.
            _refuse_own_types(server.schemas())  # type: ignore[no-untyped-call]
            server.request_rate_per_sec = 0  # it would sleep seconds; the channel has a rate
            # By default what is too long is left to the service, which refuses it or cuts it.
            server.overflow_mode = apprise.OverflowMode.SPLIT
        self._types: dict[bool, NotifyType] = {
            True: apprise.NotifyType.FAILURE,
            False: apprise.NotifyType.SUCCESS,
        }

    async def send(self, page: Page, now_ms: int) -> None:  # noqa: ARG002
        """Write a message; raises Unreached."""
        content = page.content
        lines = [
            f"{content.title.zh} / {content.title.en}",
            reason(page),
            content.runbook,
            content.link,
        ]
        await self._notify(headline(page), "\n".join(lines), loud=asks_for_action(page))

    async def send_digest(self, pages: Sequence[Page], now_ms: int) -> None:  # noqa: ARG002
        """Write one message about several alerts; raises Unreached."""
        lines = [f"{headline(page)}  {page.content.link}" for page in pages]
        title = f"Sentinel: {len(pages)} alerts / {len(pages)} 条预警"
        await self._notify(title, "\n".join(lines), loud=True)

    async def _notify(self, title: str, body: str, *, loud: bool) -> None:
        kind = self._types[loud]
        done = await asyncio.to_thread(
            self._apprise.notify, body=body, title=title, notify_type=kind
        )
        if not done:
            raise Unreached(redacted(_why(done), self._secrets))


def _why(result: "AppriseResult") -> str:
    """The log messages of Apprise about a failure."""
    attempts = [attempt for each in result.results for attempt in each.attempts]
    lines = [entry.message for attempt in attempts for entry in attempt.logs]
    return "; ".join(lines) or "Apprise could not deliver it"


def _refuse_own_types(schemas: Iterable[str]) -> None:
    for schema in sorted(schemas):
        if schema in _OWN_TYPES:
            own = _OWN_TYPES[schema]
            raise ValueError(f"Apprise is not used for {schema}:// (use type: {own})")
