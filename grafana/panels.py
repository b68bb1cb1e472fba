"""The three kinds of panels and the dashboard around them, built with Grafana's typed SDK.

The JSON is Grafana's classic dashboard model (schema version 42). The SDK recommends the
Kubernetes-style model v2, which Grafana before version 12 cannot load.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders.bargauge import Panel as BarGauge
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TimeZoneBrowser,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)

Panel = Timeseries | Stat | BarGauge
_P = TypeVar("_P", Timeseries, Stat, BarGauge)

TIER_COLOURS = {"red": "#E02F44", "orange": "#FF780A", "yellow": "#F2CC0C", "blue": "#3274D9"}
_DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_TAG = "sentinel"


def timeseries(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str = units.OpsPerSecond,
    width: int = 12,
    height: int = 8,
    colours: Mapping[str, str] | None = None,
    exemplars: bool = False,
) -> Timeseries:
    """Lines over time; ``queries`` maps a legend to PromQL.

    ``exemplars`` also shows single observations, each with the id of its alert.
    """
    legend = VizLegendOptions().display_mode(LegendDisplayMode.LIST).show_legend(True)
    panel = (
        Timeseries()
        .targets([query.range().exemplar(exemplars) for query in _targets(queries)])
        .line_width(1)
        .fill_opacity(10)
        .show_points(VisibilityMode.NEVER)
        .legend(legend.placement(LegendPlacement.BOTTOM))
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    return _with_fields(panel.span(width).height(height), title, description, unit, colours)


def stat(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str = units.NoUnit,
    colours: Mapping[str, str] | None = None,
) -> Stat:
    """One number; four of them fill a row."""
    panel = (
        Stat()
        .targets([query.instant() for query in _targets(queries)])
        .reduce_options(_last_value())
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
    )
    return _with_fields(panel.span(6).height(4), title, description, unit, colours)


def bar_gauge(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str = units.NoUnit,
    width: int = 12,
    height: int = 8,
    colours: Mapping[str, str] | None = None,
) -> BarGauge:
    """One horizontal bar for each series."""
    panel = (
        BarGauge()
        .targets([query.instant() for query in _targets(queries)])
        .reduce_options(_last_value())
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
    )
    return _with_fields(panel.span(width).height(height), title, description, unit, colours)


def _targets(queries: Mapping[str, str]) -> list[Dataquery]:
    """A Prometheus query for each legend, with the reference ids A, B, C."""
    return [
        Dataquery()
        .ref_id(chr(ord("A") + place))
        .datasource(_DATASOURCE)
        .expr(expression)
        .legend_format(legend)
        .exemplar(False)
        for place, (legend, expression) in enumerate(queries.items())
    ]


def _last_value() -> ReduceDataOptions:
    return ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def _with_fields(
    panel: _P, title: str, description: str, unit: str, colours: Mapping[str, str] | None
) -> _P:
    """Set what all kinds of panels have; ``colours`` maps a series to its fixed colour."""
    for series, colour in (colours or {}).items():
        fixed = model.FieldColor(mode=model.FieldColorModeId.FIXED, fixed_color=colour)
        panel.override_by_name(series, [model.DynamicConfigValue("color", fixed)])
    return panel.title(title).description(description).datasource(_DATASOURCE).unit(unit).min(0)


def dashboard(uid: str, title: str, description: str, panels: Sequence[Panel]) -> model.Dashboard:
    """A dashboard whose panels are laid out from left to right, row after row."""
    board = (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([_TAG])
        .version(1)
        .readonly()
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .refresh("10s")
        .time("now-1h", "now")
        .timezone(TimeZoneBrowser)
        .link(_DashboardMenu())
        .variables([_datasource_variable(), _instance_variable()])
        .annotations([])
    )
    for number, panel in enumerate(panels, 1):
        board.with_panel(panel.id(number))
    return board.build()


class _DashboardMenu(DashboardLink):
    """A drop-down list of Sentinel's dashboards, in the bar above the panels."""

    def __init__(self) -> None:
        super().__init__("Sentinel")
        self.type(model.DashboardLinkType.DASHBOARDS).tags([_TAG]).as_dropdown(True).keep_time(True)
        # The SDK's only placement is the controls menu; a link in the bar has no placement.
        self._internal.placement = None  # type: ignore[assignment]


def _datasource_variable() -> DatasourceVariable:
    """The Prometheus that all panels ask."""
    current = model.VariableOption(text="Prometheus", value="prometheus")
    return DatasourceVariable("datasource").label("Data source").type("prometheus").current(current)


def _instance_variable() -> QueryVariable:
    """The workers that are shown; all by default."""
    return (
        QueryVariable("instance")
        .label("Worker")
        .datasource(_DATASOURCE)
        .query("label_values(sentinel_build_info, instance)")
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(model.VariableOption(text="All", value="$__all"))
    )
