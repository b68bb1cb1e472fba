"""``sentinel pager``: run the pager, or send test pages."""

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.clock import wall_ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry

    from sentinel.delivery.channels import Channel, Heartbeat
    from sentinel.delivery.declare import Plan
    from sentinel.delivery.pager import Pager
    from sentinel.settings import Settings

pager = typer.Typer(help="Page people: run the pager, or try its channels.")


def _steady_ms() -> int:
    return time.monotonic_ns() // 1_000_000


@pager.callback(invoke_without_command=True)
def run(context: typer.Context) -> None:
    """Page people of alerts by configs/routes.yaml until stopped (SENTINEL_ variables)."""
    if context.invoked_subcommand is not None:
        return
    from sentinel.cli.serve import serve

    serve(_service)


def _service(settings: "Settings", registry: "CollectorRegistry") -> "Pager":
    from sentinel.delivery.clock import Clock
    from sentinel.delivery.outbox import Outbox
    from sentinel.delivery.pager import Pager
    from sentinel.delivery.watch import PagerMetrics
    from sentinel.kafka.registry import alert_reader
    from sentinel.kafka.topics import Topics

    plan = _plan(settings)
    outbox = Outbox(settings.outbox)
    used = set().union(*(route.channels for route in plan.root.walk()))
    return Pager(
        outbox,
        plan,
        _channels(plan, used),
        PagerMetrics(registry, plan.channels),
        Clock(wall_ms, _steady_ms, outbox.latest_ms()),
        {Topics(settings.topic_prefix).alerts: alert_reader(settings)},
        _heartbeat(plan),
    )


@pager.command("test")
def try_out(
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="The route's name.")],
) -> None:
    """Send a test page through every channel of a route; exit 1 if one fails."""
    from sentinel.cli.failure import FAILED, UserError
    from sentinel.settings import Settings

    plan = _plan(Settings.from_environment(os.environ))
    found = [each for each in plan.root.walk() if each.name == route]
    if not found:
        names = ", ".join(each.name for each in plan.root.walk())
        raise UserError(f'there is no route "{route}"; there are {names}')
    channels = _channels(plan, sorted(found[0].channels))
    if not asyncio.run(_try_each(channels, plan)):
        raise typer.Exit(FAILED)


async def _try_each(channels: "dict[str, Channel]", plan: "Plan") -> bool:
    """Trigger and resolve one alert on each channel; returns whether all accepted both."""
    from sentinel.delivery.channels import Refused, Unreached
    from sentinel.delivery.page import Content, Page, PageKind
    from sentinel.model.alert import Tier
    from sentinel.model.signal import Risk, Title

    now_ms, good = wall_ms(), True
    title = Title("Test page: nothing has happened", "测试通知：无实际预警")
    alert_id = f"test-{now_ms}"
    content = Content(
        alert_id=alert_id,
        revision=1,
        tier=Tier.BLUE,
        risk=Risk.OPERATIONAL,
        title=title,
        reason=title,
        rule="test",
        opened_at=now_ms,
        updated_at=now_ms,
        recorded_ms=now_ms,
        runbook="docs/pages.md",
        link=plan.late_link,
    )
    for name, channel in channels.items():
        try:
            for kind in (PageKind.TRIGGER, PageKind.RESOLVE):
                page_id = f"{alert_id}.{kind}.{name}"
                page = Page(
                    page_id=page_id, channel=name, kind=kind, content=content, since_ms=now_ms
                )
                async with asyncio.timeout(plan.timeout_ms / 1000):
                    await channel.send(page, wall_ms())
        except (Refused, Unreached, TimeoutError) as error:
            good = False
            typer.echo(f"{name}: failed: {error or 'no answer in time'}")
        else:
            typer.echo(f"{name}: ok")
    return good


def _plan(settings: "Settings") -> "Plan":
    from sentinel.delivery.declare import read_folder
    from sentinel.settings import shipped_configs

    return read_folder(Path(settings.configs) if settings.configs else shipped_configs())


def _channels(plan: "Plan", names: "Iterable[str]") -> "dict[str, Channel]":
    from sentinel.cli.failure import UserError
    from sentinel.delivery.channels import open_channel
    from sentinel.delivery.entries import ChannelError

    try:
        return {name: open_channel(plan.channels[name], name, os.environ) for name in names}
    except ChannelError as error:
        raise UserError(str(error)) from None


def _heartbeat(plan: "Plan") -> "Heartbeat | None":
    from sentinel.cli.failure import UserError
    from sentinel.delivery.channels import open_heartbeat
    from sentinel.delivery.entries import ChannelError

    try:
        return open_heartbeat(plan.heartbeat, os.environ) if plan.heartbeat else None
    except ChannelError as error:
        raise UserError(str(error)) from None
