"""What shared entities do: devices, addresses, merchants, branches, the bank."""

from typing import Any

from panels import dashboard, panel
from queries import ME, RATE, increase, rate

_RULES = ',rule=~"shared.*"'


def shared_entities() -> dict[str, Any]:
    """Entity rules, the hot list, and what was not taken in."""
    return dashboard(
        "sentinel-shared-entities",
        "Shared entities · 共享实体",
        "Rules by device, IP, merchant, branch and bank; docs/shared-entities.md explains them.",
        [
            panel(
                "bargauge",
                "Entity rules · 实体规则",
                "Signals of rules about shared entities in the chosen time.",
                {"{{rule}}": increase("sentinel_signals_total", "rule", _RULES)},
                unit="none",
                height=10,
            ),
            panel(
                "timeseries",
                "Hot entities · 高危实体",
                "Entities told to all shards as hot, a second.",
                {"hot": f"sum(rate(sentinel_hot_entries_total{{{ME}}}{RATE}))"},
                unit="ops",
                height=10,
            ),
            panel(
                "timeseries",
                "Entities held · 在管实体",
                "Shared entities with state, by shard.",
                {"shard {{shard}}": f"max by (shard) (sentinel_entities_used{{{ME}}})"},
                unit="short",
            ),
            panel(
                "timeseries",
                "Not taken in · 未纳入",
                "Rollups that were dropped a second, by reason.",
                {"{{reason}}": rate("sentinel_dropped_rollups_total", "reason")},
                unit="ops",
            ),
        ],
    )
