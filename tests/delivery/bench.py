"""A dispatcher on a bench: a clock that stands still, and a receiver that misbehaves as told."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from tests.delivery.alerts import NOW
from tests.delivery.box import read_of
from tests.delivery.listener import KEY, ROUTING_KEY, Listener, Mood
from tests.delivery.plans import TEXT, plan

from sentinel.delivery.channels import Channel, Unreached, open_channel
from sentinel.delivery.clock import Clock
from sentinel.delivery.dispatch import Dispatcher
from sentinel.delivery.outbox import Outbox
from sentinel.delivery.page import Page
from sentinel.delivery.watch import PagerMetrics
from sentinel.model.alert import Alert

ENVIRON = {"DUTY_KEY": ROUTING_KEY, "CASES_KEY": KEY, "CHAT_URL": "json://127.0.0.1:9/"}


class Chatroom:
    """A chat that remembers what was written."""

    remembers = False

    def __init__(self) -> None:
        self.written: list[list[str]] = []
        self.tried = 0
        self.is_down = False

    async def send(self, page: Page, now_ms: int) -> None:
        """One message about one page."""
        await self.send_digest([page], now_ms)

    async def send_digest(self, pages: Any, now_ms: int) -> None:
        """One message about several."""
        self.tried += 1
        if self.is_down:
            raise Unreached("down")
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

    def store(self, *alerts: Alert) -> None:
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


def play_on(path: Path, play: Play, *moods: Mood, text: str = TEXT) -> Bench:
    """Play a scene with a receiver in those moods."""

    async def stage() -> Bench:
        async with Listener(deque(moods)) as listener:
            bench = Bench(path, listener, text)
            await play(bench)
            assert listener.problems == []
            return bench

    return asyncio.run(stage())
