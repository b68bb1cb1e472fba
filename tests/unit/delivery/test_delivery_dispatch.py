"""Sending: retries, throttling, digests and dead ends, against a receiver that misbehaves."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.delivery.alerts import CUSTOMER, NOW, alert
from tests.delivery.box import read_of
from tests.delivery.listener import KEY, ROUTING_KEY, Listener, Mood
from tests.delivery.plans import TEXT, plan

from sentinel.delivery.channels import Channel, open_channel
from sentinel.delivery.channels.channel import Unreached
from sentinel.delivery.clock import Clock
from sentinel.delivery.declare import ChannelEntry, ChannelError, Secret
from sentinel.delivery.dispatch import Dispatcher
from sentinel.delivery.outbox import Outbox
from sentinel.delivery.page import Page
from sentinel.delivery.watch import PagerMetrics
from sentinel.model.alert import Alert, AlertState, Change, Resolution, Tier
from sentinel.model.signal import Risk

ENVIRON = {"DUTY_KEY": ROUTING_KEY, "CASES_KEY": KEY, "CHAT_URL": "json://127.0.0.1:9/"}


class Chatroom:
    """A chat that remembers what was written."""

    remembers = False

    def __init__(self) -> None:
        self.written: list[list[str]] = []

    async def send(self, page: Page, now_ms: int) -> None:
        """One message about one page."""
        await self.send_digest([page], now_ms)

    async def send_digest(self, pages: Any, now_ms: int) -> None:
        """One message about several."""
        self.written.append([page.content.alert_id for page in pages])


class Bench:
    """An outbox, a dispatcher with a clock that stands still, and the receiver."""

    def __init__(self, path: Path, listener: Listener, text: str = TEXT) -> None:
        self.now = NOW
        self.listener = listener
        self.plan = plan(text, url=listener.url)
        self.outbox = Outbox(f"sqlite:///{path}/outbox.db")
        self.registry = CollectorRegistry()
        self.chat = Chatroom()
        channels: dict[str, Channel] = {
            name: open_channel(entry, name, ENVIRON)
            for name, entry in self.plan.channels.items()
            if name != "chat"
        }
        channels["chat"] = self.chat
        metrics = PagerMetrics(self.registry, channels)
        clock = Clock(lambda: self.now, lambda: self.now, 0)
        self.dispatcher = Dispatcher(self.outbox, self.plan, channels, metrics, clock)
        self.offset = 0

    def takes(self, *alerts: Alert) -> None:
        """The next records of the topic."""
        self.outbox.accept(read_of(alerts, self.offset), self.plan, self.now)
        self.offset += len(alerts)

    async def sends(self, channel: str) -> None:
        """Send all that is due on a channel, until it would wait."""
        while await self.dispatcher.send_due(channel) == 0.0:
            pass

    def counted(self, name: str, **labels: str) -> float:
        """A metric."""
        return self.registry.get_sample_value(name, labels) or 0.0


Play = Callable[[Bench], Coroutine[Any, Any, None]]


def _play(path: Path, play: Play, *moods: Mood, text: str = TEXT) -> Bench:
    """Play a scene with a receiver in those moods."""

    async def stage() -> Bench:
        async with Listener(deque(moods)) as listener:
            bench = Bench(path, listener, text)
            await play(bench)
            assert listener.problems == []
            return bench

    return asyncio.run(stage())


def test_pagerduty_is_triggered_acknowledged_and_resolved_under_one_key(tmp_path: Path) -> None:
    """Three events that keep to its contract; severity by tier; nothing about the customer."""

    async def play(bench: Bench) -> None:
        bench.takes(alert())
        await bench.sends("duty")
        bench.takes(alert(revision=2, state=AlertState.ACKNOWLEDGED, acknowledged_by="li.wei"))
        await bench.sends("duty")
        bench.takes(alert(revision=3, state=AlertState.RESOLVED, resolution=Resolution.QUIET))
        await bench.sends("duty")

    pages = _play(tmp_path, play).listener.pages
    assert [page["event_action"] for page in pages] == ["trigger", "acknowledge", "resolve"]
    assert {page["dedup_key"] for page in pages} == {"a1"}
    assert pages[0]["payload"]["severity"] == "critical"
    assert pages[0]["links"][0]["href"] == "https://desk.example/alerts/a1"
    assert CUSTOMER not in str(pages)
    assert "amount" not in str(pages)


def test_a_webhook_is_signed_and_says_both_languages(tmp_path: Path) -> None:
    """The receiver checks the signature; the id stays the same for a resend."""

    async def play(bench: Bench) -> None:
        bench.takes(alert(tier=Tier.ORANGE))
        await bench.sends("cases")
        bench.now += 8_000
        await bench.sends("cases")

    bench = _play(tmp_path, play, Mood.BROKEN)
    (page,), (headers,) = bench.listener.pages, bench.listener.headers
    assert page["type"] == "sentinel.alert.trigger"
    assert (page["data"]["title_en"], page["data"]["title_zh"]) == ("Account drained", "账户盗转")
    assert headers["webhook-id"] == "a1.1.everybody.0.cases"
    assert CUSTOMER not in str(page)


def test_what_fails_is_tried_again_later_each_time(tmp_path: Path) -> None:
    """Three failures and a success: waits at least double, until the longest."""
    waits: list[int] = []

    async def play(bench: Bench) -> None:
        bench.takes(alert())
        for _ in range(4):
            await bench.sends("duty")
            due_ms = bench.outbox.next_due_ms("duty")
            if due_ms is not None:
                waits.append(due_ms - bench.now)
                bench.now = due_ms

    bench = _play(tmp_path, play, Mood.BROKEN, Mood.BROKEN, Mood.BROKEN)
    assert len(bench.listener.pages) == 1
    assert [500 << n <= wait <= 1_000 << n for n, wait in enumerate(waits)] == [True] * 3
    assert bench.counted("sentinel_pages_total", channel="duty", result="failed") == 3
    assert bench.counted("sentinel_pages_total", channel="duty", result="sent") == 1


def test_a_busy_receiver_says_when(tmp_path: Path) -> None:
    """429 with Retry-After: exactly then, and counted as throttled."""

    async def play(bench: Bench) -> None:
        bench.takes(alert())
        await bench.sends("duty")
        assert bench.outbox.next_due_ms("duty") == NOW + 7_000

    bench = _play(tmp_path, play, Mood.BUSY)
    assert bench.counted("sentinel_pages_total", channel="duty", result="throttled") == 1


def test_a_receiver_that_hangs_is_given_up_for_now(tmp_path: Path) -> None:
    """After the time-out the page waits for its next attempt."""

    async def play(bench: Bench) -> None:
        bench.takes(alert())
        await bench.sends("duty")
        assert bench.outbox.counts()["due"] == 2

    _play(tmp_path, play, Mood.DEAF, text=TEXT.replace("timeout: 2s", "timeout: 1s"))


def test_a_channel_that_hangs_keeps_no_other_waiting(tmp_path: Path) -> None:
    """While PagerDuty does not answer, the webhook gets its page."""

    async def play(bench: Bench) -> None:
        bench.takes(alert("r"), alert("o", tier=Tier.ORANGE))
        bench.listener.moods.append(Mood.DEAF)
        hanging = asyncio.create_task(bench.dispatcher.send_due("duty"))
        await bench.listener.asked.wait()
        await bench.sends("cases")
        assert not hanging.done()
        assert len(bench.listener.pages) == 1
        await hanging

    _play(tmp_path, play)


def test_what_is_refused_is_not_tried_again(tmp_path: Path) -> None:
    """400 is for ever: dead, counted, and nothing waits."""

    async def play(bench: Bench) -> None:
        bench.takes(alert(tier=Tier.ORANGE))
        await bench.sends("cases")

    bench = _play(tmp_path, play, Mood.STRICT)
    assert bench.outbox.counts()["dead"] == 1
    assert bench.counted("sentinel_unsent_pages_total", reason="refused") == 1


def test_what_nobody_takes_for_so_long_is_given_up(tmp_path: Path) -> None:
    """After give_up of trying the page is dead and counted."""

    async def play(bench: Bench) -> None:
        bench.takes(alert(tier=Tier.ORANGE))
        bench.now += 2 * 3_600_000
        await bench.sends("cases")

    bench = _play(tmp_path, play, Mood.BROKEN)
    assert bench.counted("sentinel_unsent_pages_total", reason="expired") == 1


def test_a_receiver_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    """Connection refused is a failure like others."""

    async def play(bench: Bench) -> None:
        channel = open_channel(
            ChannelEntry("webhook", "http://127.0.0.1:9/hook", Secret(env="CASES_KEY")),
            "cases",
            ENVIRON,
        )
        bench.takes(alert(tier=Tier.ORANGE))
        (page,) = bench.outbox.due("cases", NOW, 9)
        with pytest.raises(Unreached):
            await channel.send(page, NOW)

    _play(tmp_path, play)


def test_many_alerts_for_a_chat_are_one_digest(tmp_path: Path) -> None:
    """Five legal alerts at once are one message; a red one among them is its own, and first."""

    async def play(bench: Bench) -> None:
        bench.takes(*(alert(f"a{n}", tier=Tier.BLUE, risk=Risk.LEGAL) for n in range(5)))
        await bench.sends("chat")
        assert bench.chat.written == [["a0", "a1", "a2", "a3", "a4"]]
        bench.takes(alert("b", tier=Tier.BLUE, risk=Risk.LEGAL))
        await bench.sends("chat")
        assert bench.chat.written[1:] == [["b"]]

    bench = _play(tmp_path, play)
    assert bench.counted("sentinel_pages_total", channel="chat", result="digested") == 5


def test_beyond_its_rate_a_chat_gets_what_waited_in_one(tmp_path: Path) -> None:
    """Two messages in any minute: what comes after waits until one is a minute old, together."""

    async def play(bench: Bench) -> None:
        for n in range(4):
            bench.takes(alert(f"a{n}", tier=Tier.BLUE, risk=Risk.LEGAL))
            await bench.sends("chat")
            bench.now += 10_000
        assert bench.chat.written == [["a0"], ["a1"]]
        bench.now += 19_999
        await bench.sends("chat")
        assert bench.chat.written[2:] == []
        bench.now += 1
        await bench.sends("chat")
        assert bench.chat.written[2:] == [["a2", "a3"]]

    _play(tmp_path, play)


def test_pagerduty_is_never_sent_a_digest(tmp_path: Path) -> None:
    """Every red alert is an incident of its own, in the order of the records."""

    async def play(bench: Bench) -> None:
        bench.takes(*(alert(f"a{n}") for n in range(6)))
        await bench.sends("duty")

    keys = [page["dedup_key"] for page in _play(tmp_path, play).listener.pages]
    assert keys == [f"a{n}" for n in range(6)]


def test_an_alertmanager_gets_an_alert_and_its_end(tmp_path: Path) -> None:
    """The same labels both times; the end is when it was resolved."""
    text = TEXT.replace(
        'duty: {type: pagerduty, url: "URL/v2/enqueue", key: {env: DUTY_KEY}}',
        'duty: {type: alertmanager, url: "URL"}',
    )

    async def play(bench: Bench) -> None:
        bench.takes(alert())
        await bench.sends("duty")
        bench.takes(
            alert(
                revision=2,
                state=AlertState.RESOLVED,
                change=Change.RESOLVED,
                resolution=Resolution.QUIET,
            )
        )
        await bench.sends("duty")

    fired, over = _play(tmp_path, play, text=text).listener.pages
    assert fired["labels"] == over["labels"]
    assert fired["endsAt"] == "2026-01-01T03:05:00.000Z"  # unless it is sent again
    assert over["endsAt"] == "2026-01-01T03:00:00.000Z"


def test_late_alerts_are_one_event_for_pagerduty_and_the_webhook(tmp_path: Path) -> None:
    """Their digest is one event under one key, sent again after a failure, and counted once."""

    async def play(bench: Bench) -> None:
        bench.now += 48 * 3_600_000
        bench.takes(*(alert(f"r{n}") for n in range(3)), alert("o", tier=Tier.ORANGE))
        await bench.sends("duty")
        assert bench.listener.pages == []
        bench.now += 60_000
        await bench.sends("duty")
        bench.now += 8_000
        await bench.sends("duty")
        await bench.sends("cases")
        bench.now += 3_600_000
        await bench.sends("duty")

    bench = _play(tmp_path, play, Mood.BROKEN)
    event, page = bench.listener.pages
    assert event["dedup_key"] == "late.r0.1.fraud.duty"
    assert event["payload"]["severity"] == "critical"
    assert event["payload"]["summary"].startswith("[red] 3 alerts from 2026-01-01 11:00 to ")
    assert event["client_url"] == "https://desk.example/alerts/"
    assert page["type"] == "sentinel.alert.late"
    assert bench.listener.headers[0]["webhook-id"] == "late.o.1.everybody.cases"
    assert page["data"]["late"] == {
        "route": "everybody",
        "found": 1,
        "unanswered": 1,
        "tiers": {"orange": 1},
    }
    assert page["data"]["title_zh"].startswith("补报预警 1 条")
    assert bench.counted("sentinel_late_digests_total", channel="duty") == 1
    assert bench.counted("sentinel_late_digest_alerts_total", channel="duty", tier="red") == 3
    assert CUSTOMER not in str(bench.listener.pages)


def test_an_alertmanager_gets_a_digest_as_an_alert_of_its_own(tmp_path: Path) -> None:
    """Labels that stay the same over retries, and an end after a day."""
    text = TEXT.replace(
        'duty: {type: pagerduty, url: "URL/v2/enqueue", key: {env: DUTY_KEY}}',
        'duty: {type: alertmanager, url: "URL"}',
    )

    async def play(bench: Bench) -> None:
        bench.now += 48 * 3_600_000
        bench.takes(alert("a"), alert("b"))
        bench.now += 60_000
        await bench.sends("duty")

    (page,) = _play(tmp_path, play, text=text).listener.pages
    assert page["labels"] == {
        "alertname": "SentinelAlertsFoundLate",
        "digest": "late.a.1.fraud.duty",
        "route": "fraud",
    }
    assert page["annotations"]["summary"].startswith("2 alerts from ")
    assert page["endsAt"] == "2026-01-04T03:01:00.000Z"


def test_the_running_dispatcher_sends_what_comes(tmp_path: Path) -> None:
    """Woken by a new record it sends at once, and a cancelled one leaves nothing running."""

    async def play(bench: Bench) -> None:
        running = asyncio.create_task(bench.dispatcher.tasks["duty"].run())
        bench.takes(alert())
        bench.dispatcher.wake()
        async with asyncio.timeout(10):
            await bench.listener.asked.wait()
            while not bench.counted("sentinel_event_to_page_seconds_count", channel="duty"):
                await asyncio.to_thread(bench.outbox.counts)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    bench = _play(tmp_path, play)
    assert bench.outbox.counts()["sent"] == 1


ODD = {
    "ODD": "s3cret!",
    "PREFIX": "whsec_",
    "BLANK": " \n",
    "NO_SCHEME": "hooks.bank.example/s3cret",
    "NO_HOST": "https:///s3cret",
    "NO_PORT": "https://x:s3cret/",
    "TWO_LINES": "https://x/s3\ncret",
}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            ChannelEntry("webhook", "http://x", Secret(env="NO_SUCH")),
            "channel c: NO_SUCH is not set",
        ),
        (
            ChannelEntry("webhook", "http://x", Secret(file="/no/such")),
            "channel c: /no/such: No such file or directory",
        ),
        (
            ChannelEntry("webhook", "http://x", Secret(env="ODD")),
            "channel c: its key is not base64 after whsec_",
        ),
        (
            ChannelEntry("webhook", "http://x", Secret(env="PREFIX")),
            "channel c: its key has less than 24 bytes",
        ),
        (ChannelEntry("webhook", "http://x", Secret(env="BLANK")), "channel c: BLANK is not set"),
        (
            ChannelEntry("pagerduty", "http://x", Secret(env="ODD")),
            "channel c: a routing key has 32 characters, and its key has not",
        ),
        *(
            (
                ChannelEntry("alertmanager", Secret(env=name)),
                "channel c: its url is not one of http:// or https:// and a host",
            )
            for name in ("ODD", "NO_SCHEME", "NO_HOST", "NO_PORT", "TWO_LINES")
        ),
        (ChannelEntry("apprise", Secret(env="ODD")), "channel c: Apprise cannot read its url"),
    ],
)
def test_a_channel_that_cannot_be_opened_says_what_is_missing(
    entry: ChannelEntry, message: str
) -> None:
    """And never the secret itself."""
    with pytest.raises(ChannelError) as caught:
        open_channel(entry, "c", ODD)
    assert str(caught.value) == message


FALLBACK = TEXT.replace(
    "ladder: [{channels: [duty]}", "fallback: [chat]\n      ladder: [{channels: [duty]}"
)


def test_a_busy_receiver_is_left_alone_by_all_pages(tmp_path: Path) -> None:
    """One 429 holds back what waits behind it, until the receiver's time has come."""

    async def play(bench: Bench) -> None:
        bench.takes(*(alert(f"a{n}") for n in range(5)))
        assert await bench.dispatcher.send_due("duty") == 0.0
        assert 0 < await bench.dispatcher.send_due("duty") <= 1
        assert bench.listener.pages == []
        bench.now += 7_000
        await bench.sends("duty")

    bench = _play(tmp_path, play, Mood.BUSY)
    assert len(bench.listener.pages) == 5


