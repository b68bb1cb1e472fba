"""What robots of group chats are sent: signed, coloured, escaped, and within their limits."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.delivery.alerts import CUSTOMER, NOW, alert
from tests.delivery.receiver import ROBOT_KEY, ROBOTS, Kind, Receiver, Reply, Request

from sentinel.delivery.channels import Channel, Robot, Unreached
from sentinel.delivery.dispatch import BATCH
from sentinel.delivery.page import Page, PageKind, content
from sentinel.model.alert import Tier
from sentinel.model.signal import Title

LIMITS: dict[str, Callable[[bytes], bool]] = {
    "dingtalk": lambda body: len(body) <= 20_000,
    "wecom": lambda body: len(json.loads(body)["markdown"]["content"].encode()) <= 4_096,
    "feishu": lambda body: len(body) <= 20_000,
    "slack": lambda body: _within_slack(json.loads(body)),
    "teams": lambda body: len(body) <= 28_000,
}
CHINESE = Title("Large transfer " * 400, "夜间大额转账，对手方为新增收款人" * 400)
every_robot = pytest.mark.parametrize("kind", ROBOTS, ids=lambda kind: kind.type)


def _within_slack(message: dict[str, Any]) -> bool:
    blocks = message["attachments"][0]["blocks"]
    return len(blocks) <= 50 and all(len(each["text"]["text"]) <= 3_000 for each in blocks)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the machine that runs the tests."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def _page(
    alert_id: str = "a1",
    kind: PageKind = PageKind.TRIGGER,
    tier: Tier = Tier.RED,
    title: Title | None = None,
) -> Page:
    shown = content(alert(alert_id, tier=tier), "https://desk.example/alerts/{alert_id}")
    if title is not None:
        shown = replace(shown, title=title, reason=title)
    return Page(page_id=alert_id, channel="c", kind=kind, content=shown, since_ms=NOW)


def _sent(kind: Kind, *pages: Page) -> list[Request]:
    """The requests that one page, or a digest of several, makes."""

    async def play() -> list[Request]:
        async with Receiver(kind.accepted) as receiver:
            channel: Channel = kind.open(receiver.url)
            if len(pages) == 1:
                await channel.send(pages[0], NOW)
            else:
                await channel.send_digest(pages, NOW)
            return receiver.requests

    return asyncio.run(play())


def _text(kind: Kind, *pages: Page) -> str:
    return "\n".join(request.body.decode() for request in _sent(kind, *pages))


def _hmac_sha256(key: bytes, text: bytes) -> str:
    """RFC 2104 by hand, in base64."""
    key = key if len(key) <= 64 else hashlib.sha256(key).digest()
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + text).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()
    return base64.b64encode(outer).decode()


def test_dingtalk_is_signed_in_its_url() -> None:
    """Milliseconds, and the HMAC of time and secret; the token stays."""
    kind = next(kind for kind in ROBOTS if kind.type == "dingtalk")
    (request,) = _sent(kind, _page())
    assert request.query["timestamp"] == str(NOW)
    signed = f"{NOW}\n{ROBOT_KEY}".encode()
    assert request.query["sign"] == _hmac_sha256(ROBOT_KEY.encode(), signed)
    assert request.query["access_token"]
    assert ROBOT_KEY not in request.body.decode()


def test_feishu_is_signed_in_its_body() -> None:
    """Seconds, and the HMAC of nothing under time and secret."""
    kind = next(kind for kind in ROBOTS if kind.type == "feishu")
    (request,) = _sent(kind, _page())
    body = json.loads(request.body)
    assert body["timestamp"] == str(NOW // 1_000)
    assert body["sign"] == _hmac_sha256(f"{NOW // 1_000}\n{ROBOT_KEY}".encode(), b"")


@pytest.mark.parametrize("name", ["dingtalk", "feishu"])
def test_without_a_key_nothing_is_signed(name: str) -> None:
    """The robot may look at keywords or addresses instead."""
    (request,) = _sent(Kind(name, next(k for k in ROBOTS if k.type == name).accepted), _page())
    assert "sign" not in request.query
    assert "sign" not in json.loads(request.body)


@every_robot
def test_a_message_says_it_in_both_languages(kind: Kind) -> None:
    """Chinese before English; reason, runbook and link; the keyword; nothing of the customer."""
    text = _text(kind, _page())
    parts = ("账户盗转 / Account drained", "新设备大额转出 / New device, large transfer")
    for part in (
        *parts,
        "account-takeover.md",
        "https://desk.example/alerts/a1",
        "预警",
        "Sentinel",
    ):
        assert part in text
    assert CUSTOMER not in text


@every_robot
@pytest.mark.parametrize(
    ("state", "word"), [(PageKind.ACKNOWLEDGE, "已认领"), (PageKind.RESOLVE, "已解除")]
)
def test_an_answered_alert_says_so_and_is_not_red(kind: Kind, state: PageKind, word: str) -> None:
    """Whatever its tier was, its colour is that of no tier."""
    assert word in _text(kind, _page(kind=state))
    red = {
        "wecom": 'color=\\"warning\\"',
        "feishu": '"template":"red"',
        "slack": '"color":"#d72b2b"',
        "teams": '"color":"attention"',
    }.get(kind.type)
    if red is not None:  # DingTalk has no colours
        assert red in _text(kind, _page())
        assert red not in _text(kind, _page(kind=state))


@every_robot
def test_long_chinese_texts_are_cut_to_the_limit_in_bytes(kind: Kind) -> None:
    """At a character, with an ellipsis, and the link stays whole."""
    (request,) = _sent(kind, _page(title=CHINESE))
    assert LIMITS[kind.type](request.body)
    text = request.body.decode()
    assert "…" in text
    assert "夜间大额转账" in text
    assert "https://desk.example/alerts/a1" in text


@every_robot
@pytest.mark.parametrize("title", [None, CHINESE], ids=["usual", "long"])
def test_a_digest_lists_every_alert_within_the_limits(kind: Kind, title: Title | None) -> None:
    """Sixty alerts in as many messages as it takes, each once and in order."""
    pages = [_page(f"a{n:03}", tier=Tier.ORANGE, title=title) for n in range(60)]
    requests = _sent(kind, *pages)
    assert all(LIMITS[kind.type](request.body) for request in requests)
    text = "\n".join(request.body.decode() for request in requests)
    positions = [text.index(f"https://desk.example/alerts/a{n:03}") for n in range(60)]
    assert positions == sorted(positions)
    assert text.count("https://desk.example/alerts/a") == 60
    assert "60 条预警 / 60 alerts" in text
    assert ("(1-" in text) is (len(requests) > 1)


def test_the_longest_digest_is_four_messages_of_wecom_and_they_are_counted() -> None:
    """Beyond a minute's rate it would be refused as too fast, and begin again, for ever."""
    kind = next(kind for kind in ROBOTS if kind.type == "wecom")
    pages = [_page(f"a{n:03}", tier=Tier.ORANGE, title=CHINESE) for n in range(BATCH)]
    robot = kind.open("https://robot.example")
    assert isinstance(robot, Robot)
    assert len(_sent(kind, *pages)) == robot.messages(pages) == 4
    assert robot.messages(pages[:1]) == 1


