"""The contract of every channel over HTTP: what a receiver does, and what becomes of the page."""

import asyncio
import ssl
from email.utils import formatdate
from pathlib import Path

import pytest
from tests.delivery.alerts import NOW, alert
from tests.delivery.receiver import (
    KINDS,
    PATH_TOKEN,
    ROBOT_KEY,
    ROBOTS,
    Kind,
    Receiver,
    Reply,
    Request,
)
from tests.kafka.certificates import make_ca, make_certificate

from sentinel.delivery.channels import Refused, Unreached
from sentinel.delivery.entries import ChannelError
from sentinel.delivery.page import Page, PageKind, content

MEGABYTES = b"x" * 10_000_000


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the machine that runs the tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def _page() -> Page:
    shown = content(alert(), "https://desk.example/{alert_id}")
    return Page(page_id="p1", channel="c", kind=PageKind.TRIGGER, content=shown, since_ms=NOW)


def _deliver(kind: Kind, reply: Reply) -> tuple[Exception | None, list[Request]]:
    """What sending a page raises when the receiver gives ``reply``, and what it was sent."""

    async def play() -> tuple[Exception | None, list[Request]]:
        async with Receiver(reply) as receiver:
            return await _attempt(kind, receiver.url), receiver.requests

    return asyncio.run(play())


async def _attempt(kind: Kind, base: str) -> Exception | None:
    caught: Exception | None = None
    try:
        await kind.open(base).send(_page(), NOW)
    except (Refused, Unreached) as error:
        caught = error
    assert not [secret for secret in kind.secrets if secret in str(caught)]
    return caught


def _echo(kind: Kind) -> bytes:
    """A page of an HTTP server that repeats all secrets of the request."""
    return ("<html>no: " + " ".join(kind.secrets) + "</html>").encode()


every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
every_robot = pytest.mark.parametrize("kind", ROBOTS, ids=lambda kind: kind.type)


@every_kind
def test_a_page_that_is_taken_raises_nothing(kind: Kind) -> None:
    """The receiver's own answer for "taken", to one JSON request."""
    error, requests = _deliver(kind, kind.accepted)
    assert error is None
    (request,) = requests
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"


@every_kind
@pytest.mark.parametrize(
    "status", [301, 302, 307, 401, 403, 404, 407, 408, 410, 425, 429, 500, 502, 503]
)
def test_what_an_operator_can_mend_is_tried_again(kind: Kind, status: int) -> None:
    """Redirects, credentials, addresses and overload; a redirect is not followed."""
    reply = Reply(status, _echo(kind), {"Location": "/elsewhere"})
    error, requests = _deliver(kind, reply)
    assert isinstance(error, Unreached)
    assert str(error).startswith(f"HTTP {status}: <html>no: ***")
    assert error.after_s is None
    assert len(requests) == 1


@every_kind
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_page_that_is_wrong_is_refused(kind: Kind, status: int) -> None:
    """No later attempt would be taken either."""
    error, _ = _deliver(kind, Reply(status, _echo(kind)))
    assert isinstance(error, Refused)
    assert str(error).startswith(f"HTTP {status}: <html>no: ***")


