"""Plays a row with a seed, and judges it."""

import asyncio
import random
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from tests.delivery.postgres import Postgres
from tests.kafka.certificates import make_ca, make_certificate
from tests.pages.alarms import unalarmed
from tests.pages.clockwork import VirtualLoop, run
from tests.pages.database import Database
from tests.pages.ledger import Damage, Ledger, Verdict
from tests.pages.receivers import Tls
from tests.pages.report import Total
from tests.pages.rows import FEED_MS, ROWS
from tests.pages.stories import flood, stories
from tests.pages.world import Outcome, Spoil, World

_COUNT = 27  # three of each kind
_ROBOTS = ("dingtalk", "wecom", "feishu")
_TYPES = {"duty": "pagerduty", "manager": "alertmanager", "cases": "webhook", "spare": "webhook"}


class Lab:
    """What all runs share, made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._closing = ExitStack()

    @cached_property
    def tls(self) -> Tls:
        """Certificates for every receiver, signed by an authority of our own."""
        authority = make_ca(self._folder, "authority")
        shown = {}
        for name, days in (("good", 2), ("expired", -1)):
            files = make_certificate(authority, name, host="DNS:*.bank.example", days=days)
            shown[name] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            shown[name].load_cert_chain(*files)
        return Tls(shown["good"], shown["expired"], authority)

    @cached_property
    def postgres(self) -> Postgres:
        """A server of our own."""
        folder = self._folder / "postgres"
        folder.mkdir()
        server = Postgres(folder)
        self._closing.callback(server.stop)
        return server

    def close(self) -> None:
        """Stop what has been started."""
        self._closing.close()


@contextmanager
def lab() -> Iterator[Lab]:
    """A lab in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="sentinel-lab-") as folder:
        made = Lab(Path(folder))
        try:
            yield made
        finally:
            made.close()


def play_all(name: str, seeds: Iterable[int], shared: Lab) -> Total:
    """Runs of a row with several seeds, and whether its alarms fired."""
    total, runs = Total(), []
    for seed in seeds:
        outcome, verdict = play(name, seed, shared)
        total.add(seed, verdict)
        runs.append((outcome, verdict))
    total.unalarmed = unalarmed(runs)
    return total


def _and_killed(damage: Damage, spoil: Spoil, chance: random.Random) -> tuple[Damage, Spoil]:
    """In every other run the pager is killed in the middle of it, too."""
    moment_ms = chance.randrange(damage.start_ms, damage.end_ms)

    async def both(world: World) -> None:
        async def kill() -> None:
            await world.until(moment_ms)
            world.process.kill()

        await asyncio.gather(spoil(world), kill())

    return replace(damage, kills=(moment_ms,), resends=True), both


def play(name: str, seed: int, shared: Lab) -> tuple[Outcome, Verdict]:
    """One run of a row, and what is to be said of it."""
    row, chance = ROWS[name], random.Random(f"{name} {seed}")
    damage, spoil = row.make(chance)
    if seed % 2 == 0 and not row.ends_it and damage.end_ms > damage.start_ms:
        damage, spoil = _and_killed(damage, spoil, chance)
    # The robot's codes in the rows are DingTalk's.
    robot = "dingtalk" if name.startswith("robot") else chance.choice(_ROBOTS)
    told = stories(chance, _COUNT, FEED_MS) + flood(row.flood, FEED_MS // 2)
    with tempfile.TemporaryDirectory(prefix="sentinel-pages-") as folder:

        async def main(loop: VirtualLoop) -> Outcome:
            database = Database(Path(folder), shared.postgres if row.on_postgres else None)
            types = _TYPES | {"chat": robot}
            tls = shared.tls if row.over_tls else None
            return await World(loop, told, types, database, chance, tls).play(spoil, row.end_ms)

        outcome = run(main)
    return outcome, Ledger(outcome, damage).close()
