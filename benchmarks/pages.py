"""``python -m benchmarks.pages``: how soon a red alert is paged on a bad day.

Two channels hang, 5,000 yellow pages wait on the third, and red alerts come one after the other:
the time from when the pager is handed the record to the page at the third channel's receiver.
"""

import asyncio
import tempfile
import time
from zoneinfo import ZoneInfo

import numpy as np
from aiohttp import web
from prometheus_client import CollectorRegistry
from rich.console import Console
from tests.delivery.alerts import alert
from tests.fetches import fetched_of

from sentinel.alerting.cloudevent import decode, encode
from sentinel.delivery.channels import open_channel
from sentinel.delivery.clock import Clock
from sentinel.delivery.declare import read_plan
from sentinel.delivery.outbox import Outbox
from sentinel.delivery.pager import Pager
from sentinel.delivery.watch import PagerMetrics
from sentinel.kafka.unread import Spans
from sentinel.model.alert import Tier
from sentinel.model.document import parse

_YELLOW, _RED = 5_000, 100
_PLAN = """
link: "https://desk.example/{alert_id}"
ignore_older_than: 24h
keep: 30d
retry: {first: 1s, longest: 5m, give_up: 24h, timeout: 10s}
channels:
  hangs: {type: pagerduty, url: "URL/hang", key: {env: KEY}}
  hangs-too: {type: webhook, url: "URL/hang", key: {env: KEY}}
  healthy: {type: pagerduty, url: "URL/take", key: {env: KEY}, rate: {pages: 600, per: 1m}}
route: {name: everybody, ladder: [{channels: [hangs, hangs-too, healthy]}]}
"""


class _Receiver:
    """Answers one path at once and the other never; notes when red alerts have come."""

    def __init__(self) -> None:
        self.came: dict[str, asyncio.Event] = {}
        self.received = 0
        self._never = asyncio.Event()

    async def receive(self, request: web.Request) -> web.Response:
        """PagerDuty's answer."""
        key = (await request.json())["dedup_key"]
        self.received += 1
        if key in self.came:
            self.came[key].set()
        return web.json_response({"status": "success"}, status=202)

    async def hang(self, _: web.Request) -> web.Response:
        """No answer."""
        await self._never.wait()
        return web.Response()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _spans() -> Spans:
    return {}


async def _measure(folder: str) -> tuple[list[float], int]:
    """Seconds of each red alert, and how many pages were taken in all."""
    receiver = _Receiver()
    app = web.Application()
    app.router.add_post("/take", receiver.receive)
    app.router.add_post("/hang", receiver.hang)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    plan = read_plan(parse(_PLAN.replace("URL", url), "routes.yaml"), ZoneInfo("Asia/Shanghai"))
    key = {"KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}
    channels = {name: open_channel(each, name, key) for name, each in plan.channels.items()}
    metrics = PagerMetrics(CollectorRegistry(), channels)
    clock = Clock(_now_ms, _now_ms, 0)
    pager = Pager(
        Outbox(f"sqlite:///{folder}/outbox.db"), plan, channels, metrics, clock, {"alerts": decode}
    )
    pager.start(_spans)
    offset = 0

    async def first_offset() -> int:
        return 0

    async def accept(ids: list[str], tier: Tier) -> None:
        nonlocal offset
        moment = _now_ms()
        values = [encode(alert(each, tier=tier, updated_at=moment)) for each in ids]
        await pager.accept(fetched_of("alerts", offset, values), first_offset)
        offset += len(ids)

    yellow = [f"y{number}" for number in range(_YELLOW)]
    for first in range(0, _YELLOW, 500):
        await accept(yellow[first : first + 500], Tier.YELLOW)
    seconds = []
    for number in range(_RED):
        name = f"r{number}"
        receiver.came[name] = asyncio.Event()
        started = time.perf_counter()
        await accept([name], Tier.RED)
        await receiver.came[name].wait()
        seconds.append(time.perf_counter() - started)
    await pager.stop()
    await runner.cleanup()
    return seconds, receiver.received


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, received = asyncio.run(_measure(folder))
    p50, p99 = np.percentile(seconds, [50, 99])
    Console().print(
        f"{_RED} red alerts, two channels hang, {_YELLOW} yellow pages wait on the third "
        f"({received - _RED} of them taken meanwhile): p50 {p50:.3f} s, p99 {p99:.3f} s, "
        f"most {max(seconds):.3f} s; the bar is 2 s"
    )


if __name__ == "__main__":
    main()
