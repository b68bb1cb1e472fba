"""One run: a pager, its topic, its database and its receivers on virtual time."""

import asyncio
import os
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest import mock

import structlog
from tests.pages.clockwork import VirtualLoop
from tests.pages.database import Database
from tests.pages.process import SECRETS, Process, Topic
from tests.pages.receivers import Receiver, Tls, Told
from tests.pages.stories import SECOND, START, Story

Spoil = Callable[["World"], Coroutine[Any, Any, None]]
"""What befalls a run."""
SAMPLE_MS = 5 * SECOND
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True)
class Outcome:
    """What a run came to; times are ms since its start.

    ``read_ms`` tells by alert and revision when the pager had it in its outbox.  A sample is
    what Prometheus would have read, None where nobody answered; ``left`` counts the pages
    in the outbox by state, ``leaks`` the secrets in logs and metrics.
    """

    stories: Sequence[Story]
    told: Sequence[Told]
    read_ms: Mapping[tuple[str, int], int]
    samples: Sequence[tuple[int, dict[str, float] | None]]
    beats_ms: Sequence[int]
    requests: int
    kills: int
    left: Mapping[str, int]
    leaks: int


class World:
    """What a row may spoil; ``types`` are the types of the channels by name."""

    def __init__(
        self,
        loop: VirtualLoop,
        stories: Sequence[Story],
        types: Mapping[str, str],
        database: Database,
        chance: random.Random,
        tls: Tls | None,
    ) -> None:
        self.loop, self.database, self.chance = loop, database, chance
        self._stories, self._step_ms = stories, 0
        self.receivers = {
            name: Receiver(name, kind, self.now_ms, self.wall_ms, tls)
            for name, kind in [*types.items(), ("monitor", "monitor")]
        }
        records = [record for story in stories for record in story.records]
        records.sort(key=lambda each: (each.at_ms, each.alert_id, each.revision))
        self.topic = Topic(records, self.now_ms)
        self.process = Process(
            database,
            self.topic,
            types,
            lambda: {name: each.url for name, each in self.receivers.items()},
            self.wall_ms,
            self.now_ms,
            chance,
            None if tls is None else tls.authority,
        )
        self._samples: list[tuple[int, dict[str, float] | None]] = []

    def now_ms(self) -> int:
        """The time of the run, which nobody sets."""
        return round(self.loop.time() * 1000)

    def wall_ms(self) -> int:
        """The machine's clock, ms UTC."""
        return START + self.now_ms() + self._step_ms

    def set_clock(self, by_ms: int) -> None:
        """The machine's clock is set forward, or back."""
        self._step_ms += by_ms

    async def until(self, at_ms: int) -> None:
        """Let time pass up to then."""
        await asyncio.sleep(max(0, at_ms - self.now_ms()) / 1000)

    async def play(self, spoil: "Spoil", end_ms: int) -> Outcome:
        """Run to the end, spoil something meanwhile, and tell what has come of it."""
        kept = {name: each for name, each in os.environ.items() if name.lower() not in _PROXIES}
        with (
            mock.patch.dict(os.environ, kept, clear=True),
            mock.patch("sentinel.supervised.os._exit", self.process.die),
            structlog.testing.capture_logs() as logs,
            self.database.watched(),
        ):
            for receiver in self.receivers.values():
                await receiver.listen()
            tasks = [asyncio.create_task(each) for each in (self.process.run(), self._sample())]
            spoiling = asyncio.create_task(spoil(self))
            await self.until(end_ms)
            await spoiling
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for receiver in self.receivers.values():
                await receiver.close()
        log = self.process.log + str(logs)
        return Outcome(
            stories=self._stories,
            told=sorted(
                (told for receiver in self.receivers.values() for told in receiver.told),
                key=lambda each: each.at_ms,
            ),
            read_ms=self.topic.read_ms,
            samples=self._samples,
            beats_ms=self.receivers["monitor"].requests_ms,
            requests=sum(len(each.requests_ms) for each in self.receivers.values()),
            kills=self.process.kills,
            left=self.database.left(),
            leaks=sum(log.count(secret) for secret in SECRETS),
        )

    async def _sample(self) -> None:
        while True:
            self._samples.append((self.now_ms(), self.process.metrics()))
            await asyncio.sleep(SAMPLE_MS / 1000)
