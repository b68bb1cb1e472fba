"""Mail and chats by Apprise: a real SMTP server, and the messages' words."""

import asyncio
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from tests.delivery.alerts import CUSTOMER, NOW, alert
from tests.delivery.box import Box
from tests.delivery.receiver import Receiver, Reply
from tests.ports import free_port

from sentinel.delivery.channels import Unreached, open_channel
from sentinel.delivery.channels.chat import Chat
from sentinel.delivery.dispatch import BATCH
from sentinel.delivery.entries import ChannelEntry, ChannelError, Secret
from sentinel.delivery.page import Page, PageKind, content


class Mailbox:
    """Keeps every mail that an SMTP server is given."""

    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@pytest.fixture
def smtp() -> Iterator[tuple[str, Mailbox]]:
    """A mail server on a free port, as an Apprise URL, and what it was given."""
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    url = (
        f"mailto://127.0.0.1:{port}/?from=sentinel@bank.example&to=desk@bank.example&mode=insecure"
    )
    yield url, mailbox
    controller.stop()


def _page(alert_id: str = "a1", kind: PageKind = PageKind.TRIGGER) -> Page:
    shown = content(alert(alert_id), "https://desk.example/{alert_id}")
    return Page(page_id=f"{alert_id}.p", channel="mail", kind=kind, content=shown, since_ms=NOW)


def test_a_page_becomes_a_mail_in_both_languages(smtp: tuple[str, Mailbox]) -> None:
    """Tier and title as its subject; reason, runbook and link inside; nothing of the customer."""
    url, mailbox = smtp
    asyncio.run(Chat(url).send(_page(), NOW))
    (mail,) = mailbox.mails
    assert mail["subject"] == "[红色 red] 账户盗转 / Account drained (预警 alert)"
    text = str(mail.get_body(("html", "plain")).get_content())  # type: ignore[attr-defined]
    for part in ("新设备大额转出", "New device, large transfer", "https://desk.example/a1"):
        assert part in text
    assert CUSTOMER not in mail.as_string()


def test_a_digest_lists_its_alerts(smtp: tuple[str, Mailbox]) -> None:
    """One mail about as many alerts as a digest has: each with its link."""
    url, mailbox = smtp
    asyncio.run(Chat(url).send_digest([_page(f"a{n}") for n in range(BATCH)], NOW))
    (mail,) = mailbox.mails
    assert mail["subject"] == f"Sentinel: {BATCH} alerts / {BATCH} 条预警"
    text = str(mail.get_body(("html", "plain")).get_content())  # type: ignore[attr-defined]
    assert all(f"https://desk.example/a{n}" in text for n in range(BATCH))


def test_the_end_of_an_alert_is_said(smtp: tuple[str, Mailbox]) -> None:
    """A resolve is a message, too."""
    url, mailbox = smtp
    asyncio.run(Chat(url).send(_page(kind=PageKind.RESOLVE), NOW))
    assert mailbox.mails[0]["subject"].endswith("(已解除 resolved)")


def test_a_digest_of_late_alerts_is_one_mail(smtp: tuple[str, Mailbox], tmp_path: Path) -> None:
    """How many, from when to when, and how many are red, in both languages, with a link."""
    box, later = Box(tmp_path), NOW + 48 * 3_600_000
    box.store(*(alert(f"a{n}", updated_at=NOW + n * 1_000) for n in range(41)), now_ms=later)
    url, mailbox = smtp
    (page,) = box.due("duty", later + 60_000)
    asyncio.run(Chat(url).send(page, NOW))
    (mail,) = mailbox.mails
    assert mail["subject"] == (
        "[红色 red] 补报预警 41 条（1月1日 11:00 至 1月1日 11:00），其中红色 41 条 / "
        "41 alerts from 2026-01-01 11:00 to 2026-01-01 11:00 were found late, 41 red (汇总 digest)"
    )
    text = str(mail.get_body(("html", "plain")).get_content())  # type: ignore[attr-defined]
    for part in ("通知路由 fraud：红色 41 条；尚未处理 41 条", "https://desk.example/alerts/"):
        assert part in text


def test_the_rate_is_the_channels_own(smtp: tuple[str, Mailbox]) -> None:
    """Apprise does not put sleeps of its own between messages."""
    url, mailbox = smtp
    chat = Chat(url)
    assert [server.request_rate_per_sec for server in chat._apprise] == [0]
    for _ in range(3):
        asyncio.run(chat.send(_page(), NOW))
    assert len(mailbox.mails) == 3


def test_a_server_that_is_not_there_is_unreached() -> None:
    """The page is to be tried again, and the log says why."""
    url = "mailto://127.0.0.1:9/?from=a@b.example&to=c@d.example"
    with pytest.raises(Unreached, match="Connection error while submitting email"):
        asyncio.run(Chat(url).send(_page(), NOW))


def test_what_a_service_repeats_holds_no_secret() -> None:
    """Apprise's words name the URL's password and token as ``***``."""

    async def play() -> str:
        async with Receiver(Reply(403, b"no")) as receiver:
            host = receiver.url.removeprefix("http://")
            chat = Chat(f"json://user:pa55@{host}/token-5Gw2-planted/?+X-Key=header-secret-1")
            with pytest.raises(Unreached) as caught:
                await chat.send(_page(), NOW)
            assert "user:pa55" not in str(receiver.requests[0].body)
        return str(caught.value)

    shown = asyncio.run(play())
    assert "403" in shown or "Forbidden" in shown
    for secret in ("pa55", "token-5Gw2-planted", "header-secret-1"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("url", "schema", "own"),
    [
        ("dingtalk://SECabc123456/abcdef0123456789abcdef0123456789", "dingtalk", "dingtalk"),
        ("wecombot://abcdef01-2345-6789-abcd-ef0123456789", "wecombot", "wecom"),
        (
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abcdef01-2345-6789-abcd-ef0123456789",
            "wecombot",
            "wecom",
        ),
        ("feishu://abcdef01-2345-6789-abcd-ef0123456789", "feishu", "feishu"),
        ("lark://abcdef01-2345-6789-abcd-ef0123456789", "lark", "feishu"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/", "slack", "slack"),
        (
            "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "slack",
            "slack",
        ),
        ("msteams://anything", "msteams", "teams"),
        ("workflows://host:443/WORKFLOWID/SIGNATURE/", "workflows", "teams"),
        (
            "json://127.0.0.1:9/ slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
            "slack",
            "slack",
        ),
    ],
)
def test_robots_with_a_type_of_their_own_are_refused_at_start(
    url: str, schema: str, own: str
) -> None:
    """Apprise takes their refusals for deliveries; the hint names the type, never the URL."""
    with pytest.raises(ChannelError) as caught:
        open_channel(ChannelEntry("apprise", Secret(env="URL")), "chat", {"URL": url})
    message = f"channel chat: Apprise is not used for {schema}:// (use type: {own})"
    assert str(caught.value) == message
