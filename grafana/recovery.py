"""What an operator asks before and after a restart: what is kept, and how far is it."""

from typing import Any

from panels import dashboard, panel
from queries import ME, quantile


def recovery() -> dict[str, Any]:
    """Snapshots, recovery and configurations."""
    return dashboard(
        "sentinel-recovery",
        "Recovery · 恢复与快照",
        "Snapshots, recovery and published configurations; see docs/reliability.md.",
        [
            panel(
                "stat",
                "Oldest snapshot · 最旧快照",
                "Age of the oldest of the newest snapshots; a shard without input takes none.",
                {"age": f"time() - min(sentinel_snapshot_timestamp_seconds{{{ME}}})"},
                unit="s",
                width=6,
                height=4,
            ),
            panel(
                "stat",
                "Recovering shards · 恢复中的分片",
                "Shards that rebuild their state.",
                {"shards": f"sum(sentinel_recovering{{{ME}}})"},
                unit="none",
                width=6,
                height=4,
            ),
            panel(
                "stat",
                "Features warm · 特征预热",
                "Share of the features that have seen as much as they look back; the least shard.",
                {"warm": f"min(sentinel_features_warm_ratio{{{ME}}})"},
                unit="percentunit",
                width=6,
                height=4,
            ),
            panel(
                "stat",
                "Configurations refused · 被拒配置",
                "Published configurations in the chosen time that no worker runs.",
                {
                    "refused": "sum(increase("
                    f"sentinel_configurations_refused_total{{{ME}}}[$__range]))"
                },
                unit="none",
                width=6,
                height=4,
            ),
            panel(
                "timeseries",
                "Recovery · 恢复进度",
                "How much of its journal each shard has replayed.",
                {"shard {{shard}}": f"max by (shard) (sentinel_recovery_ratio{{{ME}}})"},
                unit="percentunit",
            ),
            panel(
                "timeseries",
                "Snapshot age · 快照时效",
                "How old each shard's newest snapshot is.",
                {
                    "shard {{shard}}": "time() - max by (shard) "
                    f"(sentinel_snapshot_timestamp_seconds{{{ME}}})"
                },
                unit="s",
            ),
            panel(
                "timeseries",
                "Snapshot size · 快照大小",
                "Each shard's newest snapshot, uncompressed.",
                {"shard {{shard}}": f"max by (shard) (sentinel_snapshot_bytes{{{ME}}})"},
                unit="bytes",
            ),
            panel(
                "timeseries",
                "Held up by a snapshot · 快照停顿",
                "How long a snapshot holds up its shard.",
                {
                    "median": quantile(0.5, "sentinel_snapshot_pause_seconds"),
                    "99 %": quantile(0.99, "sentinel_snapshot_pause_seconds"),
                },
                unit="s",
            ),
        ],
    )