async def _eighty_seconds(bench: Bench) -> None:
    bench.takes(alert())
    for _ in range(8):
        await bench.sends("duty")
        await bench.sends("chat")
        bench.now += 10_000


@pytest.mark.parametrize("mood", [Mood.STRICT, Mood.BROKEN])
def test_the_fallback_is_paged_once_for_what_a_channel_does_not_take(
    tmp_path: Path, mood: Mood
) -> None:
    """At once for what is refused, else after half a minute; not again with later attempts."""
    bench = _play(tmp_path, _eighty_seconds, *[mood] * 8, text=FALLBACK)
    assert bench.chat.written == [["a1"]]


def test_a_channel_that_fails_for_a_moment_needs_no_fallback(tmp_path: Path) -> None:
    """The second attempt is taken."""
    bench = _play(tmp_path, _eighty_seconds, Mood.BROKEN, text=FALLBACK)
    assert (len(bench.listener.pages), bench.chat.written) == (1, [])


def test_an_error_that_nobody_foresaw_stops_no_other_page(tmp_path: Path) -> None:
    """The page is tried again, the next one is sent, and a counter tells."""

    async def play(bench: Bench) -> None:
        whole = bench.chat.send

        async def send(page: Page, now_ms: int) -> None:
            if page.content.alert_id == "odd":
                raise UnicodeError("label empty or too long")
            await whole(page, now_ms)

        bench.chat.send = send  # type: ignore[method-assign]
        bench.takes(alert("odd", risk=Risk.LEGAL, tier=Tier.ORANGE))
        bench.takes(alert("fine", risk=Risk.LEGAL, tier=Tier.YELLOW))
        await bench.sends("chat")

    bench = _play(tmp_path, play)
    assert bench.chat.written == [["fine"]]
    assert bench.counted("sentinel_pager_failures_total", task="channel") == 1
    assert bench.counted("sentinel_pages_total", channel="chat", result="failed") == 1


