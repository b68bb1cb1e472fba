"""The demo's terminal view."""

import math
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sentinel.demo.watch import AlertFeed, Figures, Latency
from sentinel.model.alert import Alert, Tier
from sentinel.model.visible import visible

_COLOURS = {
    Tier.RED: "bold white on red",
    Tier.ORANGE: "bold black on dark_orange",
    Tier.YELLOW: "black on yellow",
    Tier.BLUE: "white on blue",
}
_CHINESE = {Tier.RED: "红", Tier.ORANGE: "橙", Tier.YELLOW: "黄", Tier.BLUE: "蓝"}


def tier_badge(tier: Tier) -> Text:
    """A tier in its colour, in both languages."""
    return Text(f" {_CHINESE[tier]} {tier.value} ", style=_COLOURS[tier])


def why(alert: Alert) -> str:
    """The strongest reason's clauses with the values read, and the alert's tier without it."""
    reason = alert.reasons[0]
    parts = []
    for clause in reason.clauses[:3]:
        seen = ", ".join(
            f"{name} {_short(value)}"
            + (f" (usually {_short(clause.normal[name])})" if name in clause.normal else "")
            for name, value in clause.values.items()
        )
        parts.append(f"{clause.text} [{seen}]" if seen else clause.text)
    if len(alert.reasons) > 1 and reason.tier_without is not alert.tier:
        parts.append(f"{reason.tier_without or 'no alert'} without it")
    return "; ".join(parts)


def changes(alert: Alert) -> str:
    """What is new about it, and what suppresses it: ``opened, inhibited``."""
    how = alert.resolution or alert.change
    return ", ".join([how, *(suppressor.reason for suppressor in alert.suppressed)])


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return "unknown" if value is None else visible(str(value))


def _counts(counts: dict[str, int]) -> str:
    return "  ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def screen(
    figures: Figures, feed: AlertFeed, rate: float, invitation: str, left: str
) -> RenderableType:
    """The whole screen; ``invitation`` is where the desk is."""
    numbers = Table.grid(padding=(0, 2))
    numbers.add_row("event to alert", latency(figures.latency), f"{figures.steps:,} steps")
    numbers.add_row("shared entities", latency(figures.shared_latency), "devices, addresses …")
    numbers.add_row("events", _counts(figures.events), f"{rate:,.0f} a second")
    numbers.add_row("lag", f"{figures.lag:,} records", f"{figures.customers:,} customers held")
    numbers.add_row("answered", *_answered(figures))
    numbers.add_row("suppressed", _counts(figures.suppressed), "alerts without notification")
    numbers.add_row("no revision", _counts(figures.dropped), "signals that changed no alert")
    numbers.add_row("dead letters", _counts(figures.dead), "")
    tiers = Text("   ").join(
        Text.assemble(tier_badge(tier), f" {feed.tiers[tier]:,}") for tier in Tier
    )
    latest = Table(box=None, expand=True, show_header=False)
    latest.add_column(no_wrap=True)
    latest.add_column(no_wrap=True)
    latest.add_column(ratio=2)
    latest.add_column(ratio=3, style="dim")
    for alert in reversed(feed.latest):
        title = f"{visible(alert.title.en)}\n{visible(alert.title.zh)}"
        latest.add_row(
            tier_badge(alert.tier),
            changes(alert),
            Text(f"{alert.score:.0f}  {title}"),
            Text(why(alert)),
        )
    return Group(
        Panel(tiers, title=f"Sentinel demo: alerts by tier  {left}"),
        Panel(numbers, title="what the worker does", subtitle=invitation),
        Panel(latest, title="latest alerts and why"),
    )


def _answered(figures: Figures) -> tuple[str, str]:
    return f"acknowledged {figures.acknowledged:,}", f"resolved: {_counts(figures.resolved)}"


def latency(found: Latency) -> str:
    """Median and 99th percentile, as the histogram's bucket edges."""
    if found.p50_ms is None or found.p99_ms is None:
        return "no alert yet"
    return f"p50 {_at_most(found.p50_ms)}, p99 {_at_most(found.p99_ms)}"


def _at_most(edge_ms: float) -> str:
    return f"≤ {edge_ms:,.0f} ms" if math.isfinite(edge_ms) else "beyond the histogram"


def lines(alerts: Iterable[Alert]) -> Iterable[str]:
    """Alerts as plain lines, where there is no terminal."""
    for alert in alerts:
        yield (
            f"{alert.tier.value:6} {alert.score:5.1f}  {changes(alert)}"
            f"  {visible(alert.title.en)} / {visible(alert.title.zh)}"
            + (f"  ({clauses})" if (clauses := why(alert)) else "")
        )


def summary(
    console: Console, figures: Figures, feed: AlertFeed, seconds: float, broker: str
) -> None:
    """Print what happened, when the demo ends."""
    table = Table(title="Sentinel demo: what happened", show_header=False, min_width=60)
    events = sum(figures.events.values())
    for tier in Tier:
        table.add_row(tier_badge(tier), f"{feed.tiers[tier]:,} alert revisions")
    table.add_row("event to alert", latency(figures.latency))
    table.add_row("shared entities", latency(figures.shared_latency))
    table.add_row("events", f"{events:,} ({_counts(figures.events)})")
    table.add_row("lag at the end", f"{figures.lag:,} records")
    table.add_row("answered", "  ".join(_answered(figures)))
    table.add_row("suppressed", _counts(figures.suppressed))
    table.add_row("no revision", _counts(figures.dropped))
    table.add_row("dead letters", _counts(figures.dead))
    table.add_row("broker", broker)
    table.add_row("watched", f"{seconds:.0f} s")
    console.print(table)
