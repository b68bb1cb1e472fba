"""Writes grafana/dashboards: ``python grafana/generate.py``; a test compares the two."""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from complaints import complaints
from panels import TIER_COLOURS, dashboard, panel
from queries import ME, RATE, increase, quantile, rate
from recovery import recovery
from shared_entities import shared_entities
from stream_health import stream_health

from delivery import delivery


def risk_desk() -> dict[str, Any]:
    """What the risk desk asks: how much, of which risk, because of which rules."""
    return dashboard(
        "sentinel-risk-desk",
        "Risk desk · 风险台",
        "Alerts by tier and kind of risk, and the rules behind them.",
        [
            *(
                panel(
                    "stat",
                    f"{tier.capitalize()} · {name}",
                    f"{tier.capitalize()} alert revisions in the chosen time.",
                    {tier: increase("sentinel_alerts_total", "tier", f',tier="{tier}"')},
                    unit="none",
                    width=6,
                    height=4,
                    colours={tier: colour},
                )
                for (tier, colour), name in zip(
                    TIER_COLOURS.items(), ("红色", "橙色", "黄色", "蓝色"), strict=True
                )
            ),
            panel(
                "timeseries",
                "Alerts by tier · 各级预警",
                "Alert revisions a second, by tier.",
                {"{{tier}}": rate("sentinel_alerts_total", "tier")},
                unit="ops",
                colours=TIER_COLOURS,
            ),
            panel(
                "timeseries",
                "Alerts by risk · 各类风险",
                "Alert revisions a second, by kind of risk.",
                {"{{risk}}": rate("sentinel_alerts_total", "risk")},
                unit="ops",
            ),
            panel(
                "bargauge",
                "Rules that fired most · 触发最多的规则",
                "Signals of live rules in the chosen time; runbooks are in docs/runbooks.",
                {
                    "{{rule}}": "topk(15, "
                    + increase("sentinel_signals_total", "rule", ',stage="live"')
                    + ")"
                },
                unit="none",
                height=10,
            ),
            panel(
                "bargauge",
                "Why signals led to no revision · 未升级原因",
                "Signals without a revision in the chosen time, by reason.",
                {"{{reason}}": increase("sentinel_dropped_signals_total", "reason")},
                unit="none",
                height=10,
            ),
        ],
    )


def soc() -> dict[str, Any]:
    """What the SOC asks: is it quick, is it complete, what comes in."""
    return dashboard(
        "sentinel-soc",
        "SOC · 安全运营",
        "The operational risks, how fast they are told, and what is put aside.",
        [
            panel(
                "timeseries",
                "Operational alerts · 操作风险预警",
                "Alert revisions a second (account takeover, card testing, mules), by tier.",
                {"{{tier}}": rate("sentinel_alerts_total", "tier", ',risk="operational"')},
                unit="ops",
                colours=TIER_COLOURS,
            ),
            panel(
                "timeseries",
                "From event to alert · 事件到预警",
                "From the triggering event's record to the committed alert; the bar is 150 ms.",
                {
                    "median": quantile(0.5, "sentinel_event_to_alert_seconds"),
                    "99 %": quantile(0.99, "sentinel_event_to_alert_seconds"),
                },
                unit="s",
                exemplars=True,
            ),
            panel(
                "timeseries",
                "Events · 事件",
                "Events accepted a second, by stream.",
                {"{{stream}}": rate("sentinel_events_total", "stream")},
                unit="ops",
            ),
            panel(
                "timeseries",
                "Dead letters · 异常记录",
                "Records put aside a second, by reason.",
                {"{{reason}}": rate("sentinel_dead_letters_total", "reason")},
                unit="ops",
            ),
            panel(
                "bargauge",
                "Operational rules · 操作风险规则",
                "Signals of account, card and login rules in the chosen time.",
                {
                    "{{rule}}": increase(
                        "sentinel_signals_total", "rule", ',rule=~"(ato|card|login|mule).*"'
                    )
                },
                unit="none",
                height=10,
            ),
            panel(
                "timeseries",
                "Late events · 迟到事件",
                "Events older than the lateness bound, a second, by stream.",
                {"{{stream}}": rate("sentinel_late_events_total", "stream")},
                unit="ops",
                height=10,
            ),
        ],
    )


def rules() -> dict[str, Any]:
    """What a risk engineer asks: what does each rule do, live and on trial."""
    return dashboard(
        "sentinel-rules",
        "Models and rules · 模型与规则",
        "Signals of every rule, live and in shadow, and what became of them.",
        [
            panel(
                "timeseries",
                "Live rules · 生效规则",
                "Signals a second of the ten busiest live rules.",
                {
                    "{{rule}}": "topk(10, "
                    + rate("sentinel_signals_total", "rule", ',stage="live"')
                    + ")"
                },
                unit="ops",
            ),
            panel(
                "timeseries",
                "Model rules · 模型规则",
                "Signals a second of rules that read a detector's p-value.",
                {"{{rule}}": rate("sentinel_signals_total", "rule", ',rule=~"(model|anomaly).*"')},
                unit="ops",
            ),
            panel(
                "timeseries",
                "Live and shadow · 生效与影子",
                "Signals a second by stage: shadow rules are counted and raise nothing.",
                {"{{stage}}": rate("sentinel_signals_total", "stage")},
                unit="ops",
            ),
            panel(
                "timeseries",
                "Signals for each revision · 每次预警的信号数",
                "How many signals stand behind one alert revision.",
                {
                    "signals": f"sum(rate(sentinel_signals_total{{{ME}}}{RATE})) / "
                    f"sum(rate(sentinel_alerts_total{{{ME}}}{RATE}))"
                },
                unit="short",
            ),
            panel(
                "timeseries",
                "Signals without a revision · 未形成预警的信号",
                "Signals that led to no revision a second, by reason.",
                {"{{reason}}": rate("sentinel_dropped_signals_total", "reason")},
                unit="ops",
                width=24,
            ),
        ],
    )


DASHBOARDS = {
    "risk-desk": risk_desk,
    "soc": soc,
    "stream-health": stream_health,
    "recovery": recovery,
    "rules": rules,
    "shared-entities": shared_entities,
    "complaints": complaints,
    "delivery": delivery,
}


def rendered() -> dict[str, str]:
    """Every dashboard's JSON by file name."""
    return {
        f"{name}.json": json.dumps(make(), indent=2, ensure_ascii=False) + "\n"
        for name, make in DASHBOARDS.items()
    }


if __name__ == "__main__":
    for name, text in rendered().items():
        (Path(__file__).parent / "dashboards" / name).write_text(text, encoding="utf-8")
