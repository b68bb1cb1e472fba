"""The dashboard of shared entities: devices, addresses, merchants, branches, the bank."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from panels import Panel, bar_gauge, dashboard, timeseries
from queries import INSTANCE, RATE_INTERVAL, increase, rate


def shared_entities() -> Dashboard:
    """Signals of entity rules, risky entities, entities with state and dropped rollups."""
    return dashboard(
        "sentinel-shared-entities",
        "Shared entities · 共享实体",
        "Rules by device, IP, merchant, branch and bank; docs/shared-entities.md explains them.",
        [*_signals_and_risky_entities(), *_capacity()],
    )


def _signals_and_risky_entities() -> list[Panel]:
    return [
        bar_gauge(
            "Entity rules · 实体规则",
            "Signals of rules about shared entities in the chosen time.",
            {"{{rule}}": increase("sentinel_signals_total", "rule", ',rule=~"shared.*"')},
            height=10,
        ),
        timeseries(
            "Risky entities · 高危实体",
            "Entities told to all shards as risky, a second.",
            {"risks": f"sum(rate(sentinel_entity_risks_total{{{INSTANCE}}}{RATE_INTERVAL}))"},
            height=10,
        ),
    ]


def _capacity() -> list[Panel]:
    return [
        timeseries(
            "Entities held · 在管实体",
            "Shared entities with state, by shard.",
            {"shard {{shard}}": f"max by (shard) (sentinel_entities_used{{{INSTANCE}}})"},
            unit=units.Short,
        ),
        timeseries(
            "Not taken in · 未纳入",
            "Rollups that were dropped a second, by reason.",
            {"{{reason}}": rate("sentinel_dropped_rollups_total", "reason")},
        ),
    ]
