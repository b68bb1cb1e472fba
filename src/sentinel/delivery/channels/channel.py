"""What all channels have in common."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from sentinel.delivery.page import Page
from sentinel.model.alert import Tier

SEVERITY = {Tier.RED: "critical", Tier.ORANGE: "error", Tier.YELLOW: "warning", Tier.BLUE: "info"}


class Refused(Exception):  # noqa: N818 - it is what happened, and the receiver's right
    """The receiver will never accept this page."""


class Unreached(Exception):  # noqa: N818
    """The page was not delivered this time; the receiver asks for a retry after ``after_s``."""

    def __init__(self, message: str, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class Channel(Protocol):
    """A receiver of pages.

    ``remembers`` is whether it recognises an alert, so that it is notified when one is
    acknowledged and never gets several in one.
    """

    remembers: bool

    async def send(self, page: Page, now_ms: int) -> None:
        """Deliver the page; raises Refused or Unreached."""
        ...

    async def send_digest(self, pages: Sequence[Page], now_ms: int) -> None:
        """Deliver several pages in one; raises Refused or Unreached."""
        ...


def rfc3339(time_ms: int) -> str:
    """The moment with milliseconds, in UTC."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


def facts(page: Page) -> dict[str, Any]:
    """The content of a page as flat JSON."""
    content = page.content
    figures = {} if content.late is None else {"late": msgspec.to_builtins(content.late)}
    return {
        **figures,
        "alert_id": content.alert_id,
        "revision": content.revision,
        "tier": content.tier,
        "risk": content.risk,
        "title_en": content.title.en,
        "title_zh": content.title.zh,
        "reason_en": content.reason.en,
        "reason_zh": content.reason.zh,
        "rule": content.rule,
        "opened_at": rfc3339(content.opened_at),
        "updated_at": rfc3339(content.updated_at),
        "runbook": content.runbook,
        "link": content.link,
    }
