"""Mail and chats by Apprise: Slack, DingTalk, WeCom, Feishu, mailto and a hundred others."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentinel.delivery.channels.channel import Unreached
from sentinel.delivery.page import Page, PageKind
from sentinel.model.alert import Tier

if TYPE_CHECKING:
    from apprise import NotifyType

_CHINESE = {Tier.RED: "红色", Tier.ORANGE: "橙色", Tier.YELLOW: "黄色", Tier.BLUE: "蓝色"}
_WORDS = {
    PageKind.TRIGGER: ("alert", "预警"),
    PageKind.ACKNOWLEDGE: ("acknowledged", "已受理"),
    PageKind.RESOLVE: ("resolved", "已解除"),
    PageKind.LATE: ("digest", "汇总"),
}
_SHOWN = 20  # alerts of a digest that are listed


class Chat:
    """What one Apprise URL reaches; raises ValueError if Apprise does not know the URL."""

    remembers = False

    def __init__(self, url: str) -> None:
        import apprise  # noqa: PLC0415 - takes a second, and only pagers with chats need it

        self._apprise = apprise.Apprise()
        if not self._apprise.add(url):
            raise ValueError("Apprise cannot read its url")  # which may hold a secret
        for server in self._apprise:
            server.request_rate_per_sec = 0  # it would sleep seconds; the channel has a rate
        self._types: dict[bool, NotifyType] = {
            True: apprise.NotifyType.FAILURE,
            False: apprise.NotifyType.SUCCESS,
        }

    async def send(self, page: Page, now_ms: int) -> None:  # noqa: ARG002
        """Write a message; raises Unreached."""
        said = page.content
        rule = f" ({said.rule})" if said.rule else ""
        lines = [
            f"{said.title.zh} / {said.title.en}",
            f"{said.reason.zh} / {said.reason.en}{rule}",
            said.runbook,
            said.link,
        ]
        loud = page.kind in (PageKind.TRIGGER, PageKind.LATE)
        await self._notify(_headline(page), "\n".join(lines), loud=loud)

    async def send_digest(self, pages: Sequence[Page], now_ms: int) -> None:  # noqa: ARG002
        """Write one message about several alerts; raises Unreached."""
        lines = [f"{_headline(page)}  {page.content.link}" for page in pages[:_SHOWN]]
        if len(pages) > _SHOWN:
            lines.append(f"+ {len(pages) - _SHOWN}")
        title = f"Sentinel: {len(pages)} alerts / {len(pages)} 条预警"
        await self._notify(title, "\n".join(lines), loud=True)

    async def _notify(self, title: str, body: str, *, loud: bool) -> None:
        kind = self._types[loud]
        done = await asyncio.to_thread(
            self._apprise.notify, body=body, title=title, notify_type=kind
        )
        if not done:
            raise Unreached("Apprise could not deliver it")


def _headline(page: Page) -> str:
    """Tier and title in both languages, with what has become of the alert."""
    said, (english, chinese) = page.content, _WORDS[page.kind]
    return (
        f"[{_CHINESE[said.tier]} {said.tier}] {said.title.zh} / {said.title.en}"
        f" ({chinese} {english})"
    )
