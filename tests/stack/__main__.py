"""Bring docker-compose.yml up without containers, ask all that Grafana would ask, and end.

``python -m tests.stack --seconds 90``: real Apache Kafka, two workers, the simulator,
Prometheus and Alertmanager with the shipped configurations.  Exit 0 if every part was
healthy to the end, every panel of every dashboard had an answer, a page of each kind and a
complaint's warning arrived, and no process is left.
"""

import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from tests.stack import compose
from tests.stack.preview import draw
from tests.stack.prometheus import dashboard_queries
from tests.stack.receivers import KINDS
from tests.stack.supervisor import Stack, StackError

# Scraped every 5 s: Grafana asks rates over four scrapes.
_VARIABLES = {"$__rate_interval": "20s", "$__range": "1m", "$instance": ".*"}
_START_S = 180.0
_MIB = 1 << 20


def _unanswered(stack: Stack) -> list[str]:
    """The panels whose query has no result; fails where Prometheus refuses one."""
    return [
        f"{panel}: {query}"
        for panel, query in dashboard_queries(_VARIABLES)
        if not stack.prometheus.samples(query)
    ]


def _report(console: Console, stack: Stack) -> bool:
    """Print every component's health; whether all that run are healthy."""
    table = Table("service", "image there", "page here", "MiB, limit", "health")
    all_healthy = True
    for name, service in stack.services.items():
        image = service["image"].partition("@")[0]
        if name in stack.left_out:
            table.add_row(name, image, "", "", f"not run: {stack.left_out[name]}")
            continue
        healthy = stack.healthy(name)
        all_healthy &= healthy
        memory = f"{stack.peak_bytes(name) // _MIB}, {compose.memory_limit(service) // _MIB}"
        state = ("done" if name == "topics" else "healthy") if healthy else "ILL"
        table.add_row(name, image, stack.pages.get(name, ""), memory, state)
    console.print(table)
    return all_healthy


def _figures(console: Console, stack: Stack) -> bool:
    """Print what Prometheus knows; whether both workers are scraped and nothing alarms."""
    ask = stack.prometheus.samples
    for name, query in {
        "events": "sum(sentinel_events_total)",
        "alerts": "sum(sentinel_alerts_total)",
        "workers scraped": 'count(up{job="sentinel"} == 1)',
    }.items():
        console.print(f"{name:<16} {''.join(each['value'][1] for each in ask(query)) or 'none'}")
    console.print(f"{'alertmanagers':<16} {stack.alertmanagers()}")
    firing = [each["metric"]["alertname"] for each in ask('ALERTS{alertstate="firing"}')]
    console.print(f"{'alarms':<16} {', '.join(firing) or 'none'}")
    return (
        not firing
        and stack.alertmanagers() == 1
        and bool(ask('count(up{job="sentinel"} == 1) == 2'))
    )


def _pages(console: Console, stack: Stack) -> bool:
    """Print what arrived where, and how soon; whether each kind of channel got a page."""
    arrived = {**stack.receivers.arrived, "alertmanager": len(stack.paged_alertmanager())}
    console.print(f"{'pages':<16} {arrived}", markup=False)
    for problem in stack.receivers.problems:
        console.print(f"  wrong page: {problem}", markup=False)
    late = "histogram_quantile(0.99, sum by (le, channel) (sentinel_event_to_page_seconds_bucket))"
    seconds = {
        each["metric"]["channel"]: round(float(each["value"][1]), 2)
        for each in stack.prometheus.samples(late)
    }
    console.print(f"{'event to page':<16} p99 in seconds {seconds}", markup=False)
    due = 'sum(sentinel_complaint_notices_total{kind=~"(acknowledge|resolve)_due"}) > 0'
    warned = stack.prometheus.samples(due)
    console.print(f"{'complaints':<16} {warned[0]['value'][1] if warned else 'no'} warnings")
    every = all(arrived.get(kind) for kind in (*KINDS, "alertmanager"))
    return every and not stack.receivers.problems and bool(warned)


def _children() -> list[str]:
    """The processes of ours that are still there (Linux)."""
    files = Path("/proc/self/task").glob("*/children")
    return [number for file in files for number in file.read_text("ascii").split()]


def run(
    seconds: Annotated[float, typer.Option(min=20)] = 90,
    previews: Annotated[Path | None, typer.Option(help="Draw the dashboards into it.")] = None,
) -> None:
    """Run the stack for so long after everything is up."""
    console = Console(width=120)
    started = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="sentinel-stack-") as folder:
        stack = Stack(Path(folder), started + _START_S)
        try:
            stack.start()
            console.print(f"all up after {time.monotonic() - started:.0f} s")
            stack.watch(seconds / 2)
            stack.act()
            stack.watch(seconds / 4)
            stack.answer()
            stack.watch(seconds / 4)
            unanswered = _unanswered(stack)
            healthy = _report(console, stack)
            quiet = _figures(console, stack)
            paged = _pages(console, stack)
            if previews is not None:
                draw(stack.prometheus, previews, _VARIABLES, seconds)
        except StackError as error:
            console.print(f"the stack failed: {error}", markup=False)
            raise typer.Exit(1) from None
        finally:
            stack.stop()
    total = sum(1 for _ in dashboard_queries(_VARIABLES))
    console.print(f"{'panel queries':<16} {total - len(unanswered)} of {total} answered")
    for each in unanswered:
        console.print(f"  no answer: {each}", markup=False)
    ended = {name: process.returncode for name, process in stack.processes.items()}
    console.print(f"{'exit codes':<16} {ended}", markup=False)
    left = _children()
    console.print(f"{'processes left':<16} {left or 'none'}", markup=False)
    if unanswered or left or not (healthy and quiet and paged):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(run)
