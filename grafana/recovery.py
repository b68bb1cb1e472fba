"""The dashboard of recovery: snapshots, replay and published configurations."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from panels import Panel, dashboard, stat, timeseries
from queries import INSTANCE, quantile


def recovery() -> Dashboard:
    """What an operator asks before and after a restart: what is kept, and how far is it."""
    return dashboard(
        "sentinel-recovery",
        "Recovery · 恢复与快照",
        "Snapshots, recovery and published configurations; see docs/reliability.md.",
        [*_summary(), *_progress(), *_snapshot_cost()],
    )


def _summary() -> list[Panel]:
    refused = f"increase(sentinel_configurations_refused_total{{{INSTANCE}}}[$__range])"
    return [
        stat(
            "Oldest snapshot · 最旧快照",
            "Age of the oldest of the newest snapshots; a shard without input takes none.",
            {"age": f"time() - min(sentinel_snapshot_timestamp_seconds{{{INSTANCE}}})"},
            unit=units.Seconds,
        ),
        stat(
            "Recovering shards · 恢复中的分片",
            "Shards that rebuild their state.",
            {"shards": f"sum(sentinel_recovering{{{INSTANCE}}})"},
        ),
        stat(
            "Features warm · 特征预热",
            "Share of the features that have seen as much as they look back; the least shard.",
            {"warm": f"min(sentinel_features_warm_ratio{{{INSTANCE}}})"},
            unit=units.PercentUnit,
        ),
        stat(
            "Configurations refused · 被拒配置",
            "Published configurations in the chosen time that no worker runs.",
            {"refused": f"sum({refused})"},
        ),
    ]


def _progress() -> list[Panel]:
    newest = f"max by (shard) (sentinel_snapshot_timestamp_seconds{{{INSTANCE}}})"
    return [
        timeseries(
            "Recovery · 恢复进度",
            "How much of its journal each shard has replayed.",
            {"shard {{shard}}": f"max by (shard) (sentinel_recovery_ratio{{{INSTANCE}}})"},
            unit=units.PercentUnit,
        ),
        timeseries(
            "Snapshot age · 快照时效",
            "How old each shard's newest snapshot is.",
            {"shard {{shard}}": f"time() - {newest}"},
            unit=units.Seconds,
        ),
    ]


def _snapshot_cost() -> list[Panel]:
    return [
        timeseries(
            "Snapshot size · 快照大小",
            "Each shard's newest snapshot, uncompressed.",
            {"shard {{shard}}": f"max by (shard) (sentinel_snapshot_bytes{{{INSTANCE}}})"},
            unit=units.BytesIEC,
        ),
        timeseries(
            "Held up by a snapshot · 快照停顿",
            "How long a snapshot holds up its shard.",
            {
                "median": quantile(0.5, "sentinel_snapshot_pause_seconds"),
                "99 %": quantile(0.99, "sentinel_snapshot_pause_seconds"),
            },
            unit=units.Seconds,
        ),
    ]
