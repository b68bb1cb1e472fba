"""Sending: retries, throttling, digests and dead ends, against a receiver that misbehaves."""

import asyncio
from pathlib import Path

import pytest
from tests.delivery.alerts import NOW, alert
from tests.delivery.bench import ENVIRON, Bench, play_on
from tests.delivery.listener import Mood
from tests.delivery.plans import TEXT

from sentinel.delivery.channels import open_channel
from sentinel.delivery.channels.channel import Unreached
from sentinel.delivery.entries import ChannelEntry, Secret
from sentinel.delivery.page import Page
from sentinel.model.alert import Tier
from sentinel.model.signal import Risk


def test_what_fails_is_tried_again_later_each_time(tmp_path: Path) -> None:
    """Three failures and a success: waits at least double, until the longest."""
    waits: list[int] = []

    async def play(bench: Bench) -> None:
        bench.store(alert())
        for _ in range(4):
            await bench.sends("duty")
            due_ms = bench.outbox.next_due_ms("duty")
            if due_ms is not None:
                waits.append(due_ms - bench.now)
                bench.now = due_ms

    bench = play_on(tmp_path, play, Mood.BROKEN, Mood.BROKEN, Mood.BROKEN)
    assert len(bench.listener.pages) == 1
    assert [500 << n <= wait <= 1_000 << n for n, wait in enumerate(waits)] == [True] * 3
    assert bench.counted("sentinel_pages_total", channel="duty", result="failed") == 3
    assert bench.counted("sentinel_pages_total", channel="duty", result="sent") == 1


def test_a_busy_receiver_says_when(tmp_path: Path) -> None:
    """429 with Retry-After: exactly then, and counted as throttled."""

    async def play(bench: Bench) -> None:
        bench.store(alert())
        await bench.sends("duty")
        assert bench.outbox.next_due_ms("duty") == NOW + 7_000

    bench = play_on(tmp_path, play, Mood.BUSY)
    assert bench.counted("sentinel_pages_total", channel="duty", result="throttled") == 1


def test_a_receiver_that_hangs_is_given_up_for_now(tmp_path: Path) -> None:
    """After the time-out the page waits for its next attempt."""

    async def play(bench: Bench) -> None:
        bench.store(alert())
        await bench.sends("duty")
        assert bench.outbox.counts()["due"] == 2

    play_on(tmp_path, play, Mood.DEAF, text=TEXT.replace("timeout: 2s", "timeout: 1s"))


def test_a_channel_that_hangs_keeps_no_other_waiting(tmp_path: Path) -> None:
    """While PagerDuty does not answer, the webhook gets its page."""

    async def play(bench: Bench) -> None:
        bench.store(alert("r"), alert("o", tier=Tier.ORANGE))
        bench.listener.moods.append(Mood.DEAF)
        hanging = asyncio.create_task(bench.dispatcher.send_due("duty"))
        await bench.listener.asked.wait()
        await bench.sends("cases")
        assert not hanging.done()
        assert len(bench.listener.pages) == 1
        await hanging

    play_on(tmp_path, play)


def test_what_is_refused_is_not_tried_again(tmp_path: Path) -> None:
    """400 is for ever: dead, counted, and nothing waits."""

    async def play(bench: Bench) -> None:
        bench.store(alert(tier=Tier.ORANGE))
        await bench.sends("cases")

    bench = play_on(tmp_path, play, Mood.STRICT)
    assert bench.outbox.counts()["dead"] == 1
    assert bench.counted("sentinel_unsent_pages_total", reason="refused") == 1


def test_what_nobody_takes_for_so_long_is_given_up(tmp_path: Path) -> None:
    """After give_up of trying the page is dead and counted."""

    async def play(bench: Bench) -> None:
        bench.store(alert(tier=Tier.ORANGE))
        bench.now += 2 * 3_600_000
        await bench.sends("cases")

    bench = play_on(tmp_path, play, Mood.BROKEN)
    assert bench.counted("sentinel_unsent_pages_total", reason="expired") == 1


def test_a_receiver_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    """Connection refused is a failure like others."""

    async def play(bench: Bench) -> None:
        channel = open_channel(
            ChannelEntry("webhook", "http://127.0.0.1:9/hook", Secret(env="CASES_KEY")),
            "cases",
            ENVIRON,
        )
        bench.store(alert(tier=Tier.ORANGE))
        (page,) = bench.outbox.due("cases", NOW, 9)
        with pytest.raises(Unreached):
            await channel.send(page, NOW)

    play_on(tmp_path, play)


