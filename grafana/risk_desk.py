"""The risk desk's dashboard: how many alerts, of which risk, because of which rules."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from panels import TIER_COLOURS, Panel, bar_gauge, dashboard, stat, timeseries
from queries import increase, rate


def risk_desk() -> Dashboard:
    """What the risk desk asks: how many alerts, of which risk, because of which rules."""
    return dashboard(
        "sentinel-risk-desk",
        "Risk desk · 风险台",
        "Alerts by tier and kind of risk, and the rules behind them.",
        [*_tier_counts(), *_alert_rates(), *_causes()],
    )


def _tier_counts() -> list[Panel]:
    return [
        stat(
            f"{tier.capitalize()} · {name}",
            f"{tier.capitalize()} alert revisions in the chosen time.",
            {tier: increase("sentinel_alerts_total", "tier", f',tier="{tier}"')},
            colours={tier: colour},
        )
        for (tier, colour), name in zip(
            TIER_COLOURS.items(), ("红色", "橙色", "黄色", "蓝色"), strict=True
        )
    ]


def _alert_rates() -> list[Panel]:
    return [
        timeseries(
            "Alerts by tier · 各级预警",
            "Alert revisions a second, by tier.",
            {"{{tier}}": rate("sentinel_alerts_total", "tier")},
            colours=TIER_COLOURS,
        ),
        timeseries(
            "Alerts by risk · 各类风险",
            "Alert revisions a second, by kind of risk.",
            {"{{risk}}": rate("sentinel_alerts_total", "risk")},
        ),
    ]


def _causes() -> list[Panel]:
    live = increase("sentinel_signals_total", "rule", ',mode="live"')
    return [
        bar_gauge(
            "Rules that fired most · 触发最多的规则",
            "Signals of live rules in the chosen time; runbooks are in docs/runbooks.",
            {"{{rule}}": f"topk(15, {live})"},
            height=10,
        ),
        bar_gauge(
            "Why signals led to no revision · 未升级原因",
            "Signals without a revision in the chosen time, by reason.",
            {"{{reason}}": increase("sentinel_dropped_signals_total", "reason")},
            height=10,
        ),
    ]
