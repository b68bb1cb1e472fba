"""The texts of a page in mails and chats: Chinese first, then English."""

from collections.abc import Iterable

from sentinel.delivery.page import Page, PageKind
from sentinel.model.alert import Tier
from sentinel.model.visible import visible

_CHINESE = {Tier.RED: "红色", Tier.ORANGE: "橙色", Tier.YELLOW: "黄色", Tier.BLUE: "蓝色"}
_STATES = {
    PageKind.TRIGGER: ("alert", "预警"),
    PageKind.ACKNOWLEDGE: ("acknowledged", "已认领"),
    PageKind.RESOLVE: ("resolved", "已解除"),
    PageKind.LATE: ("digest", "汇总"),
}
_URGENT_FIRST = tuple(Tier)


def headline(page: Page) -> str:
    """Tier and title in both languages, with the alert's state."""
    content, (english, chinese) = page.content, _STATES[page.kind]
    title = visible(f"{content.title.zh} / {content.title.en}")
    return f"[{_CHINESE[content.tier]} {content.tier}] {title} ({chinese} {english})"


def reason(page: Page) -> str:
    """The strongest reason in both languages, with its rule."""
    content = page.content
    rule = f" ({content.rule})" if content.rule else ""
    return visible(f"{content.reason.zh} / {content.reason.en}{rule}")


def asks_for_action(page: Page) -> bool:
    """Whether action is needed: the alert is neither acknowledged nor resolved."""
    return page.kind in (PageKind.TRIGGER, PageKind.LATE)


def colour(pages: Iterable[Page]) -> Tier | None:
    """The highest tier of the pages that ask for action; None if there is none."""
    tiers = [page.content.tier for page in pages if asks_for_action(page)]
    return min(tiers, key=_URGENT_FIRST.index, default=None)
