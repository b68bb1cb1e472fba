"""The dispatcher: for each channel a loop that sends what is due, within the channel's rate."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from sentinel.delivery.channels import Channel, Refused, Robot, Unreached
from sentinel.delivery.clock import Clock
from sentinel.delivery.declare import Plan
from sentinel.delivery.entries import Rate as RateEntry
from sentinel.delivery.outbox import Outbox
from sentinel.delivery.page import Page, PageKind
from sentinel.delivery.plan import NoPage, fallback
from sentinel.delivery.rate import Rate
from sentinel.delivery.watch import PagerMetrics, PagerTask, Result
from sentinel.model.alert import Tier
from sentinel.model.duration import parse_duration
from sentinel.supervised import Supervised, loggable

_log = structlog.get_logger(__name__)
BATCH = 50
"""How many due pages are read at once; a digest has no more."""
_LONGEST_SLEEP_S = 1.0  # a page may become due by a record that another process stored
_MOST_OVERDUE = 1_000  # read at once for the fallback, the most urgent first
_DIGEST_FROM = 3  # so many that are due at once become one message
_FALLBACK_AFTER_MS = 30_000  # a page that is not delivered for so long goes to the fallback


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
        clock: Clock,
    ) -> None:
        self._outbox, self._plan, self._channels = outbox, plan, channels
        self._metrics, self._clock = metrics, clock
        self._rates = {name: _rate(plan.channels[name].rate) for name in channels}
        self._paused_until_ms = dict.fromkeys(channels, 0)
        self._failures = dict.fromkeys(channels, 0)  # of a chat, in a row
        self._probed_from_ms = dict.fromkeys(channels, 0)
        self._fallen_back: set[str] = set()
        self.tasks = {name: self._task(name) for name in channels}
        """The task of each channel."""

    def _task(self, name: str) -> Supervised:
        async def once() -> float:
            return await self.send_due(name)

        return Supervised(
            f"channel {name}", once, partial(self._metrics.task_failed, PagerTask.CHANNEL)
        )

    def wake(self) -> None:
        """Look at once for pages that are due."""
        for task in self.tasks.values():
            task.wake()

    async def fall_back_overdue(self) -> float:
        """Page the fallback for pages that wait too long on a failing channel, even behind others.

        On a channel without failures, waiting pages are sent in a moment.
        """
        before_ms = self._clock.now_ms() - _FALLBACK_AFTER_MS
        overdue = await asyncio.to_thread(self._outbox.overdue, before_ms, _MOST_OVERDUE)
        failing = {page.channel for page in overdue if page.attempts}
        late = {page.page_id: page for page in overdue if page.channel in failing}
        for page_id, page in late.items():
            if page_id not in self._fallen_back:
                await self._fall_back(page, self._clock.now_ms())
        self._fallen_back = set(late)
        return _LONGEST_SLEEP_S

    async def send_due(self, name: str) -> float:
        """Send what is due on a channel now; returns the seconds until there may be more.

        Raises DatabaseError.
        """
        now_ms = self._clock.now_ms()
        due_ms = await asyncio.to_thread(self._outbox.next_due_ms, name)
        if due_ms is None or due_ms > now_ms:
            ahead_s = _LONGEST_SLEEP_S if due_ms is None else (due_ms - now_ms) / 1000
            return min(max(ahead_s, 0.01), _LONGEST_SLEEP_S)
        await asyncio.to_thread(self._outbox.close_digests, name, self._plan, now_ms)
        pages = await asyncio.to_thread(self._outbox.due, name, now_ms, BATCH)
        if (until_ms := self._paused_until_ms[name]) > now_ms:
            for page in pages:
                await self._fall_back(page, until_ms)
            return min((until_ms - now_ms) / 1000, _LONGEST_SLEEP_S)
        if (probe_ms := self._probed_from_ms[name]) > now_ms:
            pages = [page for page in pages if page.content.tier is Tier.RED]
            if not pages:
                return min((probe_ms - now_ms) / 1000, _LONGEST_SLEEP_S)
        channel, rate = self._channels[name], self._rates[name]
        digest = [] if channel.remembers else [page for page in pages if _may_wait(page)]
        if len(digest) < _DIGEST_FROM and len(digest) <= rate.left(now_ms):
            digest = []
        pages = [page for page in pages if page not in digest]
        for batch in [*([page] for page in pages), *([digest] if digest else [])]:
            is_red = batch[0].content.tier is Tier.RED
            messages = channel.messages(batch) if isinstance(channel, Robot) else 1
            wait_s = rate.acquire(self._clock.now_ms(), is_red=is_red, messages=messages)
            if wait_s:
                return wait_s
            await self._send(channel, batch)
            # A red alert has come meanwhile, or the receiver asks to wait, or fails.
            wait_ms = max(self._paused_until_ms[name], self._probed_from_ms[name])
            if self.tasks[name].is_woken or wait_ms > self._clock.now_ms():
                return 0.0
        return 0.0

    async def _send(self, channel: Channel, pages: Sequence[Page]) -> None:
        """One attempt at one page, or at a digest of several."""
        first = pages[0]
        self.tasks[first.channel].beat()
        await asyncio.to_thread(self._outbox.begin, pages)
        try:
            async with asyncio.timeout(self._plan.timeout_ms / 1000):
                if len(pages) == 1:
                    await channel.send(first, self._clock.wall_ms())
                else:
                    await channel.send_digest(pages, self._clock.wall_ms())
        except Refused as error:
            _log.error("page refused", channel=first.channel, reason=str(error))
            for page in pages:
                await self._give_up(page, NoPage.REFUSED)
        except (Unreached, TimeoutError) as error:
            await self._again(pages, str(error) or "no answer in time", error)
        except Exception as error:  # noqa: BLE001 - one page must stop no other
            words = loggable(error)
            self._metrics.task_failed(PagerTask.CHANNEL)
            await self._again(pages, " ".join(words.values()), error)
        else:
            now_ms = self._clock.now_ms()
            self._failures[first.channel] = 0
            await asyncio.to_thread(self._outbox.sent, pages, now_ms)
            for page in pages:
                self._metrics.sent(page, now_ms, digested=len(pages) > 1)

    async def _again(self, pages: Sequence[Page], reason: str, error: Exception) -> None:
        """Retry later: with exponential backoff or at Retry-After, up to a limit."""
        now_ms, name = self._clock.now_ms(), pages[0].channel
        _log.warning("page not delivered", channel=name, pages=len(pages), reason=reason)
        asked_s = error.after_s if isinstance(error, Unreached) else None
        if asked_s is not None:
            self._paused_until_ms[name] = now_ms + round(asked_s * 1000)
        elif isinstance(error, (Unreached, TimeoutError)) and not self._channels[name].remembers:
            self._probe_later(name, now_ms)
        for page in pages:
            if now_ms - page.since_ms > self._plan.give_up_ms:
                await self._give_up(page, NoPage.EXPIRED)
                continue
            due_ms = now_ms + (self.backoff_ms(page) if asked_s is None else round(asked_s * 1000))
            await self._fall_back(page, due_ms)
            self._metrics.tried(page, Result.THROTTLED if asked_s is not None else Result.FAILED)
            await asyncio.to_thread(self._outbox.retry, page, due_ms)

    def _probe_later(self, name: str, now_ms: int) -> None:
        """Try a chat that fails with one message at a time, red alerts apart.

        It allows so few in a minute that retries of all that waits would leave none for when it is
        well again.
        """
        self._failures[name] += 1
        wait_ms = self._plan.first_retry_ms << min(self._failures[name] - 1, 20)
        self._probed_from_ms[name] = now_ms + min(wait_ms, self._plan.longest_retry_ms)

    def backoff_ms(self, page: Page) -> int:
        """Doubling, with jitter that a page and its attempt decide: half of it to all of it."""
        whole = min(
            self._plan.first_retry_ms << min(page.attempts, 20), self._plan.longest_retry_ms
        )
        share = random.Random(f"{page.page_id} {page.attempts}").uniform(0.5, 1.0)  # noqa: S311
        return max(1, round(whole * share))

    async def _fall_back(self, page: Page, next_ms: int) -> None:
        """Page the fallback for a page whose next attempt is too late."""
        if next_ms - page.since_ms > _FALLBACK_AFTER_MS and fallback(page, self._plan.root):
            made = await asyncio.to_thread(self._outbox.fall_back, page, self._plan.root)
            if made:
                _log.warning("fallback is paged", channel=page.channel, pages=made)
                self.wake()

    async def _give_up(self, page: Page, reason: NoPage) -> None:
        await self._fall_back(page, page.since_ms + _FALLBACK_AFTER_MS + 1)
        await asyncio.to_thread(self._outbox.failed, page, reason, self._clock.now_ms())
        self._metrics.dropped(reason)
        self._metrics.tried(page, Result.GIVEN_UP)


def _rate(entry: RateEntry) -> Rate:
    return Rate(entry.pages, parse_duration(entry.per))


def _may_wait(page: Page) -> bool:
    """Whether the page may share a message with others."""
    return page.kind is PageKind.TRIGGER and page.content.tier is not Tier.RED
