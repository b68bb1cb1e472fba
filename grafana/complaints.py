"""The dashboard of complaints: the backlog, and whether deadlines are kept."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from panels import Panel, bar_gauge, dashboard, timeseries
from queries import INSTANCE, increase, rate


def complaints() -> Dashboard:
    """What a complaints desk asks: how many are open, how many were in time, what goes wrong."""
    return dashboard(
        "sentinel-complaints",
        "Complaints · 投诉处理",
        "Open complaints, their deadlines, and what was not as it should be.",
        [*_backlog(), *_duties(), *_notices_and_problems()],
    )


def _backlog() -> list[Panel]:
    return [
        timeseries(
            "Backlog by status · 在办投诉（按环节）",
            "Complaints that are not over, by the step they have reached.",
            {"{{status}}": f"sum by (status) (sentinel_open_complaints{{{INSTANCE}}})"},
            unit=units.NoUnit,
        ),
        timeseries(
            "Backlog by channel · 在办投诉（按渠道）",
            "Complaints that are not over, by the channel they came through.",
            {"{{channel}}": f"sum by (channel) (sentinel_open_complaints{{{INSTANCE}}})"},
            unit=units.NoUnit,
        ),
    ]


def _duties() -> list[Panel]:
    fulfilled = increase("sentinel_complaint_duties_total", "duty")
    on_time = increase("sentinel_complaint_duties_total", "duty", ',result="on_time"')
    return [
        bar_gauge(
            "Duties on time and late · 按时与逾期",
            "Acknowledgements, resolutions and written replies in the chosen time.",
            {"{{duty}} {{result}}": increase("sentinel_complaint_duties_total", "duty, result")},
        ),
        bar_gauge(
            "Share on time · 按时率",
            "Of the duties that were fulfilled in the chosen time.",
            {"{{duty}}": f"{on_time} / {fulfilled}"},
            unit=units.PercentUnit,
        ),
    ]


def _notices_and_problems() -> list[Panel]:
    return [
        timeseries(
            "Notices · 提醒",
            "Warnings and other notices of complaints a second, by kind.",
            {"{{kind}}": rate("sentinel_complaint_notices_total", "kind")},
        ),
        bar_gauge(
            "Problems · 流转异常",
            "Steps out of order and extensions without effect in the chosen time, by problem.",
            {"{{problem}}": increase("sentinel_complaint_problems_total", "problem")},
        ),
    ]
