"""The rule authors' dashboard: the signals of every rule, live and in shadow."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from panels import Panel, dashboard, timeseries
from queries import INSTANCE, RATE_INTERVAL, rate


def rules() -> Dashboard:
    """What a risk engineer asks: what does each rule do, live and on trial."""
    return dashboard(
        "sentinel-rules",
        "Models and rules · 模型与规则",
        "Signals of every rule, live and in shadow, and what became of them.",
        [*_signals_by_rule(), *_stages_and_revisions(), *_dropped_signals()],
    )


def _signals_by_rule() -> list[Panel]:
    live = rate("sentinel_signals_total", "rule", ',mode="live"')
    return [
        timeseries(
            "Live rules · 生效规则",
            "Signals a second of the ten busiest live rules.",
            {"{{rule}}": f"topk(10, {live})"},
        ),
        timeseries(
            "Model rules · 模型规则",
            "Signals a second of rules that read a detector's p-value.",
            {"{{rule}}": rate("sentinel_signals_total", "rule", ',rule=~"(model|anomaly).*"')},
        ),
    ]


def _stages_and_revisions() -> list[Panel]:
    signals, alerts = (
        f"sum(rate({metric}{{{INSTANCE}}}{RATE_INTERVAL}))"
        for metric in ("sentinel_signals_total", "sentinel_alerts_total")
    )
    return [
        timeseries(
            "Live and shadow · 生效与影子",
            "Signals a second by mode: shadow rules are counted and raise nothing.",
            {"{{mode}}": rate("sentinel_signals_total", "mode")},
        ),
        timeseries(
            "Signals for each revision · 每次预警的信号数",
            "How many signals stand behind one alert revision.",
            {"signals": f"{signals} / {alerts}"},
            unit=units.Short,
        ),
    ]


def _dropped_signals() -> list[Panel]:
    return [
        timeseries(
            "Signals without a revision · 未形成预警的信号",
            "Signals that led to no revision a second, by reason.",
            {"{{reason}}": rate("sentinel_dropped_signals_total", "reason")},
            width=24,
        )
    ]
