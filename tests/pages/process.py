"""The pager's process on virtual time: started, killed wherever it is, and started again."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from tests.delivery.plans import plan
from tests.delivery.receiver import KINDS
from tests.fetches import fetched_of
from tests.pages.database import Database
from tests.pages.stories import SECOND, Record

from sentinel.alerting.cloudevent import decode
from sentinel.database import DatabaseError
from sentinel.delivery.channels import open_channel, open_heartbeat
from sentinel.delivery.clock import Clock
from sentinel.delivery.pager import Pager
from sentinel.delivery.watch import PagerMetrics
from sentinel.kafka.unread import Spans

TOKEN = "planted-token-5Gw2"
KEYS = {kind.type: kind.key for kind in KINDS}
SECRETS = (TOKEN, *(key.removeprefix("whsec_") for key in KEYS.values() if key))
RETRY_LONGEST_MS, TIMEOUT_MS, RESTART_MS = 20 * SECOND, 5 * SECOND, 3 * SECOND
_PLACE = "alerts-0"
_MOST_AT_ONCE = 500
_PLAN = """
link: "https://desk.example/alerts/{alert_id}"
ignore_older_than: 24h
keep: 30d
heartbeat: {url: {env: monitor}, every: 1m}
retry: {first: 1s, longest: 20s, give_up: 1h, timeout: 5s}
channels:
ENTRIES
route:
  name: everybody
  ladder: [{channels: [chat]}]
  routes:
    - name: fraud
      match: ['tier="red"']
      ladder: [{channels: [duty, manager]}, {after: 3m, channels: [cases]}]
      fallback: [spare]
"""


class Topic:
    """The alerts topic: its records in order, what has been read of it, and whether it answers."""

    def __init__(self, records: Sequence[Record], now_ms: Callable[[], int]) -> None:
        self.records, self._now_ms = records, now_ms
        self.committed = 0
        self.read_ms: dict[tuple[str, int], int] = {}
        """When the pager had a revision in its outbox, by alert and revision."""
        self._reachable = asyncio.Event()
        self._reachable.set()

    def cut(self) -> None:
        """Kafka is down."""
        self._reachable.clear()

    def mend(self) -> None:
        """Kafka is back, with all that has been written meanwhile."""
        self._reachable.set()

    async def spans(self) -> Spans:
        """What Kafka says of the partition; nothing while it is down."""
        await self._reachable.wait()
        end = sum(1 for record in self.records if record.at_ms <= self._now_ms())
        return {_PLACE: (end, self.committed)}

    async def feed(self, pager: Pager, start: int) -> None:
        """Hand everything over from an offset on, as the agent does."""
        while start < len(self.records):
            await self._reachable.wait()
            if (wait_ms := self.records[start].at_ms - self._now_ms()) > 0:
                await asyncio.sleep(wait_ms / 1000)
                continue
            end = start
            while end < min(len(self.records), start + _MOST_AT_ONCE) and (
                self.records[end].at_ms <= self._now_ms()
            ):
                end += 1
            values = [record.value for record in self.records[start:end]]
            await pager.accept(fetched_of("alerts", start, values), _first_offset)
            for record in self.records[start:end]:
                self.read_ms.setdefault((record.alert_id, record.revision), self._now_ms())
            self.committed = start = end


async def _first_offset() -> int:
    return 0


class Process:
    """The pager as its supervisor sees it; ``urls`` are those of the channels by name."""

    def __init__(
        self,
        database: Database,
        topic: Topic,
        types: Mapping[str, str],
        urls: Callable[[], Mapping[str, str]],
        wall_ms: Callable[[], int],
        steady_ms: Callable[[], int],
        chance: random.Random,
        authority: Path | None,
    ) -> None:
        self._database, self._topic, self._types = database, topic, types
        self._urls, self._chance = urls, chance
        self._wall_ms, self._steady_ms = wall_ms, steady_ms
        self._authority = authority
        self._killed = asyncio.Event()
        self._registry: CollectorRegistry | None = None
        self.kills = 0
        self.log = ""
        """All metrics, as text, at the end of each life."""

    def kill(self) -> None:
        """End it wherever it is; it comes again after three seconds."""
        self._killed.set()

    def die(self, _: int) -> None:
        """What ``os._exit`` is here: nothing after it is done."""
        self.kill()
        raise asyncio.CancelledError

    def metrics(self) -> dict[str, float] | None:
        """Its counters and gauges as Prometheus writes them; None while it does not run."""
        if self._registry is None:
            return None
        return {
            sample.name + "{" + ",".join(f'{k}="{v}"' for k, v in sample.labels.items()) + "}": (
                sample.value
            )
            for metric in self._registry.collect()
            if metric.type in ("counter", "gauge")
            for sample in metric.samples
            if not sample.name.endswith("_created")
        }

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._live()
            except DatabaseError:  # it cannot start, and says so: its supervisor tries again
                self.kills += 1
            await asyncio.sleep(RESTART_MS / 1000)

    async def _live(self) -> None:
        self._killed.clear()
        outbox = await asyncio.to_thread(self._database.open)
        environ = {name: f"{url}/hook/{TOKEN}" for name, url in self._urls().items()}
        environ |= {f"{name}_key": KEYS[kind] for name, kind in self._types.items()}
        if self._authority is not None:
            environ["SENTINEL_CA_FILE"] = str(self._authority)
        whole = plan(_PLAN.replace("ENTRIES", "\n".join(map(self._entry, self._types))))
        channels = {
            name: open_channel(each, name, environ) for name, each in whole.channels.items()
        }
        assert whole.heartbeat is not None
        heartbeat = open_heartbeat(whole.heartbeat, environ)
        registry = CollectorRegistry()
        metrics = PagerMetrics(registry, channels)
        clock = Clock(self._wall_ms, self._steady_ms, outbox.latest_ms())
        pager = Pager(outbox, whole, channels, metrics, clock, {"alerts": decode}, heartbeat)
        # Kafka may not know yet what has been read.
        start = max(0, self._topic.committed - self._chance.randrange(4))
        feeding = asyncio.create_task(self._topic.feed(pager, start))
        try:
            pager.assign()
            pager.start(self._topic.spans)
            self._registry = registry
            await self._killed.wait()
            self.kills += 1
        finally:
            self._registry = None
            self.log += generate_latest(registry).decode()
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            await pager.stop()
            outbox.close()

    def _entry(self, name: str) -> str:
        kind = self._types[name]
        key = f", key: {{env: {name}_key}}" if KEYS[kind] else ""
        return f"  {name}: {{type: {kind}, url: {{env: {name}}}{key}}}"
