"""The dispatcher: for each channel a loop that sends what is due, within the channel's rate."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence

import structlog

from sentinel.delivery.channels import Channel, Refused, Unreached
from sentinel.delivery.declare import Plan
from sentinel.delivery.outbox import Outbox
from sentinel.delivery.page import Page, PageKind
from sentinel.delivery.plan import NoPage
from sentinel.delivery.watch import PagerMetrics, Result
from sentinel.model.alert import Tier
from sentinel.model.duration import parse_duration

_log = structlog.get_logger(__name__)
_BATCH = 200
_LONGEST_SLEEP_S = 1.0  # a page may become due by a record that another process took in
_DIGEST_FROM = 3  # so many that wait at once are told in one


class Dispatcher:
    """Sends the outbox' pages; one task a channel, so that none waits for another.

    A page is marked as tried before it is sent and as sent after: a crash in between sends
    it again, under the same key.
    """

    def __init__(
        self,
        outbox: Outbox,
        plan: Plan,
        channels: Mapping[str, Channel],
        metrics: PagerMetrics,
        clock_ms: Callable[[], int],
    ) -> None:
        self._outbox, self._plan, self._channels = outbox, plan, channels
        self._metrics, self._clock_ms = metrics, clock_ms
        self._wake = {name: asyncio.Event() for name in channels}
        self._rates = {
            name: _Rate(
                plan.channels[name].rate.pages,
                parse_duration(plan.channels[name].rate.per),
                clock_ms(),
            )
            for name in channels
        }

    def wake(self) -> None:
        """Something new may be due."""
        for event in self._wake.values():
            event.set()

    async def run(self) -> None:
        """Send until cancelled."""
        await asyncio.gather(*(self._serve(name) for name in self._channels))

    async def _serve(self, name: str) -> None:
        while True:
            self._wake[name].clear()
            wait_s = await self.send_due(name)
            if wait_s:
                # Not wait_for: before Python 3.12 it may swallow a cancellation.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._wake[name].wait()

    async def send_due(self, name: str) -> float:
        """Send what is due on a channel now; returns the seconds until there may be more."""
        now_ms = self._clock_ms()
        await asyncio.to_thread(self._outbox.close_digests, name, self._plan, now_ms)
        pages = await asyncio.to_thread(self._outbox.due, name, now_ms, _BATCH)
        if not pages:
            due_ms = await asyncio.to_thread(self._outbox.next_due_ms, name)
            ahead_s = _LONGEST_SLEEP_S if due_ms is None else (due_ms - now_ms) / 1000
            return min(max(ahead_s, 0.01), _LONGEST_SLEEP_S)
        channel, rate = self._channels[name], self._rates[name]
        digest = [] if channel.remembers else [page for page in pages if _may_wait(page)]
        if len(digest) < _DIGEST_FROM and len(digest) <= rate.left(now_ms):
            digest = []
        pages = [page for page in pages if page not in digest]
        for page in pages:
            wait_s = rate.take(self._clock_ms())
            if wait_s:
                return wait_s
            await self._send(channel, [page])
        if digest:
            wait_s = rate.take(self._clock_ms())
            if wait_s:
                return wait_s
            await self._send(channel, digest)
        return 0.0

    async def _send(self, channel: Channel, pages: Sequence[Page]) -> None:
        """One attempt at one page, or at a digest of several."""
        first = pages[0]
        await asyncio.to_thread(self._outbox.begin, pages)
        try:
            async with asyncio.timeout(self._plan.timeout_ms / 1000):
                if len(pages) == 1:
                    await channel.send(first, self._clock_ms())
                else:
                    await channel.send_digest(pages, self._clock_ms())
        except Refused as error:
            _log.error("page refused", channel=first.channel, reason=str(error))
            for page in pages:
                await asyncio.to_thread(self._give_up, page, NoPage.REFUSED)
        except (Unreached, TimeoutError) as error:
            await self._again(pages, error)
        else:
            now_ms = self._clock_ms()
            await asyncio.to_thread(self._outbox.sent, pages, now_ms)
            for page in pages:
                self._metrics.sent(page, now_ms, digested=len(pages) > 1)

    async def _again(self, pages: Sequence[Page], error: Exception) -> None:
        """Try later: twice as late each time, when the receiver says, but not for ever."""
        now_ms, name = self._clock_ms(), pages[0].channel
        reason = str(error) or "no answer in time"
        _log.warning("page not delivered", channel=name, pages=len(pages), reason=reason)
        for page in pages:
            if now_ms - page.since_ms > self._plan.give_up_ms:
                await asyncio.to_thread(self._give_up, page, NoPage.EXPIRED)
                continue
            asked_s = error.after_s if isinstance(error, Unreached) else None
            due_ms = now_ms + (self.backoff_ms(page) if asked_s is None else round(asked_s * 1000))
            self._metrics.tried(page, Result.THROTTLED if asked_s is not None else Result.FAILED)
            await asyncio.to_thread(self._outbox.retry, page, due_ms)

    def backoff_ms(self, page: Page) -> int:
        """Doubling, with jitter that a page and its attempt decide: half of it to all of it."""
        whole = min(
            self._plan.first_retry_ms << min(page.attempts, 20), self._plan.longest_retry_ms
        )
        share = random.Random(f"{page.page_id} {page.attempts}").uniform(0.5, 1.0)  # noqa: S311
        return max(1, round(whole * share))

    def _give_up(self, page: Page, reason: NoPage) -> None:
        self._outbox.failed(page, reason, self._clock_ms())
        self._metrics.dropped(reason)
        self._metrics.tried(page, Result.GIVEN_UP)


class _Rate:
    """A token bucket: at most ``pages`` in ``period_ms``, refilled evenly."""

    def __init__(self, pages: int, period_ms: int, now_ms: int) -> None:
        self._most, self._each_ms = pages, period_ms / pages
        self._tokens, self._at_ms = float(pages), now_ms

    def left(self, now_ms: int) -> int:
        """How many pages may be sent at once."""
        self._refill(now_ms)
        return int(self._tokens)

    def take(self, now_ms: int) -> float:
        """Take a token; without one, the seconds until there is."""
        self._refill(now_ms)
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return max(0.001, (1 - self._tokens) * self._each_ms / 1000)

    def _refill(self, now_ms: int) -> None:
        gained = (now_ms - self._at_ms) / self._each_ms
        self._tokens, self._at_ms = min(self._most, self._tokens + max(0.0, gained)), now_ms


def _may_wait(page: Page) -> bool:
    """Whether the page may be told together with others."""
    return page.kind is PageKind.TRIGGER and page.content.tier is not Tier.RED
