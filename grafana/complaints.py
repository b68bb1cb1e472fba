"""The dashboard of complaints: the backlog, and whether deadlines are kept."""

from typing import Any

from panels import dashboard, panel
from queries import ME, increase, rate


def complaints() -> dict[str, Any]:
    """What a complaints desk asks: how many are open, how many were in time, what goes wrong."""
    duties = increase("sentinel_complaint_duties_total", "duty, result")
    kept = increase("sentinel_complaint_duties_total", "duty", ',result="on_time"')
    return dashboard(
        "sentinel-complaints",
        "Complaints · 投诉处理",
        "Open complaints, their deadlines, and what was not as it should be.",
        [
            panel(
                "timeseries",
                "Backlog by status · 在办投诉（按环节）",
                "Complaints that are not over, by the step they have reached.",
                {"{{status}}": f"sum by (status) (sentinel_open_complaints{{{ME}}})"},
                unit="none",
            ),
            panel(
                "timeseries",
                "Backlog by channel · 在办投诉（按渠道）",
                "Complaints that are not over, by the channel they came through.",
                {"{{channel}}": f"sum by (channel) (sentinel_open_complaints{{{ME}}})"},
                unit="none",
            ),
            panel(
                "bargauge",
                "Duties on time and late · 按时与逾期",
                "Acknowledgements, resolutions and written replies in the chosen time.",
                {"{{duty}} {{result}}": duties},
                unit="none",
            ),
            panel(
                "bargauge",
                "Share on time · 按时率",
                "Of the duties that were fulfilled in the chosen time.",
                {"{{duty}}": f"{kept} / " + increase("sentinel_complaint_duties_total", "duty")},
                unit="percentunit",
            ),
            panel(
                "timeseries",
                "Notices · 提醒",
                "Warnings and other notices of complaints a second, by kind.",
                {"{{kind}}": rate("sentinel_complaint_notices_total", "kind")},
                unit="ops",
            ),
            panel(
                "bargauge",
                "Problems · 流转异常",
                "Steps out of order and extensions without effect in the chosen time, by problem.",
                {"{{problem}}": increase("sentinel_complaint_problems_total", "problem")},
                unit="none",
            ),
        ],
    )
