"""PagerDuty's Events API v2: trigger, acknowledge and resolve under one ``dedup_key``."""

from collections.abc import Sequence
from typing import Any

import msgspec

from sentinel.delivery.channels.channel import SEVERITY, facts, rfc3339
from sentinel.delivery.channels.http import Http
from sentinel.delivery.page import Page, PageKind

_KEY_LENGTH = 32
_SUMMARY = 1_024  # characters that PagerDuty accepts


class PagerDuty:
    """An Events v2 integration; ``url`` ends in ``/v2/enqueue``, ``key`` is its routing key.

    Raises ValueError for what is no routing key.
    """

    remembers = True

    def __init__(self, url: str, key: str, http: Http) -> None:
        if len(key) != _KEY_LENGTH:
            raise ValueError(f"a routing key has {_KEY_LENGTH} characters, and its key has not")
        self._url, self._key, self._http = url, key, http

    async def send(self, page: Page, now_ms: int) -> None:
        """Enqueue the event; raises Refused or Unreached."""
        content = page.content
        kind = PageKind.TRIGGER if page.kind is PageKind.LATE else page.kind
        event: dict[str, Any] = {
            "routing_key": self._key,
            "event_action": kind,
            "dedup_key": content.alert_id,
        }
        if kind is PageKind.TRIGGER:
            summary = f"[{content.tier}] {content.title.en} / {content.title.zh}"
            event |= {
                "client": "Sentinel",
                "client_url": content.link,
                "links": [{"href": content.link, "text": "alert"}],
                "payload": {
                    "summary": summary[:_SUMMARY],
                    "source": "sentinel",
                    "severity": SEVERITY[content.tier],
                    "timestamp": rfc3339(content.updated_at),
                    "component": content.rule,
                    "group": content.risk or "late",
                    "class": content.tier,
                    "custom_details": facts(page),
                },
            }
        await self._http.deliver(self._url, msgspec.json.encode(event), now_ms, key=self._key)

    async def send_digest(self, pages: Sequence[Page], now_ms: int) -> None:
        """One by one: PagerDuty groups by itself."""
        for page in pages:
            await self.send(page, now_ms)
