"""The security operations centre's dashboard: operational risks, latency, rejected input."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from panels import TIER_COLOURS, Panel, bar_gauge, dashboard, timeseries
from queries import increase, quantile, rate


def soc() -> Dashboard:
    """What the SOC asks: is it quick, is it complete, what comes in."""
    return dashboard(
        "sentinel-soc",
        "SOC · 安全运营",
        "The operational risks, how fast they are told, and what is put aside.",
        [*_alerts(), *_input(), *_rules_and_late_events()],
    )


def _alerts() -> list[Panel]:
    return [
        timeseries(
            "Operational alerts · 操作风险预警",
            "Alert revisions a second (account takeover, card testing, mules), by tier.",
            {"{{tier}}": rate("sentinel_alerts_total", "tier", ',risk="operational"')},
            colours=TIER_COLOURS,
        ),
        timeseries(
            "From event to alert · 事件到预警",
            "From the triggering event's record to the committed alert; the bar is 150 ms.",
            {
                "median": quantile(0.5, "sentinel_event_to_alert_seconds"),
                "99 %": quantile(0.99, "sentinel_event_to_alert_seconds"),
            },
            unit=units.Seconds,
            exemplars=True,
        ),
    ]


def _input() -> list[Panel]:
    return [
        timeseries(
            "Events · 事件",
            "Events accepted a second, by stream.",
            {"{{stream}}": rate("sentinel_events_total", "stream")},
        ),
        timeseries(
            "Dead letters · 异常记录",
            "Records put aside a second, by reason.",
            {"{{reason}}": rate("sentinel_dead_letters_total", "reason")},
        ),
    ]


def _rules_and_late_events() -> list[Panel]:
    operational = ',rule=~"(ato|card|login|mule).*"'
    return [
        bar_gauge(
            "Operational rules · 操作风险规则",
            "Signals of account, card and login rules in the chosen time.",
            {"{{rule}}": increase("sentinel_signals_total", "rule", operational)},
            height=10,
        ),
        timeseries(
            "Late events · 迟到事件",
            "Events older than the lateness bound, a second, by stream.",
            {"{{stream}}": rate("sentinel_late_events_total", "stream")},
            height=10,
        ),
    ]
