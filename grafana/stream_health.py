"""The dashboard of stream processing: lag, step times, stream time and rejected input."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from panels import Panel, dashboard, stat, timeseries
from queries import INSTANCE, RATE_INTERVAL, quantile, rate


def stream_health() -> Dashboard:
    """What an operator asks: does it keep up, and if not, where is the time."""
    return dashboard(
        "sentinel-stream-health",
        "Stream health · 流处理健康",
        "Lag, steps, commits, recovery and state; docs/operations.md says what to do.",
        [
            *_summary(),
            *_load(),
            *_steps(),
            *_time_lag(),
            *_waits_and_repeated_events(),
            *_missing_values_and_limits(),
        ],
    )


def _summary() -> list[Panel]:
    return [
        stat(
            "Workers · 工作进程",
            "Workers that answer.",
            {"workers": f"count(sentinel_build_info{{{INSTANCE}}})"},
        ),
        stat(
            "Recovering shards · 恢复中的分片",
            "Shards that rebuild their state.",
            {"shards": f"sum(sentinel_recovering{{{INSTANCE}}})"},
        ),
        stat(
            "Configurations · 配置版本",
            "Different configurations in force: one, except during a roll-out.",
            {"configurations": "count(count by (config_version) (sentinel_build_info))"},
        ),
        stat(
            "Customers held · 在管客户",
            "Customers with state, over all shards.",
            {"customers": f"sum(sentinel_slots_used{{{INSTANCE}}})"},
            unit=units.Short,
        ),
    ]


def _load() -> list[Panel]:
    return [
        timeseries(
            "Lag · 积压",
            "Records that wait, by stream.",
            {"{{stream}}": f"sum by (stream) (sentinel_lag_records{{{INSTANCE}}})"},
            unit=units.NoUnit,
        ),
        timeseries(
            "Events a step · 每步事件数",
            "Heavy load makes big steps: the median and the largest.",
            {
                "median": quantile(0.5, "sentinel_step_events"),
                "99 %": quantile(0.99, "sentinel_step_events"),
            },
            unit=units.NoUnit,
        ),
    ]


def _steps() -> list[Panel]:
    replayed = f"rate(sentinel_replayed_steps_total{{{INSTANCE}}}{RATE_INTERVAL})"
    return [
        timeseries(
            "Engine and commit, 99 % · 引擎与提交",
            "Time of a step in the engine and in its Kafka transaction.",
            {
                "engine": quantile(0.99, "sentinel_step_duration_seconds"),
                "commit": quantile(0.99, "sentinel_commit_duration_seconds"),
            },
            unit=units.Seconds,
        ),
        timeseries(
            "Failed and replayed steps · 失败与重放",
            "Transactions given up, and journalled steps replayed by recovery, a second.",
            {
                "{{reason}}": rate("sentinel_step_failures_total", "reason"),
                "replayed": f"sum({replayed})",
            },
        ),
    ]


def _time_lag() -> list[Panel]:
    newest = f"max by (stream) (sentinel_watermark_timestamp_seconds{{{INSTANCE}}})"
    return [
        timeseries(
            "Event time behind the clock · 事件时间滞后",
            "How far the newest event of each stream lies behind now.",
            {"{{stream}}": f"time() - {newest}"},
            unit=units.Seconds,
        ),
        timeseries(
            "Stream time behind the clock · 流时间滞后",
            "How far each shard's inputs have been read, behind now; zero when it keeps up.",
            {"shard {{shard}}": f"max by (shard) (sentinel_stream_lag_seconds{{{INSTANCE}}})"},
            unit=units.Seconds,
        ),
    ]


def _waits_and_repeated_events() -> list[Panel]:
    return [
        timeseries(
            "Waits given up · 放弃等待的输入",
            "Times a second that other inputs went on without one that did not arrive.",
            {"{{stream}}": rate("sentinel_alignment_waits_given_up_total", "stream")},
        ),
        timeseries(
            "Repeated events · 重复事件",
            "Events dropped a second because they had been seen, and others under a known id.",
            {
                "{{stream}}": rate("sentinel_repeated_events_total", "stream"),
                "{{stream}} in conflict": rate("sentinel_conflicting_events_total", "stream"),
            },
        ),
    ]


def _missing_values_and_limits() -> list[Panel]:
    return [
        timeseries(
            "Names that name nothing · 无效标识",
            "Placeholders in ids and addresses that are none, a second: the events have none.",
            {"{{stream}} {{field}}": rate("sentinel_missing_values_total", "stream, field")},
        ),
        timeseries(
            "Bounds reached · 达到上限",
            "What was let go because a bound was reached, a second.",
            {"{{limit}}": rate("sentinel_limits_total", "limit")},
        ),
    ]