def test_a_wecom_digest_fills_its_messages() -> None:
    """No message could have held the first alert of the next."""
    kind = next(kind for kind in ROBOTS if kind.type == "wecom")
    requests = _sent(kind, *(_page(f"a{n:03}", tier=Tier.BLUE) for n in range(60)))
    sizes = [len(json.loads(each.body)["markdown"]["content"].encode()) for each in requests]
    assert len(sizes) > 1
    assert all(size > 4_096 - 300 for size in sizes[:-1])


def test_a_digest_that_fails_in_the_middle_is_raised() -> None:
    """What was written before stays written; the dispatcher tries the whole again."""
    kind = next(kind for kind in ROBOTS if kind.type == "wecom")
    busy = Reply(200, b'{"errcode":45009,"errmsg":"freq out of limit"}')

    async def play() -> int:
        async with Receiver(kind.accepted) as receiver:
            receiver.later = busy
            pages = [_page(f"a{n:03}") for n in range(60)]
            with pytest.raises(Unreached, match="45009: freq out of limit"):
                await kind.open(receiver.url).send_digest(pages, NOW)
            return len(receiver.requests)

    assert asyncio.run(play()) == 2


MARKUP = Title(
    "[x](https://evil.example) <at user_id=all></at>", "**红** <!channel> <@all> `x` _y_ #z"
)


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("dingtalk", ["](https://evil", "**", "<", "`"]),
        ("wecom", ["](https://evil", "<@", "<at", "`"]),
        ("feishu", ["<at ", "](https://evil", "`x`"]),
        ("slack", ["<!channel>", "<@all>", "<at "]),
    ],
)
def test_marks_in_a_title_are_not_markup(name: str, absent: list[str]) -> None:
    """No links, no mentions and no formats come out of a rule's title."""
    kind = next(kind for kind in ROBOTS if kind.type == name)
    for pages in ([_page(title=MARKUP)], [_page("a1", title=MARKUP), _page("a2", title=MARKUP)]):
        body = json.loads(_sent(kind, *pages)[0].body)
        texts = {
            "dingtalk": lambda body: body["markdown"]["text"],
            "wecom": lambda body: body["markdown"]["content"],
            "feishu": lambda body: body["card"]["elements"][0]["text"]["content"],
            "slack": lambda body: body["text"] + str(body["attachments"]),
        }
        text = texts[name](body)
        assert "https://evil.example" in text.replace("&#95;", "_")
        assert [mark for mark in absent if mark in text] == []


def test_teams_shows_texts_as_they_are() -> None:
    """Text runs are no Markdown, so there is nothing to escape."""
    kind = next(kind for kind in ROBOTS if kind.type == "teams")
    card = json.loads(_sent(kind, _page(title=MARKUP))[0].body)["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert "**红** <!channel>" in card["body"][0]["inlines"][0]["text"]
    assert card["actions"][0]["url"] == "https://desk.example/alerts/a1"


@pytest.mark.parametrize("name", ["dingtalk", "wecom"])
def test_a_link_cannot_end_its_markup(name: str) -> None:
    """Brackets and spaces in a link are percent-encoded; what is encoded stays."""
    kind = next(kind for kind in ROBOTS if kind.type == name)
    page = _page()
    shown = replace(page.content, link="https://desk.example/a(1)?q=a b&x=%20[é]")
    body = _text(kind, replace(page, content=shown))
    assert "](https://desk.example/a%281%29?q=a%20b&x=%20%5B%C3%A9%5D)" in body
