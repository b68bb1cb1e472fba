"""The fallback of a channel that fails, and what goes before what."""

from pathlib import Path

import pytest
from tests.delivery.alerts import alert
from tests.delivery.bench import Bench, play_on
from tests.delivery.listener import Mood
from tests.delivery.plans import TEXT

from sentinel.delivery.page import Page
from sentinel.model.alert import Tier
from sentinel.model.signal import Risk

FALLBACK = TEXT.replace(
    "ladder: [{channels: [duty]}", "fallback: [chat]\n      ladder: [{channels: [duty]}"
)


def test_a_busy_receiver_is_left_alone_by_all_pages(tmp_path: Path) -> None:
    """One 429 holds back what waits behind it, until the receiver's time has come."""

    async def play(bench: Bench) -> None:
        bench.store(*(alert(f"a{n}") for n in range(5)))
        assert await bench.dispatcher.send_due("duty") == 0.0
        assert 0 < await bench.dispatcher.send_due("duty") <= 1
        assert bench.listener.pages == []
        bench.now += 7_000
        await bench.sends("duty")

    bench = play_on(tmp_path, play, Mood.BUSY)
    assert len(bench.listener.pages) == 5


async def _eighty_seconds(bench: Bench) -> None:
    bench.store(alert())
    for _ in range(8):
        await bench.sends("duty")
        await bench.sends("chat")
        bench.now += 10_000


@pytest.mark.parametrize("mood", [Mood.STRICT, Mood.BROKEN])
def test_the_fallback_is_paged_once_for_what_a_channel_does_not_take(
    tmp_path: Path, mood: Mood
) -> None:
    """At once for what is refused, else after half a minute; not again with later attempts."""
    bench = play_on(tmp_path, _eighty_seconds, *[mood] * 8, text=FALLBACK)
    assert bench.chat.written == [["a1"]]


def test_a_channel_that_fails_for_a_moment_needs_no_fallback(tmp_path: Path) -> None:
    """The second attempt is taken."""
    bench = play_on(tmp_path, _eighty_seconds, Mood.BROKEN, text=FALLBACK)
    assert (len(bench.listener.pages), bench.chat.written) == (1, [])


@pytest.mark.parametrize("fails", [True, False])
def test_the_fallback_is_paged_of_what_waits_behind_a_page_that_is_not_taken(
    tmp_path: Path, *, fails: bool
) -> None:
    """After half a minute, once; not while nothing has failed, such as after a restart."""

    async def play(bench: Bench) -> None:
        bench.store(alert("a1"), alert("a2"))
        if fails:
            await bench.dispatcher.send_due("duty")
        for seconds in (29, 2, 1):
            bench.now += seconds * 1_000
            await bench.dispatcher.fall_back_overdue()
            await bench.sends("chat")

    bench = play_on(tmp_path, play, *[Mood.BROKEN] * 2, text=FALLBACK)
    assert bench.chat.written == ([["a1"], ["a2"]] if fails else [])


def test_a_part_of_the_rate_is_kept_for_red_alerts(tmp_path: Path) -> None:
    """However many others wait, a red one that comes is sent at once."""
    text = TEXT.replace(
        "key: {env: CASES_KEY}}", "key: {env: CASES_KEY}, rate: {pages: 8, per: 1m}}"
    )

    async def play(bench: Bench) -> None:
        bench.store(*(alert(f"y{n}", tier=Tier.YELLOW) for n in range(30)))
        await bench.sends("cases")
        assert len(bench.listener.pages) == 6
        bench.store(alert("r"))
        bench.now += 10 * 60_000  # the second rung
        await bench.sends("cases")

    pages = play_on(tmp_path, play, text=text).listener.pages
    assert [page["data"]["tier"] for page in pages[6:]] == ["red", *["yellow"] * 5]


def test_a_red_alert_that_comes_goes_before_all_that_waits(tmp_path: Path) -> None:
    """Not after the batch that is under way."""

    async def play(bench: Bench) -> None:
        whole = bench.chat.send
        bench.chat.remembers = True  # one by one

        async def send(page: Page, now_ms: int) -> None:
            await whole(page, now_ms)
            if len(bench.chat.written) == 3:
                bench.store(alert("red", risk=Risk.LEGAL))
                bench.dispatcher.wake()

        bench.chat.send = send  # type: ignore[method-assign]
        bench.store(*(alert(f"y{n}", risk=Risk.LEGAL, tier=Tier.YELLOW) for n in range(60)))
        while len(bench.chat.written) < 10:
            await bench.dispatcher.send_due("chat")

    text = TEXT.replace("pages: 2,", "pages: 600,").replace('tier="red"', 'risk="credit"')
    written = play_on(tmp_path, play, text=text).chat.written
    assert written[3] == ["red"]
