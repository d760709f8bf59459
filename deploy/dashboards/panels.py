"""Panels as they look on every dashboard here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    logs,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.builders import loki as loki_queries
from grafana_foundation_sdk.cog import builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmaps
from grafana_foundation_sdk.models import prometheus as prometheus_models

#: As Grafana's provisioned data sources are called.
PROMETHEUS = models.DataSourceRef(type_val="prometheus", uid="prometheus")
LOKI = models.DataSourceRef(type_val="loki", uid="loki")
JAEGER = models.DataSourceRef(type_val="jaeger", uid="jaeger")

SECONDS, SHARE, COUNT, PER_SECOND = "s", "percentunit", "short", "cps"

Panel = builder.Builder[models.Panel]

_GREEN, _RED, _PLAIN = "green", "red", "text"


@dataclass(frozen=True)
class Query:
    """What a panel asks Prometheus, and how it calls the answers."""

    expression: str
    legend: str = ""
    exemplars: bool = False


def stat_panel(
    title: str,
    description: str,
    queries: Sequence[Query],
    unit: str = COUNT,
    *,
    bad_from: float | None = None,
    good_from: float | None = None,
    empty: str = "none yet",
    width: int = 4,
    decimals: int | None = None,
    dashboard_uid: str = "",
) -> Panel:
    """One big number, red from `bad_from` on, or below `good_from`; a click leads to another dashboard."""
    panel = (
        look(stat.Panel(), title, description, unit, empty, width, 4)
        .thresholds(steps(bad_from, good_from))
        .color_mode(looks.BigValueColorMode.VALUE)
        .graph_mode(looks.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    if dashboard_uid:
        link = dashboard.DashboardLink("Show more").url(f"/d/{dashboard_uid}?${{__url_time_range}}")
        panel = panel.data_links([link])
    return _asking(panel, queries)


def graph(
    title: str,
    description: str,
    queries: Sequence[Query],
    unit: str,
    *,
    limit: float | None = None,
    bars: bool = False,
    empty: str = "nothing in this time",
    width: int = 12,
) -> Panel:
    """Lines over time, or stacked bars for what happens rarely; a dashed line at `limit`."""
    panel = (
        look(timeseries.Panel(), title, description, unit, empty, width, 8)
        .min(0)
        .line_width(1)
        .fill_opacity(60 if bars else 8)
        .show_points(looks.VisibilityMode.AUTO)
        .draw_style(looks.GraphDrawStyle.BARS if bars else looks.GraphDrawStyle.LINE)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(looks.LegendDisplayMode.LIST)
            .placement(looks.LegendPlacement.BOTTOM)
        )
        .tooltip(
            common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING)
        )
    )
    if bars:
        panel = panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL))
    if limit is not None:
        style = common.GraphThresholdsStyleConfig().mode(looks.GraphTresholdsStyleMode.DASHED)
        panel = panel.thresholds(steps(limit, None)).thresholds_style(style)
    return _asking(panel, queries)


def heat(title: str, description: str, query: Query, unit: str, *, empty: str, width: int = 12) -> Panel:
    """How a histogram's measurements are spread, over time."""
    panel = (
        look(heatmap.Panel(), title, description, unit, empty, width, 8)
        .calculate(False)
        .color(heatmap.HeatmapColorOptions().mode(heatmaps.HeatmapColorMode.SCHEME).scheme("Blues").steps(32))
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .show_tooltip()
        .show_legend()
    )
    asked = target(query, 0).format(prometheus_models.PromQueryFormat.HEATMAP)
    return panel.datasource(PROMETHEUS).with_target(asked)


def log_lines(title: str, description: str, expression: str, *, empty: str, height: int = 10) -> Panel:
    """Log lines from Loki, the newest first."""
    query = (
        loki_queries.Dataquery()
        .expr(expression)
        .query_type("range")
        .max_lines(500)
        .ref_id("A")
        .datasource(LOKI)
    )
    return (
        look(logs.Panel(), title, description, "", empty, 24, height)
        .show_time(True)
        .wrap_log_message(True)
        .enable_log_details(True)
        .sort_order(looks.LogsSortOrder.DESCENDING)
        .datasource(LOKI)
        .with_target(query)
    )


class _Common(Protocol):
    """What every panel's builder can do."""

    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def no_value(self, no_value: str) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def span(self, w: int) -> Self: ...
    def height(self, h: int) -> Self: ...
    def datasource(self, datasource: models.DataSourceRef) -> Self: ...
    def with_target(self, target: builder.Builder[Dataquery]) -> Self: ...


P = TypeVar("P", bound=_Common)


def look(panel: P, title: str, description: str, unit: str, empty: str, width: int, height: int) -> P:
    """Add to a panel what every panel has; of 24 columns it takes `width`."""
    panel = panel.title(title).description(description).no_value(empty).span(width).height(height)
    return panel.unit(unit) if unit else panel


def _asking(panel: P, queries: Sequence[Query]) -> P:
    panel = panel.datasource(PROMETHEUS)
    for position, query in enumerate(queries):
        panel = panel.with_target(target(query, position).range())
    return panel


def target(query: Query, position: int) -> prometheus.Dataquery:
    """Ask Prometheus for a query, whose answers are called A, B and so on by position."""
    asked = (
        prometheus.Dataquery().expr(query.expression).ref_id(chr(ord("A") + position)).datasource(PROMETHEUS)
    )
    if query.legend:
        asked = asked.legend_format(query.legend)
    return asked.exemplar(True) if query.exemplars else asked


def steps(bad_from: float | None, good_from: float | None) -> dashboard.ThresholdsConfig:
    """Colour values: red from `bad_from` on, or below `good_from`, and green otherwise."""
    if bad_from is not None:
        found = [models.Threshold(None, _GREEN), models.Threshold(bad_from, _RED)]
    elif good_from is not None:
        found = [models.Threshold(None, _RED), models.Threshold(good_from, _GREEN)]
    else:
        found = [models.Threshold(None, _PLAIN)]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(found)
