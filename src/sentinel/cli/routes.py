"""``sentinel routes``: check the routing tree, and show who would be paged."""

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.clock import wall_ms
from sentinel.model.alert import Tier
from sentinel.model.signal import Risk

if TYPE_CHECKING:
    from sentinel.delivery.declare import Plan

routes = typer.Typer(help="The routes of pages.", no_args_is_help=True)


@routes.command()
def check(
    configs: Annotated[
        Path | None, typer.Argument(help="A configuration folder; without it the shipped one.")
    ] = None,
    tier: Annotated[
        Tier | None, typer.Option(help="Show who is paged for an alert of this tier")
    ] = None,
    risk: Annotated[Risk, typer.Option(help="... of this risk")] = Risk.OPERATIONAL,
    rule: Annotated[str, typer.Option(help="... by this rule")] = "",
    entity: Annotated[str, typer.Option(help="... about this entity")] = "",
    at: Annotated[str, typer.Option(help="... at this time, RFC 3339; without it now")] = "",
) -> None:
    """Check configs/routes.yaml: errors exit 1, unreachable routes and unused channels 3."""
    from sentinel.cli.failure import LINT
    from sentinel.delivery.channels import read_usable
    from sentinel.settings import shipped_configs

    plan = read_usable(configs or shipped_configs(), os.environ)
    findings = _findings(plan)
    if tier is None:
        count = sum(1 for _ in plan.root.walk())
        typer.echo(f"{count} routes, {len(plan.channels)} channels")
    else:
        labels = {"tier": tier, "risk": risk, "rule": rule, "entity": entity}
        labels["entity_kind"] = "customer"
        _show(plan, labels, _moment_ms(at))
    for finding in findings:
        typer.echo(finding, err=True)
    if findings:
        raise typer.Exit(LINT)


def _findings(plan: "Plan") -> list[str]:
    from sentinel.delivery.routes import unreachable

    used = set().union(*(route.channels for route in plan.root.walk()))
    return [
        *(
            f"routes.yaml: {route.name} is never reached: {earlier.name} matches all its alerts"
            for route, earlier in unreachable(plan.root)
        ),
        *(f"routes.yaml: no route uses {name}" for name in plan.channels if name not in used),
    ]


def _show(plan: "Plan", labels: dict[str, str], moment_ms: int) -> None:
    for route in plan.root.matching(labels, moment_ms):
        quiet = route.quiet is not None and route.quiet.is_on(moment_ms)
        note = ", quiet hours: held" if quiet and labels["tier"] != Tier.RED else ""
        typer.echo(f"{route.name}{note}")
        for rung in route.ladder:
            channels = ", ".join(f"{name} ({plan.channels[name].type})" for name in rung.channels)
            typer.echo(f"  after {rung.after_ms // 1000} s: {channels}")


def _moment_ms(text: str) -> int:
    from sentinel.cli.failure import UserError

    if not text:
        return wall_ms()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f'"{text}" is not a time such as 2026-11-23T09:00:00+08:00') from None
    return round(moment.timestamp() * 1000)