@every_kind
@pytest.mark.parametrize(
    ("text", "after_s"),
    [
        ("7", 7.0),
        (formatdate(NOW / 1000 + 90, usegmt=True), 90.0),
        (formatdate(NOW / 1000 - 90, usegmt=True), None),
        ("999999", 3_600.0),
        ("inf", None),
        ("nan", None),
        ("-5", None),
        ("0", None),
        ("soon", None),
        ("Thu, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_a_busy_receiver_says_when(kind: Kind, text: str, after_s: float | None) -> None:
    """Retry-After is seconds or a date, an hour at most; nonsense leaves it to the backoff."""
    error, _ = _deliver(kind, Reply(429, b"", {"Retry-After": text}))
    assert isinstance(error, Unreached)
    assert error.after_s == after_s


@every_kind
@pytest.mark.parametrize(
    "body",
    [b"\xff\x00<html>", b"[" * 60_000, b'{"errcode":"0"}', b"{}", b"null", MEGABYTES],
    ids=["garbage", "nested", "text-code", "no-code", "null", "megabytes"],
)
def test_an_answer_of_a_stranger_is_no_delivery_for_a_robot(kind: Kind, body: bytes) -> None:
    """Receivers with a status of their own have taken it; a robot must say so in its body."""
    error, _ = _deliver(kind, Reply(200, body))
    if kind.by_status:
        assert error is None
    else:
        assert isinstance(error, Unreached)
        assert len(str(error)) < 300


@every_kind
def test_a_megabyte_of_refusal_is_a_short_message(kind: Kind) -> None:
    """The answer is read to 64 KiB, and its start is in the message."""
    error, _ = _deliver(kind, Reply(500, MEGABYTES))
    assert isinstance(error, Unreached)
    assert len(str(error)) < 300


@every_kind
def test_a_connection_that_breaks_is_tried_again(kind: Kind) -> None:
    """The request was sent, and nobody knows whether it was read."""
    error, requests = _deliver(kind, Reply(reset=True))
    assert isinstance(error, Unreached)
    assert str(error).startswith("127.0.0.1: ")
    assert len(requests) == 1


@every_kind
def test_an_answer_that_is_not_http_is_tried_again(kind: Kind) -> None:
    """Something else listens on that port."""

    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 smtp.bank.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async def play() -> Exception | None:
        async with await asyncio.start_server(chatter, "127.0.0.1", 0) as server:
            return await _attempt(kind, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    assert isinstance(asyncio.run(play()), Unreached)


@every_kind
@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("http://127.0.0.1:9", "127.0.0.1: "),
        ("http://user:pass-word-55@127.0.0.1:9", "127.0.0.1: "),
        ("http://a..b", "a..b: not a valid URL"),
        ("http://" + "a" * 70 + ".example", "a" * 70 + ".example: "),
    ],
)
def test_an_address_that_leads_nowhere_is_tried_again(kind: Kind, base: str, message: str) -> None:
    """A closed port or a wrong host is an operator's to mend; the message has only the host."""
    error = asyncio.run(_attempt(kind, base))
    assert isinstance(error, Unreached)
    assert "pass-word-55" not in str(error)
    assert str(error).startswith(message)


@every_kind
def test_a_proxy_of_the_environment_is_used(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY gets the request for a host that only the proxy can resolve."""

    async def play() -> list[Request]:
        async with Receiver(kind.accepted) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            assert await _attempt(kind, "http://pages.invalid") is None
            return proxy.requests

    (request,) = asyncio.run(play())
    assert request.url.startswith("http://pages.invalid/hook/")


@every_kind
def test_no_proxy_names_hosts_that_are_reached_directly(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that does not answer is not asked; without NO_PROXY it is."""

    async def play() -> list[Exception | None]:
        async with Receiver(kind.accepted) as receiver:
            monkeypatch.setenv("HTTP_PROXY", "http://user:pass-word-55@127.0.0.1:9")
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            direct = await _attempt(kind, receiver.url)
            monkeypatch.delenv("NO_PROXY")
            return [direct, await _attempt(kind, receiver.url)]

    direct, through = asyncio.run(play())
    assert direct is None
    assert isinstance(through, Unreached)
    assert str(through).startswith("127.0.0.1: the proxy cannot be reached: ")
    assert "pass-word-55" not in str(through)


@every_kind
def test_a_proxy_that_refuses_to_connect_is_named(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For https the proxy answers first; its status is in the message, its password is not."""

    async def play() -> Exception | None:
        async with Receiver(kind.accepted) as proxy:
            login = "http://user:pass-word-55@"
            monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", login))
            return await _attempt(kind, "https://pages.invalid")

    error = asyncio.run(play())
    assert isinstance(error, Unreached)
    assert str(error) == "pages.invalid: the proxy answers HTTP 404"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a private authority and a certificate of it."""
    folder = tmp_path_factory.mktemp("keys")
    make_certificate(make_ca(folder, "ca"), "receiver")
    return folder


@every_kind
def test_a_private_authority_is_trusted_if_it_is_named(kind: Kind, keys: Path) -> None:
    """SENTINEL_CA_FILE; without it the certificate is refused."""

    async def play() -> None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(keys / "receiver.pem", keys / "receiver.key")
        async with Receiver(kind.accepted, tls) as receiver:
            ca = keys / "named.pem"
            ca.write_text("某银行根证书\n" + (keys / "ca.pem").read_text(), encoding="utf-8")
            channel = kind.open(receiver.url, SENTINEL_CA_FILE=str(ca))
            await channel.send(_page(), NOW)
            error = await _attempt(kind, receiver.url)
            assert isinstance(error, Unreached)
            assert str(error).startswith("127.0.0.1: its certificate is not trusted: ")

    asyncio.run(play())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "No such file or directory"),
        ("", "no certificates in it"),
        ("某银行根证书", "no certificates in it"),
    ],
)
def test_a_file_without_authorities_is_named(
    text: str | None, problem: str, tmp_path: Path
) -> None:
    """When the pager starts, not when it has something to say."""
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ChannelError) as caught:
        KINDS[0].open("https://x", SENTINEL_CA_FILE=str(path))
    assert str(caught.value) == f"channel pagerduty: SENTINEL_CA_FILE: {path}: {problem}"


