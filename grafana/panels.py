"""Building blocks of the dashboards: a panel is data, its place is given by its dashboard.

The JSON is Grafana's dashboard model, schema version 39 (Grafana 10.2 and later).
"""

from collections.abc import Mapping, Sequence
from typing import Any

Panel = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
TIER_COLOURS = {"red": "#E02F44", "orange": "#FF780A", "yellow": "#F2CC0C", "blue": "#3274D9"}
_WIDTH = 24


def panel(
    kind: str,
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str = "short",
    width: int = 12,
    height: int = 8,
    colours: Mapping[str, str] | None = None,
    exemplars: bool = False,
    **options: object,
) -> Panel:
    """A panel of ``kind`` (timeseries, stat, bargauge); ``queries`` maps a legend to PromQL.

    With ``exemplars`` single observations are shown, each with the alert that it is of.
    """
    instant = kind != "timeseries"
    overrides = [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for name, colour in (colours or {}).items()
    ]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": width, "h": height},
        "fieldConfig": {
            "defaults": {"unit": unit, "min": 0, "custom": _STYLE[kind]},
            "overrides": overrides,
        },
        "options": {**_OPTIONS[kind], **options},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": DATASOURCE,
                "expr": expression,
                "legendFormat": legend,
                "instant": instant,
                "range": not instant,
                "exemplar": exemplars,
            }
            for place, (legend, expression) in enumerate(queries.items())
        ],
    }


_STYLE: dict[str, dict[str, Any]] = {
    "timeseries": {"lineWidth": 1, "fillOpacity": 10, "showPoints": "never"},
    "stat": {},
    "bargauge": {},
}
_REDUCE = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": _REDUCE, "colorMode": "value", "graphMode": "none"},
    "bargauge": {"reduceOptions": _REDUCE, "orientation": "horizontal", "displayMode": "basic"},
}


def dashboard(uid: str, title: str, description: str, panels: Sequence[Panel]) -> dict[str, Any]:
    """A dashboard with its panels laid out from left to right, row after row."""
    placed, x, y, tallest = [], 0, 0, 0
    for number, each in enumerate(panels, 1):
        size = each["gridPos"]
        if x + size["w"] > _WIDTH:
            x, y, tallest = 0, y + tallest, 0
        placed.append({**each, "id": number, "gridPos": {**size, "x": x, "y": y}})
        x, tallest = x + size["w"], max(tallest, size["h"])
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["sentinel"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "links": [
            {
                "type": "dashboards",
                "title": "Sentinel",
                "tags": ["sentinel"],
                "asDropdown": True,
                "keepTime": True,
            }
        ],
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Data source",
                    "type": "datasource",
                    "query": "prometheus",
                    "current": {"text": "Prometheus", "value": "prometheus"},
                },
                {
                    "name": "instance",
                    "label": "Worker",
                    "type": "query",
                    "datasource": DATASOURCE,
                    "query": "label_values(sentinel_build_info, instance)",
                    "refresh": 2,
                    "multi": True,
                    "includeAll": True,
                    "allValue": ".*",
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "annotations": {"list": []},
        "panels": placed,
    }
