"""The dashboard of pages: are people told, how soon, and what is not sent."""

from typing import Any

from panels import TIER_COLOURS, dashboard, panel
from queries import ME, RATE, increase, rate


def delivery() -> dict[str, Any]:
    """What on-call staff ask: what is open, who has answered, do pages arrive."""
    pages = "sum by (channel, result) (rate(sentinel_pages_total" + RATE + "))"
    late = "sum by (le) (rate(sentinel_event_to_page_seconds_bucket" + RATE + "))"
    return dashboard(
        "sentinel-delivery",
        "Delivery · 预警送达",
        "The life of alerts, and the pages that people get of them.",
        [
            panel(
                "timeseries",
                "Open alerts · 未关闭预警",
                "Alerts that are not over, by tier.",
                {"{{tier}}": f"sum by (tier) (sentinel_open_alerts{{{ME}}})"},
                unit="none",
                colours=TIER_COLOURS,
            ),
            panel(
                "timeseries",
                "Unanswered and acknowledged · 未应答与已受理",
                "Open alerts by state, and those of which nobody is notified.",
                {
                    "{{state}}": f"sum by (state) (sentinel_open_alerts{{{ME}}})",
                    "suppressed": f"sum(sentinel_open_suppressed_alerts{{{ME}}})",
                },
                unit="none",
            ),
            panel(
                "bargauge",
                "Why alerts were suppressed · 抑制原因",
                "Times an alert became suppressed in the chosen time, by reason.",
                {"{{reason}}": increase("sentinel_suppressed_alerts_total", "reason")},
                unit="none",
                width=6,
            ),
            panel(
                "bargauge",
                "Actions kept back · 未下达的处置",
                "Actions that core systems were told of later or never, and what kept them.",
                {
                    "{{action}} {{reason}}": increase(
                        "sentinel_withheld_actions_total", "action, reason"
                    )
                },
                unit="none",
                width=6,
            ),
            panel(
                "bargauge",
                "How alerts ended · 解除方式",
                "Alerts that ended in the chosen time, by how.",
                {"{{resolution}}": increase("sentinel_resolved_alerts_total", "resolution")},
                unit="none",
                width=6,
            ),
            panel(
                "bargauge",
                "Escalations · 升级",
                "Alerts that were raised beyond their score in the chosen time.",
                {"{{reason}}": increase("sentinel_escalations_total", "reason")},
                unit="none",
                width=6,
            ),
            panel(
                "timeseries",
                "Answers · 处置应答",
                "What people answered a second, by kind and what became of it.",
                {"{{kind}} {{result}}": rate("sentinel_responses_total", "kind, result")},
                unit="ops",
            ),
            panel(
                "timeseries",
                "Changes of alerts · 预警变更",
                "Alert revisions a second, by what changed.",
                {"{{change}}": rate("sentinel_alert_changes_total", "change")},
                unit="ops",
            ),
            panel(
                "timeseries",
                "Pages · 通知",
                "Attempts to send a page a second, by channel and result.",
                {"{{channel}} {{result}}": pages},
                unit="ops",
            ),
            panel(
                "timeseries",
                "From event to page · 事件到通知的时间",
                "Of pages that are due at once, delivered at the first attempt.",
                {
                    "p50": f"histogram_quantile(0.5, {late})",
                    "p99": f"histogram_quantile(0.99, {late})",
                },
                unit="s",
            ),
            panel(
                "timeseries",
                "Outbox · 待发队列",
                "Pages by state; what stays due is not getting through.",
                {"{{state}}": "sum by (state) (sentinel_outbox_pages)"},
                unit="none",
            ),
            panel(
                "timeseries",
                "Oldest page due · 最早未送达通知",
                "How long the oldest page that should have been sent by now has waited, by tier.",
                {"{{tier}}": "max by (tier) (sentinel_oldest_due_page_seconds)"},
                unit="s",
                colours=TIER_COLOURS,
            ),
            panel(
                "timeseries",
                "Alerts unread by the pager · 通知服务未读预警",
                "Since when the oldest alert waits in Kafka for the pager to take it in.",
                {"unread": "max(sentinel_pager_unread_seconds)"},
                unit="s",
            ),
            panel(
                "timeseries",
                "Pager's failures · 通知服务失败",
                "What the pager's tasks could not do and try again, a second.",
                {"{{task}}": rate("sentinel_pager_failures_total", "task")},
                unit="ops",
            ),
            panel(
                "bargauge",
                "Alerts found late · 补报预警",
                "Alerts told in digests because they were too old to be paged one by one, by tier.",
                {
                    "{{tier}}": "sum by (tier) (increase(sentinel_late_digest_alerts_total"
                    "[$__range]))"
                },
                unit="none",
                colours=TIER_COLOURS,
            ),
            panel(
                "timeseries",
                "Pages not sent · 未发送的通知",
                "Pages that were taken back or given up a second, by reason.",
                {"{{reason}}": "sum by (reason) (rate(sentinel_unsent_pages_total" + RATE + "))"},
                unit="ops",
            ),
        ],
    )