TOO_FAST = [
    ("dingtalk", 130101),
    ("dingtalk", 410100),
    ("wecom", 45009),
    ("feishu", 9499),
    ("feishu", 11232),
]
MENDABLE = [
    ("dingtalk", 310000, "sign not match"),
    ("dingtalk", 300001, "token is not exist"),
    ("wecom", 93000, "invalid webhook url"),
    ("feishu", 19021, "sign match fail or timestamp is not within one hour from current time"),
    ("feishu", 19022, "Ip Not Allowed"),
    ("feishu", 19024, "Key Words Not Found"),
]
FOR_EVER = [("dingtalk", 460101), ("wecom", 40058), ("feishu", 11246)]


def _coded(name: str, code: int, text: str, status: int = 200) -> tuple[Kind, Reply]:
    kind = next(kind for kind in KINDS if kind.type == name)
    words = f'"{text} {ROBOT_KEY} {PATH_TOKEN}"'
    body = f'{{"code":{code},"msg":{words}}}' if name == "feishu" else ""
    return kind, Reply(status, (body or f'{{"errcode":{code},"errmsg":{words}}}').encode())


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(("name", "code"), TOO_FAST)
def test_a_robot_that_is_told_too_much_is_left_for_a_minute(
    name: str, code: int, status: int
) -> None:
    """Its code counts, whatever its HTTP status."""
    error, _ = _deliver(*_coded(name, code, "too fast", status))
    assert isinstance(error, Unreached)
    assert error.after_s == 60.0


@pytest.mark.parametrize(("name", "code", "text"), MENDABLE)
def test_a_robot_that_is_set_up_wrongly_says_why(name: str, code: int, text: str) -> None:
    """The page waits, and its own words are in the message, without the secrets."""
    kind, reply = _coded(name, code, text)
    error, _ = _deliver(kind, reply)
    assert isinstance(error, Unreached)
    assert error.after_s is None
    assert str(error).startswith(f"{code}: {text} ")


@pytest.mark.parametrize(("name", "code"), FOR_EVER)
def test_a_message_that_a_robot_never_takes_is_refused(name: str, code: int) -> None:
    """Too long, or of a wrong form."""
    error, _ = _deliver(*_coded(name, code, "too long"))
    assert isinstance(error, Refused)


@pytest.mark.parametrize(
    ("name", "status", "body", "expected", "after_s"),
    [
        ("slack", 404, b"channel_is_archived", Unreached, None),
        ("slack", 400, b"invalid_token", Unreached, None),
        ("slack", 400, b"invalid_blocks", Refused, None),
        ("slack", 200, b"fine", Unreached, None),
        ("teams", 200, b"1", None, None),
        ("teams", 202, b"anything", None, None),
        ("teams", 200, b"", Unreached, None),
        (
            "teams",
            200,
            b"Webhook message delivery failed with error: Teams returned HTTP error 429",
            Unreached,
            60.0,
        ),
        (
            "teams",
            200,
            b"Webhook message delivery failed with error: Teams returned HTTP error 413",
            Refused,
            None,
        ),
        ("teams", 400, b'{"error":{"code":"WorkflowTriggerIsNotEnabled"}}', Unreached, None),
        ("feishu", 200, b'{"StatusCode":0,"StatusMessage":"success"}', None, None),
        ("feishu", 500, b'{"code":0}', Unreached, None),
        ("feishu", 400, b'{"code":19001,"msg":"access token invalid"}', Unreached, None),
        ("dingtalk", 200, b'{"errcode":-1,"errmsg":"busy"}', Unreached, 60.0),
        ("dingtalk", 400, b'{"errcode":460101,"errmsg":"too long"}', Refused, None),
        ("dingtalk", 502, b'{"errcode":460101,"errmsg":"too long"}', Unreached, None),
    ],
)
def test_the_other_ways_of_robots_to_answer(
    name: str,
    status: int,
    body: bytes,
    expected: type[Exception] | None,
    after_s: float | None,
) -> None:
    """Words, old forms and errors inside of a success."""
    kind = next(kind for kind in KINDS if kind.type == name)
    error, _ = _deliver(kind, Reply(status, body))
    assert type(error) is (expected or type(None))
    assert getattr(error, "after_s", None) == after_s