def test_many_alerts_for_a_chat_are_one_digest(tmp_path: Path) -> None:
    """Five legal alerts at once are one message; a red one among them is its own, and first."""

    async def play(bench: Bench) -> None:
        bench.store(*(alert(f"a{n}", tier=Tier.BLUE, risk=Risk.LEGAL) for n in range(5)))
        await bench.sends("chat")
        assert bench.chat.written == [["a0", "a1", "a2", "a3", "a4"]]
        bench.store(alert("b", tier=Tier.BLUE, risk=Risk.LEGAL))
        await bench.sends("chat")
        assert bench.chat.written[1:] == [["b"]]

    bench = play_on(tmp_path, play)
    assert bench.counted("sentinel_pages_total", channel="chat", result="digested") == 5


def test_beyond_its_rate_a_chat_gets_what_waited_in_one(tmp_path: Path) -> None:
    """Two messages in any minute: what comes after waits until one is a minute old, together."""

    async def play(bench: Bench) -> None:
        for n in range(4):
            bench.store(alert(f"a{n}", tier=Tier.BLUE, risk=Risk.LEGAL))
            await bench.sends("chat")
            bench.now += 10_000
        assert bench.chat.written == [["a0"], ["a1"]]
        bench.now += 19_999
        await bench.sends("chat")
        assert bench.chat.written[2:] == []
        bench.now += 1
        await bench.sends("chat")
        assert bench.chat.written[2:] == [["a2", "a3"]]

    play_on(tmp_path, play)


def test_a_chat_that_fails_is_tried_with_one_message_at_a_time(tmp_path: Path) -> None:
    """Twenty waiting alerts leave messages for when it is well again; the waits double."""

    async def play(bench: Bench) -> None:
        bench.chat.is_down = True
        tried = []
        for n in range(20):
            bench.store(alert(f"a{n}", tier=Tier.BLUE, risk=Risk.LEGAL))
            await bench.sends("chat")
            tried.append(bench.chat.tried)
            bench.now += 1_000
        assert tried == [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5]
        bench.chat.is_down = False
        bench.now += 20_000
        await bench.sends("chat")
        (message,) = bench.chat.written
        assert sorted(message) == sorted(f"a{n}" for n in range(20))

    text = TEXT.replace("rate: {pages: 2, per: 1m}", "rate: {pages: 20, per: 1m}")
    play_on(tmp_path, play, text=text)


def test_the_running_dispatcher_sends_what_comes(tmp_path: Path) -> None:
    """Woken by a new record it sends at once, and a cancelled one leaves nothing running."""

    async def play(bench: Bench) -> None:
        running = asyncio.create_task(bench.dispatcher.tasks["duty"].run())
        bench.store(alert())
        bench.dispatcher.wake()
        async with asyncio.timeout(10):
            await bench.listener.asked.wait()
            while not bench.counted("sentinel_event_to_page_seconds_count", channel="duty"):
                await asyncio.to_thread(bench.outbox.counts)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    bench = play_on(tmp_path, play)
    assert bench.outbox.counts()["sent"] == 1


def test_an_error_that_nobody_foresaw_stops_no_other_page(tmp_path: Path) -> None:
    """The page is tried again, the next one is sent, and a counter tells."""

    async def play(bench: Bench) -> None:
        whole = bench.chat.send

        async def send(page: Page, now_ms: int) -> None:
            if page.content.alert_id == "odd":
                raise UnicodeError("label empty or too long")
            await whole(page, now_ms)

        bench.chat.send = send  # type: ignore[method-assign]
        bench.store(alert("odd", risk=Risk.LEGAL, tier=Tier.ORANGE))
        bench.store(alert("fine", risk=Risk.LEGAL, tier=Tier.YELLOW))
        await bench.sends("chat")

    bench = play_on(tmp_path, play)
    assert bench.chat.written == [["fine"]]
    assert bench.counted("sentinel_pager_failures_total", task="channel") == 1
    assert bench.counted("sentinel_pages_total", channel="chat", result="failed") == 1