def test_a_part_of_the_rate_is_kept_for_red_alerts(tmp_path: Path) -> None:
    """However many others wait, a red one that comes is sent at once."""
    text = TEXT.replace(
        "key: {env: CASES_KEY}}", "key: {env: CASES_KEY}, rate: {pages: 8, per: 1m}}"
    )

    async def play(bench: Bench) -> None:
        bench.takes(*(alert(f"y{n}", tier=Tier.YELLOW) for n in range(30)))
        await bench.sends("cases")
        assert len(bench.listener.pages) == 6
        bench.takes(alert("r"))
        bench.now += 10 * 60_000  # the second rung
        await bench.sends("cases")

    pages = _play(tmp_path, play, text=text).listener.pages
    assert [page["data"]["tier"] for page in pages[6:]] == ["red", *["yellow"] * 5]


def test_a_red_alert_that_comes_goes_before_all_that_waits(tmp_path: Path) -> None:
    """Not after the batch that is under way."""

    async def play(bench: Bench) -> None:
        whole = bench.chat.send
        bench.chat.remembers = True  # one by one

        async def send(page: Page, now_ms: int) -> None:
            await whole(page, now_ms)
            if len(bench.chat.written) == 3:
                bench.takes(alert("red", risk=Risk.LEGAL))
                bench.dispatcher.wake()

        bench.chat.send = send  # type: ignore[method-assign]
        bench.takes(*(alert(f"y{n}", risk=Risk.LEGAL, tier=Tier.YELLOW) for n in range(60)))
        while len(bench.chat.written) < 10:
            await bench.dispatcher.send_due("chat")

    text = TEXT.replace("pages: 2,", "pages: 600,").replace('tier="red"', 'risk="credit"')
    written = _play(tmp_path, play, text=text).chat.written
    assert written[3] == ["red"]


def test_white_space_around_a_secret_is_not_of_it(tmp_path: Path) -> None:
    """A newline at the end of a variable or a file is nobody's key."""
    (tmp_path / "key").write_text(f"{ROUTING_KEY}\n", encoding="utf-8")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    assert Secret(env="K").read({"K": f" {ROUTING_KEY}\n"}) == ROUTING_KEY
    assert Secret(file=str(tmp_path / "key")).read({}) == ROUTING_KEY
    with pytest.raises(ChannelError, match="empty is empty"):
        Secret(file=str(tmp_path / "empty")).read({})
