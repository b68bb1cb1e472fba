"""Pagers to kill: a warm process that forks one for each line ``FOLDER URL ALERTS AGE_MS``.

The alerts were last news ``AGE_MS`` ago when the first pager starts; of old ones time passes
two hundred times as fast, so that their digests are due within a test.

It prints the pager's process id, and when the pager has ended ``done``, ``killed`` or
``failed``.  A forked pager dies as a started one does, and is there in milliseconds.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry
from tests.delivery.alerts import NOW, alert
from tests.delivery.listener import KEY, ROUTING_KEY
from tests.delivery.plans import plan
from tests.fetches import fetched_of

from sentinel.alerting.cloudevent import decode, encode
from sentinel.delivery.channels import open_channel
from sentinel.delivery.clock import Clock
from sentinel.delivery.outbox import Outbox
from sentinel.delivery.pager import Pager
from sentinel.delivery.watch import PagerMetrics
from sentinel.kafka.unread import Spans

TEXT = """
link: "https://desk.example/alerts/{alert_id}"
ignore_older_than: 24h
keep: 30d
retry: {first: 1s, longest: 5s, give_up: 1h, timeout: 5s}
channels:
  duty:
    {type: pagerduty, url: "URL/v2/enqueue", key: {env: DUTY_KEY}, rate: {pages: 99999, per: 1s}}
route:
  name: everybody
  ladder: [{channels: [duty]}]
"""
_BATCH = 4
_STARTED_NS = time.monotonic_ns()


_FAST = 200
_ENDS = {0: "done", signal.SIGKILL: "killed"}


def _clock(age_ms: int) -> Callable[[], int]:
    """Time passes, beginning with the alerts' and their age, on through all kills."""
    pace = _FAST if age_ms else 1
    return lambda: NOW + age_ms + pace * (time.monotonic_ns() - _STARTED_NS) // 1_000_000


async def _first_offset() -> int:
    return 0


async def _spans() -> Spans:
    return {}


async def _page(folder: str, url: str, alerts: int, age_ms: int) -> None:
    """Take in the alerts, as a restarted agent reads them again from the first, and send all."""
    clock_ms = _clock(age_ms)
    outbox, whole = Outbox(f"sqlite:///{folder}/outbox.db"), plan(TEXT, url=url)
    environ = {"DUTY_KEY": ROUTING_KEY, "CASES_KEY": KEY}
    channels = {name: open_channel(entry, name, environ) for name, entry in whole.channels.items()}
    metrics = PagerMetrics(CollectorRegistry(), channels)
    pager = Pager(
        outbox, whole, channels, metrics, Clock(clock_ms, clock_ms, 0), {"alerts": decode}
    )
    pager.start(_spans)
    for first in range(0, alerts, _BATCH):
        offsets = range(first, min(first + _BATCH, alerts))
        values = [encode(alert(f"a{offset}")) for offset in offsets]
        await pager.accept(fetched_of("alerts", offsets.start, values), _first_offset)
    while outbox.next_due_ms("duty") is not None:  # noqa: ASYNC110 - another task sends
        await asyncio.sleep(0.002)
    await pager.stop()


def main() -> None:
    """Fork a pager for each line."""
    ended = 0
    for line in sys.stdin:
        if ended:  # not before: a late kill would strike whoever had its id by then
            os.waitpid(ended, 0)
        folder, url, alerts, age_ms = line.split()
        pid = os.fork()
        if pid == 0:
            asyncio.run(_page(folder, url, int(alerts), int(age_ms)))
            os._exit(0)
        print(pid, flush=True)  # noqa: T201
        end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        print(_ENDS.get(end.si_status, "failed") if end else "", flush=True)  # noqa: T201
        ended = pid


if __name__ == "__main__":
    main()
