"""Prometheus Alertmanager's API v2: an alert with labels, until its ``endsAt``."""

from collections.abc import Sequence
from typing import Any

import msgspec

from sentinel.delivery.channels.channel import SEVERITY, rfc3339
from sentinel.delivery.channels.http import Http
from sentinel.delivery.page import Page, PageKind

# As Prometheus does: open alerts are sent again every minute; one that is not sent ends.
_OPEN_MS = 5 * 60_000
_BATCH = 500
_DIGEST_OPEN_MS = 86_400_000  # nobody resolves a digest of late alerts


class Alertmanager:
    """An Alertmanager at ``url`` (without ``/api/v2/alerts``)."""

    remembers = True

    def __init__(self, url: str, http: Http) -> None:
        self._http = http
        self._url = f"{url.rstrip('/')}/api/v2/alerts"

    async def send(self, page: Page, now_ms: int) -> None:
        """Post the alert; raises Refused or Unreached."""
        await self.send_digest([page], now_ms)

    async def send_digest(self, pages: Sequence[Page], now_ms: int) -> None:
        """Post several alerts at once; acknowledgements are nothing to Alertmanager."""
        alerts = [_alert(page, now_ms) for page in pages if page.kind is not PageKind.ACKNOWLEDGE]
        if alerts:
            await self._http.deliver(self._url, msgspec.json.encode(alerts), now_ms)

    async def resend(self, pages: Sequence[Page], now_ms: int) -> None:
        """Post alerts that are open once more; raises Refused or Unreached."""
        for start in range(0, len(pages), _BATCH):
            await self.send_digest(pages[start : start + _BATCH], now_ms)


def _alert(page: Page, now_ms: int) -> dict[str, Any]:
    """Labels stay the same for all revisions: they are the alert's identity in Alertmanager."""
    content = page.content
    ends_ms = now_ms if page.kind is PageKind.RESOLVE else now_ms + _OPEN_MS
    labels = {"alertname": "SentinelAlert", "alert_id": content.alert_id, "risk": content.risk}
    if content.late is not None:
        ends_ms = now_ms + _DIGEST_OPEN_MS
        labels = {
            "alertname": "SentinelAlertsFoundLate",
            "digest": content.alert_id,
            "route": content.late.route,
        }
    return {
        "labels": labels,
        "annotations": {
            "tier": content.tier,
            "severity": SEVERITY[content.tier],
            "summary": f"{content.title.en} / {content.title.zh}",
            "reason": f"{content.reason.en} / {content.reason.zh}",
            "rule": content.rule,
            "runbook": content.runbook,
        },
        "startsAt": rfc3339(content.opened_at),
        "endsAt": rfc3339(ends_ms),
        "generatorURL": content.link,
    }
