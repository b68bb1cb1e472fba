"""The dashboard of the pager: the life of alerts, and whether and how soon people are paged."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from panels import TIER_COLOURS, Panel, bar_gauge, dashboard, timeseries
from queries import INSTANCE, RATE_INTERVAL, increase, rate


def delivery() -> Dashboard:
    """What on-call staff ask: what is open, who has answered, do pages arrive."""
    return dashboard(
        "sentinel-delivery",
        "Delivery · 预警送达",
        "The life of alerts, and the pages that people get of them.",
        [
            *_open_alerts(),
            *_lifecycle_counts(),
            *_responses(),
            *_pages(),
            *_outbox(),
            *_pager(),
            *_late_and_unsent(),
        ],
    )


def _open_alerts() -> list[Panel]:
    return [
        timeseries(
            "Open alerts · 未关闭预警",
            "Alerts that are not over, by tier.",
            {"{{tier}}": f"sum by (tier) (sentinel_open_alerts{{{INSTANCE}}})"},
            unit=units.NoUnit,
            colours=TIER_COLOURS,
        ),
        timeseries(
            "Unanswered and acknowledged · 未应答与已认领",
            "Open alerts by state, and those of which nobody is notified.",
            {
                "{{state}}": f"sum by (state) (sentinel_open_alerts{{{INSTANCE}}})",
                "suppressed": f"sum(sentinel_open_suppressed_alerts{{{INSTANCE}}})",
            },
            unit=units.NoUnit,
        ),
    ]


def _lifecycle_counts() -> list[Panel]:
    withheld = increase("sentinel_withheld_actions_total", "action, reason")
    return [
        bar_gauge(
            "Why alerts were suppressed · 抑制原因",
            "Times an alert became suppressed in the chosen time, by reason.",
            {"{{reason}}": increase("sentinel_suppressed_alerts_total", "reason")},
            width=6,
        ),
        bar_gauge(
            "Actions kept back · 未下达的处置",
            "Actions that core systems were told of later or never, and what kept them.",
            {"{{action}} {{reason}}": withheld},
            width=6,
        ),
        bar_gauge(
            "How alerts ended · 解除方式",
            "Alerts that ended in the chosen time, by how.",
            {"{{resolution}}": increase("sentinel_resolved_alerts_total", "resolution")},
            width=6,
        ),
        bar_gauge(
            "Escalations · 升级",
            "Alerts that were raised beyond their score in the chosen time.",
            {"{{reason}}": increase("sentinel_escalations_total", "reason")},
            width=6,
        ),
    ]


def _responses() -> list[Panel]:
    return [
        timeseries(
            "Answers · 处置应答",
            "What people answered a second, by kind and what became of it.",
            {"{{kind}} {{result}}": rate("sentinel_responses_total", "kind, result")},
        ),
        timeseries(
            "Changes of alerts · 预警变更",
            "Alert revisions a second, by what changed.",
            {"{{change}}": rate("sentinel_alert_changes_total", "change")},
        ),
    ]


# `$instance` selects workers: queries of the pager's metrics leave it out.
def _pages() -> list[Panel]:
    pages = f"rate(sentinel_pages_total{RATE_INTERVAL})"
    buckets = f"sum by (le) (rate(sentinel_event_to_page_seconds_bucket{RATE_INTERVAL}))"
    return [
        timeseries(
            "Pages · 通知",
            "Attempts to send a page a second, by channel and result.",
            {"{{channel}} {{result}}": f"sum by (channel, result) ({pages})"},
        ),
        timeseries(
            "From event to page · 事件到通知的时间",
            "Of pages that are due at once, delivered at the first attempt.",
            {
                "p50": f"histogram_quantile(0.5, {buckets})",
                "p99": f"histogram_quantile(0.99, {buckets})",
            },
            unit=units.Seconds,
        ),
    ]


def _outbox() -> list[Panel]:
    return [
        timeseries(
            "Outbox · 待发队列",
            "Pages by state; what stays due is not getting through.",
            {"{{state}}": "sum by (state) (sentinel_outbox_pages)"},
            unit=units.NoUnit,
        ),
        timeseries(
            "Oldest page due · 最早未送达通知",
            "How long the oldest page that should have been sent by now has waited, by tier.",
            {"{{tier}}": "max by (tier) (sentinel_oldest_due_page_seconds)"},
            unit=units.Seconds,
            colours=TIER_COLOURS,
        ),
    ]


def _pager() -> list[Panel]:
    return [
        timeseries(
            "Alerts unread by the pager · 通知服务未读预警",
            "Since when the oldest alert waits in Kafka for the pager to take it in.",
            {"unread": "max(sentinel_pager_unread_seconds)"},
            unit=units.Seconds,
        ),
        timeseries(
            "Pager's failures · 通知服务失败",
            "What the pager's tasks could not do and try again, a second.",
            {"{{task}}": f"sum by (task) (rate(sentinel_pager_failures_total{RATE_INTERVAL}))"},
        ),
    ]


def _late_and_unsent() -> list[Panel]:
    unsent = f"rate(sentinel_unsent_pages_total{RATE_INTERVAL})"
    return [
        bar_gauge(
            "Alerts found late · 补报预警",
            "Alerts told in digests because they were too old to be paged one by one, by tier.",
            {"{{tier}}": "sum by (tier) (increase(sentinel_late_digest_alerts_total[$__range]))"},
            colours=TIER_COLOURS,
        ),
        timeseries(
            "Pages not sent · 未发送的通知",
            "Pages that were taken back or given up a second, by reason.",
            {"{{reason}}": f"sum by (reason) ({unsent})"},
        ),
    ]
